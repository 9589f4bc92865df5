"""A request is followed until every instance has got where it should, or will not."""

import pytest

from ocsd.daemon.api.requests import PendingRequest
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.shutdown import Shutdown
from ocsd.daemon.watching.chronicle import entry_of
from ocsd.errors import NoSuchInstanceError, StoppingError
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.site.model import Instance
from ocsd.supervisor.events import State, Target, UpRequested
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.policy import RestartPolicy


class World:
    """Instances whose processes do what the test says."""

    def __init__(self, tmp_path, clock):
        self.clock = clock
        self.killed = []
        self.fleet = Fleet(Targets(tmp_path / "targets.json"))
        self.fleet.launch()  # it is known that nothing runs yet
        classes = {"aggregator": "AggregatorAgent", "a": "FakeDataAgent", "b": "FakeDataAgent"}
        for name, agent_class in classes.items():
            self.fleet.add(Instance(instance_id=name, agent_class=agent_class), self.keep(name))
        self.fleet.router = self.keep("router")

    def keep(self, name):
        return Keeper(name, Lifecycle(), self, self.clock, lambda: 0.0, lambda: 0.0, self.announce)

    def announce(self, transition):
        self.fleet.announce(transition)

    def spawn(self, name):
        pass

    def withdraw(self, name):
        return False

    def kill(self, name, pid, number):
        self.killed.append(name)

    def begin(self, name, pid=7):
        self.fleet.keeper(name).spawned(Spawned(name, pid, 1))
        self.fleet.keeper(name).notified({"READY": "1", "WATCHDOG": "1"})

    def end(self, name, code=0):
        keeper = self.fleet.keeper(name)
        keeper.ended(Ended(name, keeper.pid, code, None))


@pytest.fixture
def world(tmp_path, clock):
    return World(tmp_path, clock)


def follow(world, names, wanted):
    told, ended = [], []
    pending = PendingRequest(
        world.fleet,
        dict.fromkeys(names, wanted),
        told.append,
        lambda: ended.append(True),
        world.clock,
        5.0,
    )
    return pending, told, ended


def results(told):
    return {
        each["instance_id"]: (each["ok"], each["state"], each["timed_out"])
        for each in told
        if each["event"] == "result"
    }


def test_each_result_comes_as_soon_as_it_is_known(world):
    pending, told, ended = follow(world, ["a", "b"], Target.UP)
    world.fleet.up(["a"])
    world.fleet.up(["b"])
    pending.report_settled()
    world.begin("a")
    assert results(told) == {"a": (True, "up", False)}
    assert not ended
    world.end("b", code=125)
    assert results(told)["b"] == (False, "failed", False)
    assert ended


def test_what_is_as_wanted_already_is_told_at_once(world):
    world.fleet.up(["a"])
    world.begin("a")
    pending, told, ended = follow(world, ["a"], Target.UP)
    world.fleet.up(["a"])
    pending.report_settled()
    assert results(told) == {"a": (True, "up", False)}
    assert ended


def test_a_request_that_takes_too_long_is_given_up_but_goes_on(world, clock):
    world.fleet.up(["a"])
    pending, told, ended = follow(world, ["a"], Target.UP)
    pending.report_settled()
    clock.advance(5.0)
    assert results(told) == {"a": (False, "starting", True)}
    assert ended
    assert world.fleet.keeper("a").life.state is State.STARTING


def test_a_restart_is_done_when_the_next_process_is_ready(world, clock):
    world.fleet.up(["a"])
    world.begin("a", pid=7)
    pending, told, ended = follow(world, ["a"], Target.UP)
    world.fleet.restart(["a"])
    pending.report_settled()
    assert not ended
    world.end("a")
    world.begin("a", pid=8)
    assert results(told) == {"a": (True, "up", False)}


def test_whoever_is_overridden_is_told_at_once(world):
    world.fleet.up(["a"])
    world.begin("a")
    told = {}
    for change, by, wanted in (
        (world.fleet.restart, "ann", Target.UP),
        (world.fleet.down, "bob", Target.DOWN),
        (world.fleet.up, "cyd", Target.UP),
        (world.fleet.down, "dan", Target.DOWN),
    ):
        pending, told[by], _ = follow(world, ["a"], wanted)
        change(["a"], by)
        pending.report_settled()
    reasons = {by: its[-1]["reason"] for by, its in told.items()}
    assert reasons == {
        "ann": "put down meanwhile by bob",
        "bob": "asked to run meanwhile by cyd",
        "cyd": "put down meanwhile by dan",
        "dan": "stop requested",
    }
    world.end("a")
    assert [its[-1].get("ok") for its in told.values()] == [False, False, False, True]


def test_a_job_that_is_done_tells_so_itself(world):
    world.fleet.up(["a"])
    world.fleet.keeper("a").configure(RestartPolicy.NEVER, {})
    pending, told, ended = follow(world, ["a"], Target.UP)
    pending.report_settled()
    world.fleet.keeper("a").spawned(Spawned("a", 7, 1))
    world.end("a")
    assert told[-1]["reason"] == "ended with exit code 0; restart is never"
    assert ended


