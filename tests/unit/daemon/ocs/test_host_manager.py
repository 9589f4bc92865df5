"""OCS's tools control ocsd."""

from types import SimpleNamespace

import pytest

from ocsd.bus.caller import Caller
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.ocs.host_manager import HostManagerFace, wanted
from ocsd.errors import SiteFileError
from ocsd.forkserver.protocol import Spawned
from ocsd.site.model import Instance
from ocsd.supervisor.events import State, Target, UpRequested
from ocsd.supervisor.lifecycle import Lifecycle
from tests.unit.daemon.timers import cancel_timers

SIMON = Caller(7, peer="tcp:10.0.0.5:1", words="ocsbow (simon@grumpy)")
ASKER = "simon@grumpy (ocsbow), from 10.0.0.5, through the HostManager"
KNOWN = ["thermo1", "thermo2"]


@pytest.mark.parametrize(
    ("requests", "found"),
    [
        ([], []),
        ([["thermo1", "down"]], [("thermo1", Target.DOWN)]),
        ([("all", "up")], [("thermo1", Target.UP), ("thermo2", Target.UP)]),
        ([("all", "down"), ("thermo2", "up")], [("thermo1", Target.DOWN), ("thermo2", Target.UP)]),
    ],
)
def test_requests_are_one_target_for_each_instance(requests, found):
    assert wanted(requests, KNOWN) == found


@pytest.mark.parametrize(
    ("requests", "complaint"),
    [
        ("thermo1", "not a list"),
        (["thermo1"], "'thermo1' in requests"),
        ([("thermo1", "off")], "'off'"),
        ([("thermo1", "up", 1)], "in requests"),
        ([(["x"], "up")], "in requests"),
        ([("termo1", "up")], "no instance 'termo1'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_value(requests, complaint):
    with pytest.raises(ValueError, match=complaint):
        wanted(requests, KNOWN)


class Operations:
    """An agent that only takes note of its operations."""

    def __init__(self):
        self.found = {}

    def register_process(self, name, start, stop, **options):
        self.found[name] = start

    def register_task(self, name, func, **options):
        self.found[name] = func


@pytest.fixture
def fleet(tmp_path, clock):
    fleet = Fleet(Targets(tmp_path / "targets.json"))
    fleet.launch()
    launcher = SimpleNamespace(spawn=lambda name: None, kill=lambda *_: None)
    for name in KNOWN:
        keeper = Keeper(
            name, Lifecycle(), launcher, clock, lambda: 0.0, lambda: 0.0, fleet.announce
        )
        fleet.add(Instance(instance_id=name, agent_class="FakeDataAgent"), keeper)
    return fleet


@pytest.fixture
def stops():
    return []


@pytest.fixture
def face(fleet, clock, stops):
    def refuse(by):
        assert by == ASKER
        raise SiteFileError("site.yaml:3: unknown key 'argumets'")

    face = HostManagerFace(Operations(), fleet, refuse, stops.append, clock)
    yield face
    cancel_timers(clock)


def session():
    return SimpleNamespace(
        data={},
        start_time=5.0,
        messages=[],
        add_message=print,
        set_status=lambda status: None,
        started_by=SIMON,
        ended_by=None,
    )


NOTHING = {"requests": [], "reload_config": False}


def begin(keeper, pid):
    keeper.deliver(UpRequested())
    keeper.spawned(Spawned(keeper.instance_id, pid, 1))
    keeper.notified({"READY": "1"})


def test_the_manager_tells_what_runs_and_follows_it(face, fleet):
    running = session()
    face.manager(running, NOTHING)
    states = {each["instance_id"]: each["next_action"] for each in running.data["child_states"]}
    assert states == {"thermo1": "down", "thermo2": "down"}
    begin(fleet.keeper("thermo1"), 7)
    thermo1 = running.data["child_states"][0]
    assert thermo1 == {
        "next_action": "up",
        "target_state": "up",
        "stability": 1.0,
        "agent_class": "FakeDataAgent",
        "instance_id": "thermo1",
        "operable": True,
        "restart_required": False,
    }
    assert running.data["config_parse_status"] == {"[SCF]": [True, 5.0, ""]}


def test_an_update_brings_instances_up_and_down(face, fleet):
    begin(fleet.keeper("thermo1"), 7)
    params = {**NOTHING, "requests": [["all", "down"], ["thermo2", "up"]]}
    assert face.update(session(), params) == (True, "asked 2 instances to change")
    assert [str(keeper.life.target) for _, keeper in fleet] == ["down", "up"]


def test_a_broken_site_file_is_told_and_changes_nothing(face, fleet):
    params = {"requests": [["all", "up"]], "reload_config": True}
    assert face.update(session(), params) == (False, "site.yaml:3: unknown key 'argumets'")
    assert [str(keeper.life.target) for _, keeper in fleet] == ["down", "down"]


def test_die_answers_before_everything_ends(face, clock, stops):
    assert face.die(session(), {})[0]
    assert stops == []
    clock.advance(0)
    assert stops == [ASKER]


def test_ocs_neither_sees_the_page_nor_ends_it(face, fleet, clock):
    launcher = SimpleNamespace(spawn=lambda name: None, kill=lambda *_: None)
    page = Keeper("web", Lifecycle(), launcher, clock, lambda: 0.0, float, fleet.announce)
    fleet.add(Instance(instance_id="web", agent_class="Web"), page)
    begin(fleet.keeper("web"), 77)
    running = session()
    face.manager(running, {"requests": [("all", "down")], "reload_config": False})
    assert "web" not in {each["instance_id"] for each in running.data["child_states"]}
    assert fleet.keeper("web").life.state is State.UP
    assert face.update(session(), {"requests": [("web", "down")], "reload_config": False}) == (
        False,
        "this host has no instance 'web'",
    )


def test_on_a_closed_site_a_reload_needs_an_expert_and_the_end_an_admin(fleet, clock, stops):
    levels = {}

    class Registered(Operations):
        def register_task(self, name, func, **options):
            levels[name] = options.get("min_privs")

    reloads = []
    face = HostManagerFace(Registered(), fleet, reloads.append, stops.append, clock, True)
    asked = session()
    for level, worked in ((1, False), (2, True)):
        asked.cred_level = level
        assert face.update(asked, {"requests": [], "reload_config": True})[0] is worked
    assert len(reloads) == 1
    assert levels == {"update": None, "die": 3, "docker_pull": None, "remove_orphans": None}
    cancel_timers(clock)
