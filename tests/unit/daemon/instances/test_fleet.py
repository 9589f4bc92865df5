"""What a fleet tells of its instances before it has been launched, and of those that are down."""

import re

import pytest

from ocsd.daemon.api.status import StatusReport
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.site.model import Hub, Instance, Manage
from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.wish import MANAGED_DOWN, WITH_ALL
from ocsd.system.paths import of_host

HUB = Hub(wamp_server="ws://localhost:8001/ws")
PUT_DOWN = r"put down on \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ by alice \(uid 7\); `ocsd up b` starts it"


class Launcher:
    """Starts nothing."""

    def spawn(self, name):
        pass

    def withdraw(self, name):
        return True

    def kill(self, name, pid, number):
        pass


@pytest.fixture
def targets_file(tmp_path):
    return tmp_path / "targets.json"


@pytest.fixture
def begin(targets_file, clock):
    """Return a function that makes the fleet of a new daemon: a and b wanted, c not."""

    def make():
        fleet = Fleet(Targets(targets_file))
        for name, manage in (("a", Manage.UP), ("b", Manage.UP), ("c", Manage.DOWN)):
            keeper = Keeper(
                name, Lifecycle(), Launcher(), clock, lambda: 0.0, lambda: 0.0, fleet.announce
            )
            fleet.add(Instance(instance_id=name, agent_class="A", manage=manage), keeper)
        return fleet

    return make


def rows(fleet):
    report = StatusReport("lab", "site.yaml", 1, 0.0, HUB, of_host("lab"), fleet)
    return {row["instance_id"]: row for row in report.as_json()["instances"]}


def test_before_the_launch_the_status_shows_what_is_wanted(begin):
    begin().down(["b"], "alice (uid 7)")
    told = rows(begin())
    assert [(row["state"], row["target"]) for row in told.values()] == [
        ("down", "up"),
        ("down", "down"),
        ("down", "down"),
    ]
    assert told["a"]["reason"] == "the daemon waits for its fork server"
    assert re.fullmatch(PUT_DOWN, told["b"]["reason"])
    assert told["c"]["reason"] == ""


def test_from_its_launch_on_a_fleet_shows_what_happens(begin):
    fleet = begin()
    fleet.launch()
    assert fleet.target("a") is Target.UP
    assert rows(fleet)["a"]["state"] == "starting"
    assert rows(fleet)["a"]["reason"] == ""


def test_at_a_launch_the_order_in_the_site_file_does_not_matter(begin):
    fleet = begin()
    fleet.replace(Instance(instance_id="a", agent_class="A", after=("b", "c")))
    asked = []
    fleet.observe(lambda transition: asked.append((transition.instance_id, fleet.waits_for("a"))))
    fleet.launch()
    # b has not been told yet when a is; c is wanted by nobody.
    assert asked[0] == ("a", ("b",))


def test_nothing_is_wanted_while_everything_is_being_stopped(begin):
    fleet = begin()
    fleet.stopping = True
    assert fleet.target("a") is Target.DOWN


def test_an_instance_put_down_under_another_daemon_says_by_whom(begin):
    begin().down(["b"], "alice (uid 7)")
    fleet = begin()
    fleet.launch()
    assert re.fullmatch(PUT_DOWN, rows(fleet)["b"]["reason"])
    fleet.up(["b"], "bob")
    assert rows(fleet)["b"]["reason"] == ""


def test_who_rests_is_told_with_the_reason(begin):
    fleet = begin()
    fleet.launch()
    assert fleet.resting() == {"c": MANAGED_DOWN}
    fleet.down(["b"], "alice (uid 7)")
    assert list(fleet.resting()) == ["b", "c"]
    assert re.fullmatch(PUT_DOWN, fleet.resting()["b"])
    fleet.up(["b", "c"], "bob")
    assert fleet.resting() == {}


def test_an_instance_put_down_just_now_says_so_beside_its_end(begin, clock):
    fleet = begin()
    fleet.launch()
    keeper = fleet.keeper("b")
    keeper.spawned(Spawned("b", 7, 1))
    fleet.down(["b"], "alice (uid 7)")
    clock.advance(11)
    keeper.ended(Ended("b", 7, None, 15))
    assert re.fullmatch(f"ended by SIGTERM; {PUT_DOWN}", rows(fleet)["b"]["reason"])


def test_a_restart_asked_for_before_the_launch_is_one(begin, clock):
    fleet = begin()
    fleet.restart(["a"], "alice (uid 7)")
    keeper = fleet.keeper("a")
    assert keeper.life.state is State.DOWN
    keeper.adopt(Spawned("a", 7, 1), 0.0)  # the fork server has greeted
    fleet.launch()
    assert keeper.life.state is State.STOPPING
    assert keeper.life.reason == "restart requested"
    keeper.ended(Ended("a", 7, None, 2))
    assert keeper.life.state is State.STARTING


def test_what_was_put_down_by_its_name_is_told_from_what_went_down_with_all(begin):
    fleet = begin()
    fleet.launch()
    fleet.down(["b"], "alice (uid 7)")
    fleet.down(["a", "b", "c"], f"bob (uid 8){WITH_ALL}")
    assert list(fleet.resting()) == ["a", "b", "c"]
    [(name, reason)] = fleet.put_down_singly().items()
    assert name == "b"
    assert re.fullmatch(PUT_DOWN, reason)
    # The next daemon remembers it.
    assert list(begin().put_down_singly()) == ["b"]
    fleet.up(["b"], "bob (uid 8)")
    assert fleet.put_down_singly() == {}
