"""The daemon's status as facts, and whether all is well."""

import pytest

from ocsd.alarms.conditions import DiskFacts
from ocsd.evaluator.facts import facts_of, page_of, trouble_of

RECORDER = {
    "instance_id": "aggregator",
    "agent_class": "AggregatorAgent",
    "state": "up",
    "health": "ok",
    "recording": {"recording": True, "stale": 1, "lost_last_day": {"messages": 3}},
}
THERMO = {
    "instance_id": "thermo1",
    "agent_class": "A",
    "state": "up",
    "health": "hung",
    "operations": [{"name": "acq", "state": "stopped"}],
}
PAGE = {"instance_id": "web", "agent_class": "Web", "address": "http://127.0.0.1:8002/"}
DISK = {"path": "/", "what": ["data", "logs"], "total_bytes": 200, "free_bytes": 50, "full_in_s": 9}


def test_states_operations_recorder_and_disks_become_facts():
    told = {"instances": [RECORDER, THERMO, PAGE], "disks": [DISK, {"what": ["state"]}]}
    facts = facts_of({**told, "router": {"state": "up", "health": "ok"}})
    assert facts.states["thermo1"] == {"up", "hung"}
    assert facts.states["router"] == {"up", "ok"}
    assert facts.operations == {("acq", "thermo1"): "stopped"}
    assert facts.recorder == {"recording", "losing", "stale"}
    assert facts.disks == {"data": DiskFacts(25.0, 9), "logs": DiskFacts(25.0, 9)}
    assert page_of(told) == "http://127.0.0.1:8002"


@pytest.mark.parametrize(
    ("router", "words"),
    [
        ({"state": "external", "health": None}, {"up", "ok"}),
        ({"state": "external", "health": "unreachable"}, {"down"}),
        ({"state": "failed", "health": None}, {"failed"}),
    ],
)
def test_a_router_of_another_host_is_up_if_it_is_reached(router, words):
    assert facts_of({"router": router}).states["router"] == words


def test_nothing_is_known_of_a_recorder_that_is_not_there():
    assert facts_of({"instances": [THERMO]}).recorder is None
    assert page_of({"instances": [THERMO]}) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"state": "backoff", "reason": "exit code 3"}, "aggregator is backoff: exit code 3"),
        ({"health": "hung", "reason": "silent"}, "aggregator is up: silent"),
        ({"recording": {"recording": False}}, "it does not record"),
        ({"recording": {"recording": True, "trouble": "disk full"}}, "disk full"),
    ],
)
def test_a_recorder_that_does_not_record_is_not_well(change, said):
    assert said in trouble_of({"instances": [{**RECORDER, **change}]})
    assert bool(trouble_of({"instances": [{**RECORDER, **change}]})) == bool(said)


def test_a_degraded_recorder_that_records_is_well_enough():
    degraded = {**RECORDER, "health": "degraded", "reason": "record: 1 field changed its type"}
    router = {"state": "up", "health": "ok"}
    assert trouble_of({"instances": [degraded], "router": router}) == ""
    cut_off = {"instances": [degraded], "router": {"state": "failed", "health": None}}
    assert "the recorder aggregator is up" in trouble_of(cut_off)
    silent = {**degraded, "recording": {"recording": False}}
    assert "the recorder aggregator is up" in trouble_of({"instances": [silent], "router": router})


def test_a_host_that_is_stopped_or_whose_daemon_has_trouble_is_not_well():
    assert trouble_of({"stopping": True}) == "the host is being stopped"
    assert trouble_of({"trouble": "no space"}) == "no space"
