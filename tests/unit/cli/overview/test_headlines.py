"""The lines above the table: the recording, operations, the clock."""

import pytest

from ocsd.status.activity import ClockStatus
from ocsd.status.headlines import clock_text, headlines
from ocsd.status.verdict import verdict_of
from ocsd.status.wrong import wrong_of
from tests.unit.cli.overview.hosts import AT, FILE, RECORDING, agent, aggregator, host, run, screen


def lines_of(report):
    return [" | ".join(parts) for parts in headlines(report, verdict_of(report), screen())][1:]


@pytest.mark.parametrize(
    ("recording", "line"),
    [
        (
            RECORDING,
            f"recording 50 feeds | last sample 1s ago | {FILE} | disk 30 % free (12.0G)",
        ),
        (
            {**RECORDING, "feeds": 1, "stale": 2},
            f"recording 1 feed (2 more silent) | last sample 1s ago | {FILE} | "
            "disk 30 % free (12.0G)",
        ),
        ({"recording": True, "feeds": 0}, "recording 0 feeds | no sample yet"),
        (
            {**RECORDING, "paused": True, "trouble": "recording pauses: no space left"},
            "recording pauses: no space left",
        ),
        (None, "recording: agg does not tell"),
        (
            {"recording": True, "feeds": 12, "only_of_host": "lab"},
            "recording 12 feeds of this host | no sample yet",
        ),
        (
            {"recording": True, "feeds": 8, "elsewhere": {"lab": 20, "dome": 10}},
            "recording 8 feeds | 30 feeds of 2 hosts recorded there | no sample yet",
        ),
    ],
)
def test_the_recording_is_told(recording, line):
    assert lines_of(host(aggregator(recording))) == [line]


def test_aggregators_that_record_the_same_feeds_are_told():
    told = "a.yaml:9: 'one' and 'two' record the same feeds; leave one of them"
    assert told in lines_of(host(aggregator(), recorders=[told]))


WRITING = {"database": "http://influx:8086", "connected": True, "lag_s": 0.6, "newest_s": 0.6}


@pytest.mark.parametrize(
    ("writing", "line"),
    [
        (WRITING, "flux writes to http://influx:8086 | complete up to 0s ago"),
        (
            {**WRITING, "lag_s": 63.5, "backlog_bytes": 12_000_000, "refused": 1, "dropped": 2},
            "flux writes to http://influx:8086 | complete up to 1m03s ago | 11.4M left | "
            "1 line refused | 2 messages dropped",
        ),
        (
            {**WRITING, "connected": False, "lag_s": 600},
            "flux cannot write to http://influx:8086 | complete up to 10m00s ago",
        ),
    ],
)
def test_a_writer_tells_up_to_when_its_database_is_complete(writing, line):
    row = agent("flux", run("record")) | {"writing": writing}
    assert line in lines_of(host(row))


def test_an_aggregator_that_was_never_told_to_record_says_what_to_do():
    report = host(aggregator({"recording": False}, run("other", "succeeded", kind="task")))
    assert lines_of(report) == [
        "nothing is recorded: agg was not told to; ocsd call agg record start, and for good: "
        "--initial-state record among its arguments"
    ]


def test_an_aggregator_whose_recording_was_stopped_says_by_whom():
    report = host(aggregator({"recording": False}, run("record", "stopped", reason="a client")))
    assert lines_of(report) == [
        "nothing is recorded: agg: record stopped 07:33:01Z by a client; ocsd call agg record start"
    ]


def test_operations_that_do_not_run_are_listed_with_time_and_cause():
    report = host(
        agent("gps-clock", run(state="stopped", reason="a client"), run("count")),
        agent("heater", run("pid", "failed", startup=False, reason="no answer of the bridge")),
    )
    assert lines_of(report) == [
        "stopped or failed: 2 operations (gps-clock acq stopped 07:33:01Z by a client, "
        "heater pid failed 07:33:01Z: no answer of the bridge)"
    ]


def test_a_time_that_no_calendar_has_hides_nothing():
    odd = {**run(state="failed", reason="mute"), "since_at": 1e30}
    assert lines_of(host(agent("old", odd))) == [
        "stopped or failed: 1 operation (old acq failed: mute)"
    ]


