"""Kills a site's daemon at random moments, over and over, and looks at what is left."""

import collections
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field

import psutil

from ocsd.errors import OcsdError
from tests.system.conftest import fake_agent
from tests.system.invariants import copies, fork_servers, pids

REQUESTS = ("nothing", "up", "down", "restart", "restart all", "reload", "stop", "upgrade")
LONGEST_S = {"nothing": 0.3, "reload": 0.5, "stop": 1.0, "restart all": 0.5, "upgrade": 2.0}
COMES_AND_GOES = "extra"
"""An instance that every reload adds or removes."""

"""The daemon is killed so long after the request at the latest [s]; else 0.25 s."""
START_S = 2.0
RECOVERY_LIMIT_S = 30.0


@dataclass
class Report:
    """What came of it."""

    rounds: collections.Counter = field(default_factory=collections.Counter)
    violations: list = field(default_factory=list)
    recoveries_s: list = field(default_factory=list)

    def __str__(self) -> str:
        counts = ", ".join(f"{number} {name}" for name, number in sorted(self.rounds.items()))
        worst_s = max(self.recoveries_s, default=0.0)
        lines = [
            f"{self.rounds.total()} kills: {counts}",
            f"longest recovery, start of the next daemon to all settled: {worst_s:.1f} s",
            f"{len(self.violations)} violations",
            *self.violations,
        ]
        return "\n".join(lines)


