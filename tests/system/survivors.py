"""A site whose agents have to survive, and what is asked of it."""

import contextlib
import json

import psutil

from ocsd.errors import OcsdError
from ocsd.history.file import read_history
from tests.system.conftest import fake_agent
from tests.system.invariants import copies, fork_servers, pids
from tests.system.waiting import wait_until

TARGETS = {"thermo1": "up", "thermo2": "up", "thermo3": "up", "thermo4": "down"}


class Lab:
    """Three agents that run, and one that the operator has put down."""

    def __init__(self, site):
        self.site = site
        self._ends_before = self._log_before = 0
        self._counted_before = {}
        self.renew()

    def renew(self):
        """Make it new for the next test, whatever the last one has left; begin to count anew.

        Only what must not stay is started anew. Daemon and fork server are found as they are: the
        daemon may have taken over the fork server of another.
        """
        for each in self.site.processes():
            each.resume()
        self.site.write(*map(fake_agent, TARGETS))
        if not self._is_sound():
            self.site.ocsd("stop")
            self.site.bring_up()
        self._restart_survivors()
        targets = {row["instance_id"]: row["target"] for row in self.status()["instances"]}
        for name, target in TARGETS.items():
            if targets[name] != target:
                assert self.site.ocsd(target, name).returncode == 0
        self.pids = pids(self.status())
        assert set(self.pids) - {"router"} == {"aggregator", "thermo1", "thermo2", "thermo3"}
        assert self.status()["trouble"] == ""
        self._log_before = len(self.log())
        self._ends_before = len(self._history())
        self._counted_before = self._summaries()

    def _is_sound(self):
        try:
            return not self.status()["trouble"]
        except OcsdError:
            return False

    def _restart_survivors(self):
        """Start anew what is no child of this fork server, or has failed before."""
        status = self.status()
        children = {each.pid for each in psutil.Process(self.fork_server).children()}
        names = [
            row["instance_id"]
            for row in (status["router"] | {"instance_id": "router"}, *status["instances"])
            if row["pid"] not in {None, status["pid"]}
            and (row["pid"] not in children or row.get("restarts"))
        ]
        if names:
            restarted = self.site.ocsd("restart", *names)
            assert restarted.returncode == 0, restarted.stdout + restarted.stderr

        def is_well():
            return all(each["health"] == "ok" for each in self.status()["instances"] if each["pid"])

        wait_until(is_well, "everybody's health")

    def status(self):
        return self.site.status()

    def row(self, name):
        return next(row for row in self.status()["instances"] if row["instance_id"] == name)

    @property
    def record(self):
        return self.site.folder / "run" / "lab" / "processes"

    @property
    def fork_server(self):
        [found] = wait_until(lambda: fork_servers(self.site), "a fork server")
        return found

    def kill(self, *victims):
        """Kill processes; they are gone when this returns."""
        gone = [psutil.Process(pid) for pid in victims]
        for each in gone:
            each.kill()
        wait_until(lambda: all(map(is_dead, gone)), "their end")

    def start(self):
        begun = self.site.start()
        assert begun.returncode == 0, begun.stdout + begun.stderr

    def is_as_it_was(self, but=()):
        """Whether everything is up again in its old process, and thermo4 still down."""
        now = {name: pid for name, pid in pids(self.status()).items() if name not in but}
        assert now == {name: pid for name, pid in self.pids.items() if name not in but}
        assert copies(self.site) == {name: [pid] for name, pid in pids(self.status()).items()}
        row = self.row("thermo4")
        assert (row["state"], row["target"]) == ("down", "down")

    def ends(self, name, event="Exited"):
        """Return the ends of an instance's processes on record."""
        entries = self._history()[self._ends_before :]
        return [each for each in entries if each.name == name and each.event == event]

    def _history(self):
        return read_history(self.site.folder / "state" / "lab" / "journal.jsonl")

    def counted_ends(self, name):
        """Return how many unasked ends of an instance the operator is told of."""
        return self._summaries()[name]["ends"] - self._counted_before[name]["ends"]

    def _summaries(self):
        return json.loads(self.site.ocsd("history", "--json").stdout)["summaries"]

    def log(self):
        """Return what the daemons have logged."""
        file = self.site.folder / "log" / "lab" / "ocsd.log"
        return file.read_text()[self._log_before :]


def is_dead(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        # Its other threads hold its sockets and locks until they have ended too.
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    return True


def is_up(lab, name):
    row = lab.row(name)
    return row["pid"] if row["state"] == "up" else None