def test_losses_of_the_last_day_are_told_with_the_next_step():
    lost = {**RECORDING, "lost_last_day": {"holes": 1, "feeds": 1, "messages": 0}}
    assert lines_of(host(aggregator(lost)))[-1] == (
        "lost in the last day: 1 hole in 1 feed; see: ocsd data gaps"
    )


def test_a_disk_that_fills_is_told_with_the_time_that_is_left():
    disk = {"path": "/data", "what": ["data"], "full_in_s": 9000.0, "warning": "96 % full"}
    lines = lines_of(host(aggregator(), disks=[disk]))
    assert lines[0].endswith("disk 30 % free (12.0G), full in 2h30m")
    assert lines[1] == "96 % full"


def test_an_open_router_and_trouble_with_keys_are_told():
    told = {"hub": "open", "warnings": ["the router is open", "ca.pem expires"]}
    assert lines_of(host(access=told)) == told["warnings"]
    assert lines_of(host(access=None)) == []


def test_instances_that_run_the_code_of_before_an_upgrade_are_named():
    report = host(agent("a", old_code=True), agent("b", old_code=False), agent("c", old_code=True))
    assert lines_of(report) == ["run on with the code of before the upgrade: a, c"]


def test_instances_whose_own_code_changed_are_named_with_the_file():
    report = host(agent("a", changed_code="/lab/a.py"), agent("b"))
    assert lines_of(report) == ["code changed since they were started: a (/lab/a.py)"]


@pytest.mark.parametrize(
    ("clock", "line"),
    [
        ({"source": "chrony", "synchronised": True, "offset_s": 0.0003}, []),
        (
            {"source": "chrony", "synchronised": True, "offset_s": 2.5},
            ["clock 2.5 s off (chrony)"],
        ),
        (
            {"source": "systemd-timesyncd", "synchronised": False, "offset_s": None},
            ["clock not synchronised (systemd-timesyncd)"],
        ),
        (None, []),
    ],
)
def test_a_clock_that_is_off_has_a_line(clock, line):
    assert lines_of(host(clock=clock)) == line


def test_a_small_offset_is_told_in_milliseconds():
    assert clock_text(ClockStatus("chrony", True, 0.0042)) == "clock 4.2 ms off (chrony)"


RAISED = {"raised": 3, "acknowledged": 1, "waiting": 1, "worst": "critical", "since": AT}


def test_alarms_that_are_raised_stand_below_the_verdict_which_they_degrade():
    report = host(agent("a"), alarms=RAISED)
    [line] = lines_of(report)
    assert verdict_of(report).word == "degraded"
    assert line == (
        "3 alarms raised (critical since 07:33:01Z) | 1 acknowledged | see: ocsd alarm list"
    )
    assert wrong_of(report, verdict_of(report))[0].remedy == "ocsd alarm list"


def test_alarms_that_somebody_knows_of_or_that_only_inform_leave_the_verdict():
    report = host(agent("a"), alarms={**RAISED, "waiting": 0})
    [line] = lines_of(report)
    assert verdict_of(report).word == "ok"
    assert line.startswith("3 alarms raised")
    assert wrong_of(report, verdict_of(report)) == []


def test_a_message_that_nobody_took_is_told_although_all_is_clear_again():
    report = host(agent("a"), alarms={"raised": 0, "undeliverable": 1})
    assert lines_of(report) == ["1 message undeliverable | see: ocsd alarm list"]


def test_a_host_whose_alarms_are_clear_has_no_line_about_them():
    assert lines_of(host(agent("a"), alarms={"raised": 0})) == lines_of(host(agent("a")))


def test_alarms_that_nobody_judges_are_told():
    report = host(agent("a"), alarms={"evaluator": "backoff: killed by SIGKILL"})
    assert lines_of(report) == [
        "alarms are not judged: backoff: killed by SIGKILL | see: ocsd alarm list"
    ]


def test_a_silence_alone_has_no_line():
    assert lines_of(host(agent("a"), alarms={"raised": 0, "silenced": 1})) == []
