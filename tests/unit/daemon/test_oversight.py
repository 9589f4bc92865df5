"""What looks on is told what happens, and looks at everything."""

import json
from types import SimpleNamespace

import pytest
from twisted.internet.task import Clock

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.oversight import Oversight
from ocsd.errors import NoSuchInstanceError, UsageError
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.history.file import read_history
from ocsd.site.model import Host, Instance
from ocsd.supervisor.events import DownRequested
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.system.paths import of_host

LAUNCHER = SimpleNamespace(spawn=lambda name: None, kill=lambda *_: None)


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    return of_host("lab")


def test_what_is_to_be_done_once_a_second_is(paths):
    looked, clock = [], Clock()
    settings = SimpleNamespace(
        paths=paths, plan=SimpleNamespace(host=Host(name="lab"), instances=())
    )
    fleet = Fleet(Targets(paths.targets))
    Oversight(settings, fleet, clock, (), (lambda: looked.append(True),)).start()
    clock.pump([1, 1, 1])
    assert len(looked) == 3


class World:
    """One instance, the host's hooks, and an hour that passes quickly."""

    def __init__(self, paths):
        paths.state.mkdir(parents=True)
        self.clock = Clock()
        self.fired = []
        names = ("on-degraded", "on-failed", "on-ok", "on-up", "on-backoff")
        host = Host(name="lab", hooks={each: ["true"] for each in names})
        settings = SimpleNamespace(paths=paths, plan=SimpleNamespace(host=host, instances=()))
        fleet = Fleet(Targets(paths.targets))
        self.oversight = oversight = Oversight(settings, fleet, self.clock)
        oversight._hooks.run = self.run
        fleet.launch()
        self.keeper = Keeper(
            *("a", Lifecycle(), LAUNCHER, self.clock, self.clock.seconds, lambda: 0.0),
            fleet.announce,
        )
        fleet.add(Instance(instance_id="a", agent_class="Thermo"), self.keeper)
        oversight._rounds.start()
        fleet.up("a", "ann")
        self.keeper.spawned(Spawned("a", 7, 1))
        self.says(READY="1")

    def run(self, command, facts, ended):
        self.fired.append(json.loads(facts))
        ended("", "")
        return SimpleNamespace(kill=lambda: None)

    def says(self, seconds=1, **fields):
        for _ in range(seconds):
            self.keeper.notified({"READY": "1", "WATCHDOG": "1", **fields})
            self.clock.advance(1)

    def occasions(self):
        found, self.fired = [each["occasion"] for each in self.fired], []
        return found


def test_an_alarm_is_cleared_by_a_hook_with_all_that_a_message_needs(paths):
    world = World(paths)
    assert world.occasions() == ["on-up"]
    world.says(seconds=3)
    assert world.occasions() == []
    world.says(seconds=2, X_CALL="no answer")
    world.says(seconds=3, X_CALL="")
    degraded, ok = world.fired
    for fact in (degraded, ok):
        assert (fact["host"], fact["agent_class"]) == ("lab", "Thermo")
        assert fact["log_path"].endswith("a.log")
        assert fact["at"] > 0
    assert (ok["occasion"], ok["after"]) == ("on-ok", "on-degraded")


def test_no_recovery_is_left_out_however_soon_it_comes(paths):
    world = World(paths)
    for _ in range(4):
        world.says(X_CALL="no answer")
        world.says(X_CALL="")
    world.says(seconds=12)
    assert world.occasions()[-1] == "on-ok"
    world.says(seconds=30)
    assert world.occasions() == []


def test_a_crash_is_over_when_the_instance_is_up_again_and_not_if_it_is_put_down(paths):
    world = World(paths)
    for pid in range(7, 12):
        world.keeper.ended(Ended("a", pid, 1, None))
        world.clock.advance(3)
        world.keeper.spawned(Spawned("a", pid + 1, 1))
    assert "on-backoff" in world.occasions()
    world.says(seconds=70, READY="1")
    assert world.occasions()[-1] == "on-ok"
    world.keeper.deliver(DownRequested("ann"))
    world.keeper.ended(Ended("a", 12, 0, None))
    world.clock.advance(60)
    assert "on-ok" not in world.occasions()


@pytest.mark.parametrize("by", ["ann", ""])
def test_an_operator_who_restarts_what_is_broken_makes_no_incident(paths, by):
    paths.state.mkdir(parents=True)
    clock = Clock()
    settings = SimpleNamespace(
        paths=paths, plan=SimpleNamespace(host=Host(name="lab"), instances=())
    )
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
        keeper.spawned(Spawned(keeper.instance_id, pid, 1))
        keeper.ended(Ended(keeper.instance_id, pid, 1, None))
    oversight.chronicle.close()
    began = [each for each in read_history(paths.journal) if each.event == "IncidentBegan"]
    assert len(began) == (0 if by else 1)


def test_an_operator_tries_a_hook_and_is_on_record(paths):
    world, results = World(paths), []
    world.occasions()
    world.oversight.try_hook("on-failed", None, "ann (uid 1)", results.append)
    [facts] = world.fired
    assert facts["test"] is True
    assert (facts["host"], facts["instance_id"], facts["agent_class"]) == ("lab", "a", "Thermo")
    command = {"command": ["true"], "failure": "", "printed": ""}
    assert results == [{"occasion": "on-failed", "instance_id": "a", **command}]
    *_, tried = read_history(paths.journal)
    assert (tried.event, tried.reason, tried.by) == ("HookTried", "on-failed of a", "ann (uid 1)")


@pytest.mark.parametrize(
    ("occasion", "name", "error"),
    [("on-fail", "a", UsageError), ("on-failed", "b", NoSuchInstanceError)],
)
def test_a_hook_or_an_instance_that_there_is_not_is_refused(paths, occasion, name, error):
    with pytest.raises(error):
        World(paths).oversight.try_hook(occasion, name, "ann", print)