def test_a_client_that_goes_after_its_answer_is_forgotten_once(world):
    world.fleet.up(["a"])
    world.begin("a")
    pending, told, ended = follow(world, ["a"], Target.UP)
    pending.report_settled()
    assert ended
    pending.abandon()  # its connection is closed now
    world.end("a")
    assert [each["event"] for each in told] == ["result"]


def test_an_instance_that_leaves_the_site_file_keeps_nobody_waiting(world):
    world.fleet.up(["a"])
    world.begin("a")
    pending, told, ended = follow(world, ["a"], Target.DOWN)
    world.fleet.end("a", "a reload")
    pending.report_settled()
    assert not ended
    world.end("a")
    assert results(told) == {"a": (True, "down", False)}
    assert ended
    assert world.fleet.keeper("a") is None


def test_what_has_left_the_site_file_is_started_by_nobody(world):
    world.fleet.up(["a"])
    world.begin("a")
    world.fleet.end("a", "a reload")
    assert "a" not in world.fleet.listed
    with pytest.raises(NoSuchInstanceError, match="a has left the site file"):
        world.fleet.check(["a"])
    world.end("a")
    assert world.fleet.keeper("a") is None


def test_an_unknown_name_is_refused_with_the_nearest(world):
    with pytest.raises(NoSuchInstanceError, match="'agregator'; did you mean 'aggregator'"):
        world.fleet.check(["a", "agregator"])


@pytest.fixture
def ended():
    return []


@pytest.fixture
def shutdown(world, clock, ended):
    return Shutdown(world.fleet, clock, lambda: None, ended.append)


def all_up(world):
    for name in ("router", "aggregator", "a", "b"):
        world.fleet.keeper(name).deliver(UpRequested())
        world.begin(name)


def test_everything_ends_in_an_order_in_which_nothing_is_lost(world, shutdown, ended):
    all_up(world)
    shutdown.allow()
    shutdown.request()
    assert world.killed == ["a", "b"]
    world.end("a")
    assert world.killed == ["a", "b"]
    world.end("b")
    assert world.killed == ["a", "b", "aggregator"]
    world.end("aggregator")
    assert world.killed == ["a", "b", "aggregator", "router"]
    assert not ended
    world.end("router")
    assert ended == [0.0]


def test_a_bridge_ends_after_the_recording_and_before_the_router(world, shutdown):
    world.fleet.add(Instance(instance_id="bridge", agent_class="Bridge"), world.keep("bridge"))
    names = ("router", "bridge", "aggregator", "a", "b")
    for name in names:
        world.fleet.keeper(name).deliver(UpRequested())
        world.begin(name)
    shutdown.allow()
    shutdown.request()
    for name in ("a", "b", "aggregator", "bridge", "router"):
        world.end(name)
    assert world.killed == ["a", "b", "aggregator", "bridge", "router"]


def test_a_stop_that_is_asked_for_before_it_is_known_what_runs_waits_for_that(
    world, shutdown, ended
):
    shutdown.request()
    assert not ended
    all_up(world)  # taken over
    shutdown.allow()
    assert world.killed == ["a", "b"]
    for name in ("a", "b", "aggregator", "router"):
        world.end(name)
    assert ended


def test_whoever_asks_for_the_stop_again_hears_of_its_end_too(world, shutdown):
    all_up(world)
    shutdown.allow()
    first, second = [], []
    shutdown.request(first.append)
    shutdown.request(second.append)
    for name in ("a", "b", "aggregator", "router"):
        world.end(name)
    assert first[-1] == second[-1] == {"event": "stopped", "took_s": 0.0}


def test_nothing_can_be_changed_while_everything_is_being_stopped(world, shutdown):
    shutdown.request()
    with pytest.raises(StoppingError):
        world.fleet.check(["a"])


def test_a_shutdown_changes_no_remembered_target(world, shutdown, tmp_path):
    instance = next(instance for instance, _ in world.fleet if instance.instance_id == "a")
    world.fleet.up(["a"])
    world.begin("a")
    shutdown.allow()
    shutdown.request()
    world.end("a")
    assert Targets(tmp_path / "targets.json").of(instance) is Target.UP


def test_an_onlooker_that_stumbles_stops_nothing(world):
    world.fleet.observe(lambda transition: 1 / 0)
    world.fleet.up(["a"])
    world.begin("a")
    assert world.fleet.keeper("a").life.state is State.UP


def test_whoever_has_asked_for_the_stop_stands_in_the_history(world, shutdown):
    all_up(world)
    entries = []
    world.fleet.observe(lambda transition: entries.append(entry_of(transition)))
    shutdown.allow()
    shutdown.request(by="ann (uid 1000, pid 7)")
    shutdown.request(by="bob")
    for name in ("a", "b", "aggregator", "router"):
        world.end(name)
    asked = [entry for entry in entries if entry.event == "DownRequested"]
    assert {(entry.name, entry.by) for entry in asked} == {
        (name, "ann (uid 1000, pid 7)") for name in ("a", "b", "aggregator", "router")
    }
