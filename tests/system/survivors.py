"""A site whose agents have to survive, and what is asked of it."""

import contextlib
import json

import psutil

from ocsd.history.file import read_history
from tests.system.conftest import fake_agent
from tests.system.invariants import copies, fork_servers, pids
from tests.system.waiting import wait_until


class Lab:
    """Three agents that run, and one that the operator has put down."""

    def __init__(self, site):
        self.site = site
        site.write(*[fake_agent(f"thermo{number}") for number in range(1, 5)])
        site.bring_up()
        assert site.ocsd("down", "thermo4").returncode == 0
        self.pids = pids(self.status())
        assert set(self.pids) - {"router"} == {"aggregator", "thermo1", "thermo2", "thermo3"}

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
        entries = read_history(self.site.folder / "state" / "lab" / "journal.jsonl")
        return [each for each in entries if each.name == name and each.event == event]

    def counted_ends(self, name):
        """Return how many unasked ends of an instance the operator is told of."""
        told = json.loads(self.site.ocsd("history", "--json").stdout)
        return told["summaries"][name]["ends"]


def is_dead(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


def is_up(lab, name):
    row = lab.row(name)
    return row["pid"] if row["state"] == "up" else None