class Killer:
    """Runs a site and kills its daemons.

    Parameters
    ----------
    site : Site
        An empty site.
    agents : int
        How many agents it gets.
    seed : int
        Decides all that is random.
    """

    def __init__(self, site, agents, seed):
        self.report = Report()
        self._site = site
        self._random = random.Random(seed)
        self._names = [f"thermo{number}" for number in range(agents)]
        self._targets = dict.fromkeys(self._names, "up")
        self._daemon = None
        self._edits = dict.fromkeys(self._names, 0)
        self._has_extra = False
        self._write()

    def run(self, times, tell=lambda done: None):
        """Kill the daemon so often, telling how often it was; return the report."""
        self._start()
        self._settle("the first start")
        for number in range(times):
            self._round(number)
            tell(number + 1)
        return self.report

    def end(self):
        """End what runs; return what did not end by itself."""
        self._site.ocsd("stop", "--host", "lab", limit_s=60)
        self._reap()
        return self._site.clear()

    def _start(self):
        # In the foreground, so that the daemon's pid is known from its first moment.
        words = ["start", "--host", "lab", "--site-file", self._site.file]
        with (self._site.folder / "daemon.out").open("a") as printed:
            self._daemon = subprocess.Popen(
                [sys.executable, "-m", "ocsd", *words],
                env=self._site.environment,
                cwd=self._site.folder,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )

    def _kill(self, fork_server=None):
        if fork_server is not None:
            fork_server.kill()
        self._daemon.kill()
        self._reap()

    def _reap(self):
        self._daemon.wait(RECOVERY_LIMIT_S)

    def _write(self):
        """Write the site file as it is to be now."""
        entries = [fake_agent(name, env={"EDIT": edit}) for name, edit in self._edits.items()]
        if self._has_extra:
            entries.append(fake_agent(COMES_AND_GOES))
        self._site.write(*entries)

    def _edit(self, names):
        """Change the entries of some, and add or remove one."""
        for name in names:
            self._edits[name] += 1
        self._has_extra = not self._has_extra
        self._write()

    def _round(self, number):
        what = self._random.choice(REQUESTS)
        names = self._random.sample(self._names, self._random.randint(1, 3))
        delay_s = self._random.uniform(0, LONGEST_S.get(what, 0.25))
        with_fork_server = self._random.random() < 1 / 8
        in_start = self._random.random() < 1 / 4
        before = self._processes()
        fork_server = psutil.Process(fork_servers(self._site)[0]) if with_fork_server else None
        request = self._ask(what, names)
        time.sleep(delay_s)
        self._kill(fork_server)
        label = what + (" + fork server" if with_fork_server else "")
        if request is not None:
            request.communicate(timeout=RECOVERY_LIMIT_S)
        self.report.rounds[label] += 1
        if in_start:
            self._start()
            time.sleep(self._random.uniform(0, START_S))
            self._kill()
            self.report.rounds["start"] += 1
        self._start()
        self._settle(f"round {number} ({label}{', start' if in_start else ''}, {delay_s:.3f} s)")
        touched = {
            "nothing": set(),
            "upgrade": set(),
            "stop": set(before),
            "restart all": set(before),
            "reload": {*names, COMES_AND_GOES},
        }
        self._compare(number, label, before, touched.get(what, set(names)))
        self._learn(what, names, request)

    def _ask(self, what, names):
        if what == "nothing":
            return None
        if what == "reload":
            self._edit(names)
        words = {"restart all": ["restart", "--all"]}
        words |= {alone: [alone] for alone in ("reload", "stop", "upgrade")}
        return subprocess.Popen(
            [sys.executable, "-m", "ocsd", *words.get(what, [what, *names])],
            env=self._site.environment,
            cwd=self._site.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _status(self):
        try:
            return self._site.daemon().status(2.0)
        except OcsdError:
            return None

    def _processes(self):
        return pids(self._site.status())

    def _settle(self, label):
        """Wait until everything is as wanted and nothing runs that the daemon does not know."""
        begun_s = time.monotonic()
        trouble = "the daemon does not answer"
        while time.monotonic() < begun_s + RECOVERY_LIMIT_S:
            for name, found in copies(self._site).items():
                if len(found) > 1:
                    self.report.violations.append(f"{label}: {len(found)} copies of {name}")
            status = self._status()
            trouble = "the daemon does not answer" if status is None else self._trouble(status)
            if not trouble:
                self.report.recoveries_s.append(time.monotonic() - begun_s)
                return
            if self._daemon.poll() is not None:
                trouble = f"the daemon ended with {self._daemon.returncode}"
                break
            time.sleep(0.05)
        self.report.violations.append(f"{label}: {trouble}")
        log = (self._site.folder / "log" / "lab" / "ocsd.log").read_text()
        raise SystemExit(f"{self.report}\nthe daemon's log ends with:\n{log[-3000:]}")

    def _trouble(self, status):
        amiss = [
            f"{row['instance_id']} is {row['state']}, wanted {row['target']}: {row['reason']}"
            for row in status["instances"]
            if row["state"] != row["target"]
        ]
        # Until the registry is up the daemon may not even have asked what runs.
        states = {row["instance_id"]: row["state"] for row in status["instances"]}
        if states["registry"] != "up":
            amiss.append("the registry is not up")
        if (states.get(COMES_AND_GOES) == "up") is not self._has_extra:
            amiss.append(f"{COMES_AND_GOES} is not as the site file has it")
        running, known = copies(self._site), pids(status)
        if running != {name: [pid] for name, pid in known.items()}:
            amiss.append(f"running: {running}, known: {known}")
        servers = fork_servers(self._site)
        if len(servers) != 1:
            amiss.append(f"fork servers: {servers}")
        return "; ".join(amiss)

    def _compare(self, number, label, before, touched):
        for name, pid in self._processes().items():
            if name in before and name not in touched and pid != before[name]:
                self.report.violations.append(
                    f"round {number} ({label}): {name} was restarted, {before[name]} -> {pid}"
                )

    def _learn(self, what, names, request):
        """Hold what is wanted against what was asked for."""
        done = request is not None and request.returncode == 0
        for row in self._site.status()["instances"]:
            name, target = row["instance_id"], row["target"]
            if name not in self._targets:
                continue
            # A restart of all leaves down what is down.
            asked = {"up": "up", "down": "down", "restart": "up"}.get(what)
            allowed = {self._targets[name]}
            if asked is not None and name in names:
                # An answer that broke off leaves open whether the request arrived.
                allowed = {asked} if done else allowed | {asked}
            if target not in allowed:
                self.report.violations.append(
                    f"{what} {names}: {name} is wanted {target}, not {allowed}"
                )
            self._targets[name] = target
