"""A site that is made to fail, and what is said of it."""

import contextlib
import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import psutil

from ocsd.client.http import ControlClient
from ocsd.history.file import read_history
from ocsd.supervisor.policy import DEFAULT_BACKOFF
from ocsd.system.proc import start_ticks
from tests.system.conftest import a_site
from tests.system.invariants import copies, pids
from tests.system.waiting import free_port
from tests.system.waiting import wait_until as _wait_until

HERE = Path(__file__).parent

# Measured: 0.1 s for an agent, 2 s for crossbar; 5 s and 20 s where ten programs want each
# processor and ocsd is edited meanwhile, which makes agents start from scratch.
AGENT_BACK_S = 15.0
ROUTER_BACK_S = 60.0

# ocsd.supervisor.health: silence is seen after 10 s, and answered after 30 s. A report is at
# most 1 s old, a look at most 1 s late; the rest is for a machine that is busy.
HANG_SEEN_S = 15.0
HANG_ENDED_S = 40.0

LOOK_EVERY_S = 0.1
"""A daemon that is asked without a pause would have time for nothing else."""

_UNASKED = {"Exited", "TimerFired", "CauseCleared"}


def wait_until(condition, what, limit_s=ROUTER_BACK_S):
    """Wait as all system tests do, but look less often."""

    def looked_at():
        found = condition()
        if not found:
            time.sleep(LOOK_EVERY_S)
        return found

    return _wait_until(looked_at, what, limit_s)


def faulty(name, **more):
    """Return the site file's entry of an agent that does harm when it is asked to."""
    return {"agent-class": "Faulty", "instance-id": name, **more}


class Lab:
    """A site with faults: of the host `lab`, by name of the instance."""

    def __init__(self, site):
        self.site = site
        self.faults = site.folder / "faults"
        self.faults.mkdir()
        shadow = os.pathsep.join([str(HERE / "shadow"), os.environ.get("PYTHONPATH", "")])
        site.extra_environment |= {"FAULTS": str(self.faults), "PYTHONPATH": shadow}
        site.only_for_daemons = ("PYTHONPATH",)

    def write(self, *instances, **keys):
        self.site.write(*instances, **{"agent-paths": [str(HERE / "plugins")], **keys})

    def start(self):
        self.site.bring_up()

    def status(self):
        return self.site.status()

    def row(self, name):
        """Return what is said of an instance, or of the router."""
        status = self.status()
        if name == "router":
            return status["router"]
        return next(row for row in status["instances"] if row["instance_id"] == name)

    def pid(self, name):
        status = self.status()
        return status["pid"] if name == "ocsd" else pids(status)[name]

    @property
    def fork_server(self):
        """The pid of the fork server; the daemon is its parent, or was."""
        daemon = self.status()["pid"]
        return next(
            each.pid
            for each in self.site.processes()
            if each.pid != daemon and "ocsd.forkserver" in " ".join(each.cmdline())
        )

    def client(self, name, timeout_s=10.0):
        url = f"http://localhost:{self.site.port}/call"
        return ControlClient(f"observatory.{name}", url, timeout_s=timeout_s)

    def ask(self, name, operation, **params):
        """Start an operation of an agent."""
        code, text, _ = self.client(name).request("start", operation, params)
        assert code == 0, text

    def done(self, name, operation, **params):
        """Start an operation and wait for its end; return its session."""
        self.ask(name, operation, **params)
        _, _, session = self.client(name).wait(operation, 120)
        assert session["success"], session
        return session

    def exit(self, pid, code):
        """Make a Python process end with an exit code."""
        (self.faults / "exit_code").write_text(str(code))
        os.kill(pid, signal.SIGUSR2)

    def back(self, name, old, limit_s):
        """Wait until an instance is up in another process; return how long that took [s]."""
        began_s = time.monotonic()

        def is_back():
            row = self.row(name)
            return row["state"] == "up" and row["pid"] not in {None, old}

        wait_until(is_back, f"{name} to run again", limit_s)
        return time.monotonic() - began_s

    def entries(self, name, since_at=0.0):
        """Return what the journal has of an instance."""
        found = read_history(self.site.folder / "state" / "lab" / "journal.jsonl")
        return [each for each in found if each.name == name and each.at >= since_at]

    def ends(self, name):
        return [each for each in self.entries(name) if each.event == "Exited"]

    def moment(self, name, since_at, limit_s, holds):
        """Wait for an entry of the journal; return how long after `since_at` it was made [s]."""
        entry = wait_until(
            lambda: next((each for each in self.entries(name, since_at) if holds(each)), None),
            f"an entry on {name}",
            limit_s,
        )
        return entry.at - since_at

    def has_kept_its_policy(self, name):
        """Check that an instance was restarted neither more often nor sooner than it may be."""
        entries = [each for each in self.entries(name) if each.after]
        # What falls together with others waits as long as chance says.
        if not any(each.event == "IncidentBegan" for each in self.entries("ocsd")):
            _has_waited(entries)
        since_at = self.status()["since_at"]
        unasked = [
            each
            for each in entries
            if each.at >= since_at
            and each.after == "starting"
            and each.event in _UNASKED
            and not each.reason.startswith("restart requested")
        ]
        assert self.row(name)["restarts"] == len(unasked)

    @contextlib.contextmanager
    def others_unchanged(self, *but):
        """See that all but some instances are the very same processes in the end."""
        before = self.others(*but)
        yield
        assert self.others(*but) == before

    def others(self, *but):
        return {name: pid for name, pid in pids(self.status()).items() if name not in but}

    def is_whole(self, *but):
        """Check that everything else runs once, in its target state, and well."""
        status = self.status()
        assert status["router"]["state"] == "up"
        for row in status["instances"]:
            if row["instance_id"] not in but:
                assert row["state"] == row["target"], row
                assert row["health"] in {None, "ok", "unstable"}, row
        once = {name: [pid] for name, pid in pids(status).items() if name not in but}
        found = {name: each for name, each in copies(self.site).items() if name not in but}
        assert found == once


def _has_waited(entries):
    """Check that each delay in a row was twice the one before, less what chance takes off."""
    in_a_row = 0
    for one, following in pairwise(entries):
        if one.event in {"UpRequested", "RestartRequested"}:
            in_a_row = 0
        if one.event == "Exited" and one.after == "backoff":
            least_s = DEFAULT_BACKOFF.first_s * 2**in_a_row * (1 - DEFAULT_BACKOFF.jitter)
            in_a_row += 1
            if following.event == "TimerFired":
                assert following.at - one.at > least_s - 0.01, (one, following)


@contextlib.contextmanager
def a_lab():
    """Make a site of its own, with a router of its own."""
    with a_site(free_port()) as site:
        yield Lab(site)


def is_gone(pid):
    """Whether a process has ended, with all of its threads."""
    return not start_ticks(pid)


@contextlib.contextmanager
def stopped(*victims):
    """Stop processes (SIGSTOP) for as long as the block runs."""
    for pid in victims:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield time.time()
    finally:
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def family(pid):
    """Return a process and all its descendants."""
    return [pid, *(each.pid for each in psutil.Process(pid).children(recursive=True))]
