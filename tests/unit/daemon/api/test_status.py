"""What `ocsd status` is told of a host."""

import json
from pathlib import Path

from ocsd.daemon.api.status import StatusReport
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import why_left_alone
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.surroundings.clock import ClockOffset
from ocsd.forkserver.protocol import Spawned
from ocsd.site.model import Hub, Instance
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.system.paths import of_host
from ocsd.system.runs import PROCESS, RECORDING_KEY, RUNS_KEY, SAMPLE_KEY, Run, encode_runs


def report_of(fleet):
    hub = Hub(wamp_server="ws://localhost:8001/ws")
    return StatusReport("lab", "site.yaml", 1, 0.0, hub, of_host("lab"), fleet)


def test_while_the_host_is_being_stopped_what_is_down_says_why(tmp_path, clock):
    fleet = Fleet(Targets(tmp_path / "targets.json"))
    keeper = Keeper("a", Lifecycle(), None, clock, lambda: 0.0, lambda: 0.0, None)
    fleet.add(Instance(instance_id="a", agent_class="A", manage="down"), keeper)
    report = report_of(fleet)
    assert not report.as_json()["stopping"]
    fleet.stopping = True
    told = report.as_json()
    assert told["stopping"]
    assert told["instances"][0]["reason"] == "the host is being stopped"


def test_an_aggregator_has_a_data_folder(tmp_path, clock):
    fleet = Fleet(Targets(tmp_path / "targets.json"))
    for name, agent_class in (("a", "A"), ("recorder", "AggregatorAgent")):
        keeper = Keeper(name, Lifecycle(), None, clock, lambda: 0.0, lambda: 0.0, None)
        arguments = ("--data-dir", "/hk")
        fleet.add(Instance(instance_id=name, agent_class=agent_class, arguments=arguments), keeper)
    other, recorder = report_of(fleet).as_json()["instances"]
    assert recorder["data_dir"] == "/hk"
    assert "data_dir" not in other


def test_entries_that_something_else_runs_are_listed_as_not_managed(tmp_path):
    boxed = Instance(instance_id="boxed", agent_class="A", manage="docker")
    report = report_of(Fleet(Targets(tmp_path / "targets.json")))
    assert report.as_json()["not_managed"] == []
    report.left_alone = lambda: (boxed,)
    assert report.as_json()["not_managed"] == [
        {
            "instance_id": "boxed",
            "agent_class": "A",
            "manage": "docker/up",
            "reason": f"not managed here: {why_left_alone(boxed)}",
        }
    ]


def test_a_process_from_before_an_upgrade_is_marked(tmp_path, clock):
    fleet = Fleet(Targets(tmp_path / "targets.json"))
    for name, started_at in (("old", 1000.0), ("new", 3000.0)):
        keeper = Keeper(name, Lifecycle(), None, clock, lambda: 4000.0, lambda: 0.0, lambda _: None)
        keeper.adopt(Spawned(name, 2**22 + 1, 1), started_at)
        fleet.add(Instance(instance_id=name, agent_class="A"), keeper)
    report = report_of(fleet)
    report.code_at = 2000.0
    old, new = report.as_json()["instances"]
    assert (old["old_code"], new["old_code"]) == (True, False)
    assert (old["uptime_s"], new["uptime_s"]) == (3000.0, 1000.0)


def test_what_this_daemon_started_has_its_code_although_the_clock_was_set_back(tmp_path, clock):
    fleet = Fleet(Targets(tmp_path / "targets.json"))
    keeper = Keeper("a", Lifecycle(), None, clock, lambda: 1000.0, lambda: 0.0, lambda _: None)
    keeper._begin(2**22 + 1, 1000.0)
    fleet.add(Instance(instance_id="a", agent_class="A"), keeper)
    report = report_of(fleet)
    report.code_at = 2000.0
    assert report.as_json()["instances"][0]["old_code"] is False


def test_reports_of_an_aggregator_reach_the_screen(tmp_path, clock):
    fleet = Fleet(Targets(tmp_path / "targets.json"))
    keeper = Keeper("agg", Lifecycle(), None, clock, lambda: 0.0, lambda: 0.0, None)
    fleet.add(Instance(instance_id="agg", agent_class="AggregatorAgent"), keeper)
    run = Run("record", PROCESS, "running", 10.0, startup=True)
    facts = {"recording": True, "feeds": 3, "age_s": 1.0, "file": "/hk/1.g3"}
    keeper.notified(
        {
            "WATCHDOG": "1",
            RUNS_KEY: encode_runs([run]),
            RECORDING_KEY: json.dumps(facts),
            SAMPLE_KEY: "0.5",
        }
    )
    clock.advance(2)
    answer = json.loads(json.dumps(report_of(fleet).as_json()))
    [row] = answer["instances"]
    assert (row["sample_age_s"], row["recording"]["age_s"]) == (2.5, 3.0)
    [operation] = row["operations"]
    assert (operation["name"], operation["state"], operation["startup"]) == (
        "record",
        "running",
        True,
    )
    assert answer["clock"] is None
    assert answer["not_managed"] == []


def test_a_new_process_begins_without_activity(clock):
    keeper = Keeper("a", Lifecycle(), None, clock, lambda: 0.0, lambda: 0.0, lambda _: None)
    keeper.notified({"WATCHDOG": "1", SAMPLE_KEY: "0.5"})
    keeper.spawned(Spawned("a", 4121, 1))
    assert keeper.activity.as_json(clock.seconds()) == {"operations": None, "sample_age_s": None}


def test_how_far_the_clock_is_off_is_told():
    report = report_of(Fleet(Targets(Path("/nonexistent/targets.json"))))
    report.clock_offset = lambda: ClockOffset("chrony", True, 0.25, 7.0)
    assert report.as_json()["clock"] == {
        "source": "chrony",
        "synchronised": True,
        "offset_s": 0.25,
        "asked_at": 7.0,
    }
