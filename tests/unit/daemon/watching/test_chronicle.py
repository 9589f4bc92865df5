"""What happens to an instance stands in the journal, with who asked and how it ended."""

from types import SimpleNamespace

import pytest

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.watching.chronicle import Chronicle
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.history.file import HistoryFile, read_history
from ocsd.site.model import Instance
from ocsd.supervisor.lifecycle import Lifecycle


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


@pytest.fixture
def chronicle(path):
    return Chronicle(HistoryFile(path), lambda: 9.0)


@pytest.fixture
def fleet(tmp_path, clock, chronicle):
    fleet = Fleet(Targets(tmp_path / "targets.json"))
    fleet.launch()
    fleet.observe(chronicle.transition)
    launcher = SimpleNamespace(spawn=lambda name: None, kill=lambda *_: None)
    keeper = Keeper(
        "thermo1", Lifecycle(), launcher, clock, clock.seconds, lambda: 0.0, fleet.announce
    )
    fleet.add(Instance(instance_id="thermo1", agent_class="FakeDataAgent"), keeper)
    return fleet


def test_a_life_is_told_from_request_to_end(fleet, clock, path):
    keeper = fleet.keeper("thermo1")
    fleet.up(["thermo1"], "alice (uid 1000, pid 4)")
    keeper.spawned(Spawned("thermo1", 7, 1))
    clock.advance(1)
    keeper.heard({"READY": "1"})
    keeper.ended(Ended("thermo1", 7, 3, None, "no device"))
    keeper.spawned(Spawned("thermo1", 8, 1))
    fleet.down(["thermo1"], "bob (uid 1001, pid 5)")
    keeper.ended(Ended("thermo1", 8, 0, None))
    told = [(each.event, each.before, each.after, each.pid, each.by) for each in read_history(path)]
    assert told == [
        ("UpRequested", "down", "starting", None, "alice (uid 1000, pid 4)"),
        ("BecameReady", "starting", "up", 7, ""),
        ("Exited", "up", "starting", 7, ""),
        ("DownRequested", "starting", "stopping", 8, "bob (uid 1001, pid 5)"),
        ("Exited", "stopping", "down", 8, ""),
    ]
    crash = list(read_history(path))[2]
    assert (crash.at, crash.code, crash.reason) == (1.0, 3, "ended with exit code 3: no device")


def test_what_changes_no_state_can_be_noted(chronicle, path):
    chronicle.note("thermo1", "Examined", "incidents/1", pid=7)
    (entry,) = read_history(path)
    assert (entry.at, entry.after, entry.reason, entry.pid) == (9.0, "", "incidents/1", 7)


def test_an_end_that_was_asked_for_is_not_blamed_on_an_earlier_one(fleet, path):
    keeper = fleet.keeper("thermo1")
    fleet.up(["thermo1"])
    keeper.spawned(Spawned("thermo1", 7, 1))
    keeper.ended(Ended("thermo1", 7, 3, None, "no device"))
    keeper.spawned(Spawned("thermo1", 8, 1))
    fleet.down(["thermo1"])
    keeper.ended(Ended("thermo1", 8, 0, None))
    assert list(read_history(path))[-1].reason == ""


def test_an_end_while_no_daemon_ran_says_how_if_that_is_known(chronicle, path):
    chronicle.missed(Ended("thermo1", 7, None, 9, "", 5.0))
    chronicle.missed(Ended("thermo1", 8, None, None))
    assert [(each.at, each.reason, each.pid) for each in read_history(path)] == [
        (5.0, "while no daemon ran: killed by SIGKILL", 7),
        (9.0, "ended while no daemon ran, exit code unknown", 8),
    ]
