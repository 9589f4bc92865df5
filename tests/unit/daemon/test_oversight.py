"""What looks on is told what happens, and looks at everything."""

from types import SimpleNamespace

import pytest
from twisted.internet.task import Clock

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.oversight import Oversight
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.history.file import read_history
from ocsd.site.model import Host, Instance
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.system.paths import of_host

LAUNCHER = SimpleNamespace(spawn=lambda name: None)


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    return of_host("lab")


def test_what_is_to_be_done_once_a_second_is(paths):
    looked, clock = [], Clock()
    settings = SimpleNamespace(paths=paths, plan=SimpleNamespace(host=Host(name="lab")))
    fleet = Fleet(Targets(paths.targets))
    Oversight(settings, fleet, clock, (), (lambda: looked.append(True),)).start()
    clock.pump([1, 1, 1])
    assert len(looked) == 3


@pytest.mark.parametrize("by", ["ann", ""])
def test_an_operator_who_restarts_what_is_broken_makes_no_incident(paths, by):
    paths.state.mkdir(parents=True)
    clock = Clock()
    settings = SimpleNamespace(paths=paths, plan=SimpleNamespace(host=Host(name="lab")))
    fleet = Fleet(Targets(paths.targets))
    oversight = Oversight(settings, fleet, clock)
    fleet.launch()
    for name in "abc":
        keeper = Keeper(
            *(name, Lifecycle(), LAUNCHER, clock, clock.seconds, lambda: 0.0, fleet.announce),
            is_shared=oversight.incidents.failed,
        )
        fleet.add(Instance(instance_id=name, agent_class="A"), keeper)
    fleet.restart("abc", by)
    for pid, (_, keeper) in enumerate(fleet, start=7):
        keeper.spawned(Spawned(keeper.name, pid, 1))
        keeper.ended(Ended(keeper.name, pid, 1, None))
    oversight.chronicle.close()
    began = [each for each in read_history(paths.journal) if each.event == "IncidentBegan"]
    assert len(began) == (0 if by else 1)
