"""Pictures of the report on a host: as a terminal shows it, and as programs read it."""

import pytest

from tests.unit.cli.overview.hosts import RECORDING, agent, aggregator, host, run, shown

WELL = [agent(f"thermo-{number:02d}") for number in range(48)]
STUCK = "no answer for 42 s: it is stopped (SIGSTOP); kill -CONT 8913 lets it go on"
SICK = [
    agent("starcamera", health="hung", reason=STUCK, sample_age_s=44.0),
    agent("gps-clock", run(state="stopped", reason="a client"), sample_age_s=3720.0),
]
LOST = {**RECORDING, "lost_last_day": {"holes": 2, "feeds": 1, "messages": 12}}
DISKS = [{"path": "/var/lib", "what": ["state", "data"], "full_in_s": 10800.0, "warning": ""}]
CLOCK = {"source": "chrony", "synchronised": True, "offset_s": 0.0003}
NIGHT = host(*WELL, *SICK, aggregator(LOST), agent("registry"), clock=CLOCK, disks=DISKS)
NO_ROUTER = "waiting for the router at ws://hub:8001/ws: Connection refused"
AWAY = {
    "state": "external",
    "health": "unreachable",
    "url": "ws://hub:8001/ws",
    "reason": "not reachable for 20 s: no answer at ws://hub:8001/ws",
}

AT_80 = """\
one: degraded · 52 up · 1 not healthy (starcamera hung) · router up
recording 50 feeds · last sample 1s ago
  /var/lib/ocsd/one/data/17953/1795328225.g3
  disk 30 % free (12.0G), full in 3h00m
lost in the last day: 2 holes in 1 feed, 12 messages; see: ocsd data gaps
stopped or failed: 1 operation (gps-clock acq stopped 07:33:01Z by a client)
INSTANCE    STATE  TARGET  HEALTH  UPTIME  RESTARTS  MEMORY  SAMPLE  OPERATIONS
starcamera  ● up   up      hung     3h12m         0    7.8M     44s  acq running
    no answer for 42 s: it is stopped (SIGSTOP); kill -CONT 8913 lets it go on
gps-clock   ● up   up      ok       3h12m         0    7.8M   1h02m  acq stopped
50 up and well · ocsd status -a shows them
router ws://localhost:8001/ws · site file /etc/ocsd/default.yaml
  clock 0.3 ms off (chrony) · ocsd 0.1.0, pid 77"""

AT_60 = """\
one: degraded · 52 up · 1 not healthy (starcamera hung)
  router up
recording 50 feeds · last sample 1s ago
  /var/lib/ocsd/one/data/17953/1795328225.g3
  disk 30 % free (12.0G), full in 3h00m
lost in the last day: 2 holes in 1 feed, 12 messages; see:
    ocsd data gaps
stopped or failed: 1 operation (gps-clock acq stopped
    07:33:01Z by a client)
INSTANCE    STATE  HEALTH  UPTIME  SAMPLE  OPERATIONS
starcamera  ● up   hung     3h12m     44s  acq running
    no answer for 42 s: it is stopped (SIGSTOP); kill -CONT
    8913 lets it go on
gps-clock   ● up   ok       3h12m   1h02m  acq stopped
50 up and well · ocsd status -a shows them
router ws://localhost:8001/ws
  site file /etc/ocsd/default.yaml
  clock 0.3 ms off (chrony) · ocsd 0.1.0, pid 77"""


@pytest.mark.parametrize(("width", "picture"), [(80, AT_80), (60, AT_60)])
def test_52_instances_fit_a_small_terminal(width, picture):
    assert "\n".join(shown(NIGHT, width, 24)) == picture


def test_a_wide_and_high_terminal_has_all_columns_and_the_reason_beside():
    lines = shown(NIGHT, 200, 70)
    assert len(lines) == 4 + 1 + 52 + 1
    assert lines[4].split() == [
        *("INSTANCE", "CLASS", "STATE", "TARGET", "HEALTH", "PID", "UPTIME", "RESTARTS"),
        *("CPU%", "MEMORY", "SAMPLE", "OPERATIONS", "REASON"),
    ]
    assert lines[5].endswith(f"44s  acq running     {STUCK}")
    assert max(map(len, lines)) <= 200


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("height", [24, 40, 100])
def test_no_line_is_longer_than_the_terminal_is_wide(width, height):
    for everything in (False, True):
        lines = shown(NIGHT, width, height, everything=everything)
        assert max(map(len, lines)) <= width
        assert everything or len(lines) < height


