"""What must hold whatever fails: looked at while a fault lasts, and judged at the end of it.

    with Watch(site, may_change=["thermo1"]):
        os.kill(pid_of_thermo1, signal.SIGKILL)
        wait_until(…)

- At most one live copy of each instance.
- No instance that cannot be reached is called up and ok for over ten seconds.
- Every other process is the very one that it was before.
"""

import contextlib
import os
import threading
import time

import psutil

from ocsd.client.http import ControlClient, ControlClientError
from ocsd.errors import OcsdError

UNNOTICED_LIMIT_S = 10.0
COUNT_EVERY_S = 0.5
ASK_EVERY_S = 1.0
"""A call to each agent; more of them take the machine from those who are watched."""

ANSWER_LIMIT_S = 2.0


def copies(site):
    """Return the pids of all live processes of a site's instances, by name.

    Every instance leads a session; what it starts itself does not, or has another title.
    """
    found = {}
    for each in site.processes():
        with contextlib.suppress(psutil.Error, OSError):
            name = _name(each.cmdline())
            if name and os.getsid(each.pid) == each.pid:
                found.setdefault(name, []).append(each.pid)
    return found


def _name(words):
    """Return the instance that runs under a command line; None if it is none."""
    title = " ".join(words)
    if title.startswith("ocsd: "):
        return title.removeprefix("ocsd: ").strip()
    if "crossbar" in title:  # which gives itself another title after a while
        return "router"
    if "--instance-id" in words:
        return words[words.index("--instance-id") + 1]
    return None


def fork_servers(site):
    """Return the pids of a site's fork servers."""
    parents = {}
    for each in site.processes():
        with contextlib.suppress(psutil.Error, OSError):
            words = " ".join(each.cmdline()).split()  # one word if it has a title
            if words[-1:] == ["ocsd.forkserver"] and os.getsid(each.pid) == each.pid:
                parents[each.pid] = each.ppid()
    # What one has just forked has its words still, but not for long.
    return [pid for pid, parent in parents.items() if parent not in parents]


def pids(status):
    """Return the pids of what a daemon runs outside of its own process, by name."""
    rows = {row["instance_id"]: row["pid"] for row in status["instances"]}
    rows["router"] = status["router"]["pid"]
    return {name: pid for name, pid in rows.items() if pid and pid != status["pid"]}


def is_reachable(site, name):
    """Whether an agent answers a call over the router."""
    client = ControlClient(
        f"observatory.{name}", f"http://localhost:{site.port}/call", timeout_s=ANSWER_LIMIT_S
    )
    try:
        client.get_api()
    except ControlClientError:
        return False
    return True


class Watch:
    """Looks at a site for as long as its block runs; a violation fails the test at its end.

    Parameters
    ----------
    site : Site
        The site, whose daemon runs.
    host : str
        The host to look at.
    may_change : collection of str
        Instances (and ``router``) that the fault concerns.

    Attributes
    ----------
    violations : list of str
        What was seen so far.
    """

    def __init__(self, site, host="lab", may_change=()):
        self.violations = []
        self._site = site
        self._daemon = site.daemon(host)
        self._may_change = set(may_change)
        self._before = {}
        self._unreachable_since = {}
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=look, daemon=True)
            for look in ((self._count, COUNT_EVERY_S), (self._ask, ASK_EVERY_S))
        ]

    def __enter__(self):
        running = pids(self._daemon.status())
        self._before = {
            name: psutil.Process(pid)
            for name, pid in running.items()
            if name not in self._may_change
        }
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, kind, *_):
        self._over.set()
        for each in self._threads:
            each.join()
        self._count()
        self._compare()
        if kind is None:
            assert self.violations == []

    def _repeat(self, look, every_s):
        while not self._over.wait(every_s):
            look()

    def _count(self):
        for name, found in copies(self._site).items():
            if len(found) > 1:
                self.violations.append(f"{len(found)} copies of {name}: {found}")

    def _ask(self):
        asked_at_s = time.monotonic()
        try:
            status = self._daemon.status(ANSWER_LIMIT_S)
        except OcsdError:
            self._unreachable_since.clear()  # nobody calls anything up
            return
        praised = {
            row["instance_id"]
            for row in status["instances"]
            if (row["state"], row["health"]) == ("up", "ok")
        }
        for name in praised:
            if is_reachable(self._site, name):
                self._unreachable_since.pop(name, None)
            else:
                self._unreachable_since.setdefault(name, time.monotonic())
        for name, since_s in list(self._unreachable_since.items()):
            if name not in praised:
                del self._unreachable_since[name]
            elif asked_at_s - since_s > UNNOTICED_LIMIT_S:
                self.violations.append(f"{name} is called up and ok but cannot be reached")

    def _compare(self):
        """See that everybody else runs on, known to the daemon if there is one."""
        known = None
        with contextlib.suppress(OcsdError):
            known = pids(self._daemon.status())
        for name, process in self._before.items():
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                self.violations.append(f"{name} (pid {process.pid}) does not run any more")
            elif known is not None and known.get(name) != process.pid:
                self.violations.append(f"the daemon takes {known.get(name)} for {name}")
