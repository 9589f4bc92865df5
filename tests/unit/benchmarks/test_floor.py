"""The benchmark of the floor says of each goal whether it is kept, open, or out of reach."""

import argparse
from dataclasses import replace

import pytest

from benchmarks.floor.__main__ import sides
from benchmarks.floor.bare_agent import heartbeat
from benchmarks.floor.verdict import markdown, rows, verdict
from benchmarks.measure import Figures

OCS = Figures(
    name="OCS",
    agents=50,
    start_s=31.0,
    start_sessions_s=30.0,
    kill_s=[6.0, 5.0, 7.0],
    restart_s=[11.0],
    others_kept_their_pids=True,
    agent_pss_bytes=50e6,
    supervisor_pss_bytes={},
    service_pss_bytes={},
    acquiring_cpu_percent=0.28,
    idle_cpu_percent=0.12,
    stop_s=10.0,
    status_s=[0.8],
    start_cpu_s={"agents": 50.0, "HostManager": 1.0, "router": 2.0},
    idle_parts_percent={"agents": 0.11, "supervisors": 0.01, "router": 0.1},
)
OCSD = replace(OCS, start_sessions_s=3.0, kill_s=[0.07], agent_pss_bytes=13e6)
UNIX = replace(OCS, start_sessions_s=1.0, kill_s=[0.05], agent_pss_bytes=8e6)
WEBSOCKET = replace(OCS, start_sessions_s=2.0, kill_s=[0.06], agent_pss_bytes=9e6)
ALL = {"ocs": OCS, "ocsd": OCSD, "websocket": WEBSOCKET, "unix": UNIX}


def test_a_goal_is_kept_or_beneath_the_floor_or_open():
    assert verdict(1.0, 2.0, 1.0) == "kept"
    assert verdict(5.0, 2.0, 1.0) == "**beneath the floor**, which is 2 times the goal"
    assert verdict(5.0, 0.5, 1.0) == "**missed**, above the floor, which is 0.5 of the goal"


def test_a_verdict_says_no_more_than_was_measured():
    assert verdict(5.0, 2.0, None) == ""
    assert verdict(5.0, None, 1.0) == "missed"
    assert verdict(None, None, 1.0) == ""
    assert verdict(None, 0.5, 1.0) == "above the floor"


def test_the_floor_is_the_lesser_of_both_ways_and_the_goal_a_part_of_ocs():
    kill = next(row for row in rows(50, 3) if row.what.startswith("kill"))
    assert kill.floor(ALL) == 0.05
    assert kill.goal(ALL) == pytest.approx(0.04)
    assert kill.goal({"ocsd": OCSD}) is None
    assert kill.floor({"ocs": OCS}) is None


def test_200_agents_have_a_goal_in_seconds():
    start = rows(200, 3)[0]
    assert start.goal({"ocsd": OCSD}) == 4.0


def test_the_table_has_all_sides_side_by_side():
    lines = markdown(ALL).splitlines()
    assert lines[2] == (
        "| 50 agents, command to all `running` | 30.00 s | 3.00 s | 2.00 s | 1.00 s | 3.00 "
        "| ≤ 1.50 s | **missed**, above the floor, which is 0.67 of the goal |"
    )
    assert "- CPU of its supervisor | 1.00 s" in lines[4]
    assert "idle CPU of an agent and its share of the supervisor | 1.20 ms/s" in lines[8]


def test_a_side_that_was_not_measured_is_a_dash():
    assert "| - | 3.00 s | - | - | - |  |  |" in markdown({"ocsd": OCSD})
    assert markdown({}) == "nothing was measured"


def test_sides_are_named_with_commas_and_others_refused():
    assert sides("ocsd,unix") == ["ocsd", "unix"]
    with pytest.raises(argparse.ArgumentTypeError, match=r"no side 'tcp'; there are ocs, ocsd"):
        sides("ocsd,tcp")


def test_a_heartbeat_shows_whether_the_operation_runs():
    assert heartbeat("root.a", "running")[0]["acq"] == 3
    assert heartbeat("root.a", "done")[0]["acq"] == 5