@pytest.mark.parametrize("sick", [5, 20, 52])
def test_with_many_that_are_not_well_the_first_of_them_fit(sick):
    rows = [agent(f"a{n}", state="backoff", reason=f"exit {n}", next_try_s=n) for n in range(sick)]
    lines = shown(host(*rows, *WELL[sick:]), 80, 24)
    assert len(lines) < 24
    assert any(line.startswith("a0 ") for line in lines)
    if sick > 5:
        assert any("more that are not well; ocsd status -a shows them" in line for line in lines)


def test_all_are_shown_when_there_is_room_or_somebody_asks():
    few = host(*WELL[:5], *SICK)
    assert all(f"thermo-0{number}" in "\n".join(shown(few, 80, 24)) for number in range(5))
    lines = shown(NIGHT, 80, 24, everything=True)
    assert sum(line.startswith("thermo-") for line in lines) == 48


def test_a_reason_that_many_share_is_told_once():
    waiting = [
        agent(f"a{number}", health="degraded", layer="router", reason=NO_ROUTER)
        for number in range(52)
    ]
    lines = shown(host(*waiting, router=AWAY), 80, 24)
    assert lines[0].startswith("one: attention · 52 up")
    assert "router external, not reachable" in "\n".join(lines[:4])
    text = " ".join("\n".join(lines).split())
    assert text.count("Connection refused") == 1
    assert "52 instances degraded: waiting for the router" in text
    lines = shown(host(*waiting, router=AWAY), 80, 24, everything=True)
    everything = " ".join("\n".join(lines).split())
    assert everything.count("Connection refused") == 1
    assert everything.count("as a0") == 51


def test_a_router_that_still_starts_explains_the_rest():
    router = {"state": "starting", "url": "ws://x/ws", "uptime_s": 30.4, "reason": ""}
    rows = [agent(f"a{number}", state="starting", reason=NO_ROUTER) for number in range(52)]
    text = "\n".join(shown(host(*rows, router=router), 80, 24))
    assert "router still starts (30s); 52 instances not up yet" in text


def test_a_router_that_starts_again_counts_no_instance_that_runs_or_has_failed():
    reason = "reactor: no answer for 30 s: it is stopped (SIGSTOP)"
    router = {"state": "starting", "url": "ws://x/ws", "uptime_s": 1.2, "reason": reason}
    text = "\n".join(shown(host(agent("a"), agent("b", state="failed"), router=router)))
    assert "router still starts (1s): no answer for 30 s: it is stopped (SIGSTOP)\n" in text
    assert "not up yet" not in text


def test_a_row_of_what_is_left_alone_stands_in_line_with_the_table():
    left = [{"instance_id": "influx", "agent_class": "InfluxDBAgent", "manage": "docker"}]
    whole = shown(host(agent("a-long-name"), not_managed=left), interactive=False)
    assert whole[-2].index("InfluxDBAgent") == whole[-3].index("FakeDataAgent")


def test_a_pipe_gets_every_row_whole_whatever_its_size():
    lines = shown(NIGHT, 40, 10, interactive=False)
    assert len(lines) == 4 + 1 + 52 + 1
    assert lines[5].split()[:6] == ["starcamera", "FakeDataAgent", "up", "up", "hung", "4321"]
    assert lines[5].endswith(STUCK)
    assert lines[4].split()[-1] == "REASON"
    assert "acq stopped 07:33:01Z by a client" in lines[6]


def test_ascii_is_enough():
    assert "\n".join(shown(NIGHT, 80, 24, unicode=False)).isascii()


def test_colours_change_no_line_but_in_colour():
    import re

    plain, coloured = shown(NIGHT, 80, 24), shown(NIGHT, 80, 24, colour=True)
    assert [re.sub(r"\x1b\[[0-9]*m", "", line) for line in coloured] == plain
    assert coloured != plain


def test_what_the_daemon_leaves_alone_has_a_row():
    left = [{"instance_id": "influx", "agent_class": "InfluxDBAgent", "manage": "docker"}]
    whole = shown(host(agent("a"), not_managed=left), interactive=False)
    row = "influx InfluxDBAgent not managed here: its entry says manage: docker"
    assert " ".join(whole[-2].split()) == row
    assert row in " ".join("\n".join(shown(host(agent("a"), not_managed=left))).split())
    folded = "\n".join(shown(host(*WELL, *SICK, not_managed=left)))
    assert "1 not managed here" in folded


def test_nothing_runs_is_not_ok():
    down = {"state": "down", "target": "down", "health": None}
    rows = [agent(f"a{number}", **down) for number in range(51)]
    lines = shown(host(*rows, aggregator(None, **down)), 80, 24)
    assert lines[0] == "one: nothing runs: 52 down · router up"
    assert lines[1] == "nothing is recorded: agg is down"
