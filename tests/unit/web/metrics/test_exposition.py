"""The metrics of a host, from made-up facts to the text that Prometheus reads."""

import re
import time
from pathlib import Path
from types import SimpleNamespace

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from ocsd.status.alarms import alarms_of
from ocsd.status.replies import host_status
from ocsd.web.live.tally import FeedTally
from ocsd.web.metrics.exposition import exposition
from ocsd.web.metrics.scrape import Scrape
from tests.promtool import needs_promtool, promtool

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
ODD = 'lab"\\ 1\n'
STATUS = {
    "host": ODD,
    "version": "1.2",
    "pid": 7,
    "since_at": 1000.0,
    "router": {"state": "up", "health": "ok", "uptime_s": 12.5},
    "clock": {"source": "chrony", "synchronised": True, "offset_s": -0.002},
    "disks": [
        {
            "path": "/data",
            "what": ["data", "logs"],
            "total_bytes": 1000,
            "free_bytes": 250,
            "full_in_s": None,
            "warning": "",
        }
    ],
    "instances": [
        {
            "instance_id": "thermo1",
            "agent_class": "LakeshoreAgent",
            "state": "up",
            "target": "up",
            "health": "degraded",
            "restarts": 3,
            "pid": 4121,
            "uptime_s": 5.0,
            "sample_age_s": 0.5,
            "operations": [
                {"name": "acq", "kind": "process", "state": "running", "since_at": 1001.0},
                {"name": "init", "kind": "task", "state": "failed", "startup": True},
                {"name": "later", "kind": "task", "state": "a new word"},
            ],
        },
        {"instance_id": "thermo2", "state": "down", "target": "down", "health": None},
        {
            "instance_id": "aggregator",
            "agent_class": "AggregatorAgent",
            "state": "up",
            "target": "up",
            "recording": {
                "recording": True,
                "feeds": 4,
                "stale": 1,
                "age_s": 0.25,
                "lost_last_day": {"holes": 2, "messages": 31, "feeds": 1},
            },
        },
        {
            "instance_id": "influxagent",
            "agent_class": "InfluxDBAgent",
            "state": "up",
            "target": "up",
            "writing": {
                "database": "http://influxdb:8086",
                "connected": True,
                "lag_s": 63.5,
                "newest_s": 0.5,
                "backlog_bytes": 12_000_000,
                "lines": 76210,
                "refused": 3,
                "dropped": 0,
            },
        },
    ],
}
ALARMS = {
    "alarms": [
        {"name": "warm", "severity": "critical", "state": "raised", "value": 5.5},
        {"name": "dome", "state": "raised", "acknowledged_by": "vera"},
        {"name": "pump", "severity": "info", "state": "clear"},
    ],
    "deliveries": [
        {"state": "undeliverable", "at": time.time()},
        {"state": "waiting"},
        {"state": "delivered"},
    ],
    "as_of": 1998.5,
    "evaluator": "running",
}
SEEN = Scrape(
    "lab",
    2000.0,
    answers=True,
    report=host_status(STATUS),
    feeds={
        "observatory.thermo1.feeds.temps": FeedTally(2, 20, 80, 1999.5),
        "observatory.thermo1.feeds.empty": FeedTally(1),
    },
    alarms=alarms_of(ALARMS),
    availability={"thermo1": 0.875},
    viewers=2,
    usage=lambda pid: SimpleNamespace(cpu_s=1.5, rss_bytes=2**20) if pid == 4121 else None,
)


def samples(seen):
    """Return the samples of a scrape by name and labels."""
    kind, text = exposition(seen, OPENMETRICS)
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_the_daemon_has_its_facts():
    found = samples(SEEN)
    assert found["ocsd_daemon_up",] == 1
    assert found["ocsd_daemon_info", "1.2", ODD, "open"] == 1
    assert found["ocsd_daemon_start_time_seconds",] == 1000
    assert found["ocsd_host_verdict", "degraded"] == 1
    assert found["ocsd_host_verdict", "ok"] == 0
    assert found["ocsd_host_problems",] > 0
    assert found["ocsd_page_viewers",] == 2
    assert found["ocsd_router_up",] == 1
    assert found["ocsd_disk_free_bytes", "/data", "data,logs"] == 250
    assert found["ocsd_clock_offset_seconds",] == -0.002


def test_a_writer_has_its_lag_and_counts():
    found = {key[0]: value for key, value in samples(SEEN).items() if "ocsd_writer" in key[0]}
    assert found == {
        "ocsd_writer_connected": 1,
        "ocsd_writer_lag_seconds": 63.5,
        "ocsd_writer_newest_age_seconds": 0.5,
        "ocsd_writer_backlog_bytes": 12_000_000,
        "ocsd_writer_lines_total": 76210,
        "ocsd_writer_refused_lines_total": 3,
        "ocsd_writer_unkept_lines_total": 0,
        "ocsd_writer_dropped_messages_total": 0,
    }


def test_an_alarm_says_whether_it_is_raised_and_waits_for_somebody():
    found = samples(SEEN)
    assert found["ocsd_alarm_raised", "critical", "warm"] == 1
    assert found["ocsd_alarm_raised", "dome", "warning"] == 1
    assert found["ocsd_alarm_raised", "info", "pump"] == 0
    assert found["ocsd_alarm_waiting", "critical", "warm"] == 1
    assert found["ocsd_alarm_waiting", "dome", "warning"] == 0
    assert found["ocsd_alarm_value", "critical", "warm"] == 5.5
    assert found["ocsd_alarm_undeliverable_messages",] == 1
    assert found["ocsd_alarm_waiting_messages",] == 1
    assert found["ocsd_alarm_evaluation_age_seconds",] == 1.5


def test_a_host_without_alarms_has_no_metrics_of_them():
    assert not any(key[0].startswith("ocsd_alarm") for key in samples(SEEN._replace(alarms=None)))


def test_an_instance_is_in_one_state_and_has_one_health():
    found = samples(SEEN)
    states = {key: value for key, value in found.items() if key[0] == "ocsd_instance_state"}
    assert [key for key, value in states.items() if value] == [
        ("ocsd_instance_state", "thermo1", "up"),
        ("ocsd_instance_state", "down", "thermo2"),
        ("ocsd_instance_state", "aggregator", "up"),
        ("ocsd_instance_state", "influxagent", "up"),
    ]
    assert len(states) == 4 * 6
    assert found["ocsd_instance_health", "degraded", "thermo1"] == 1
    assert found["ocsd_instance_health", "ok", "thermo1"] == 0
    assert ("ocsd_instance_health", "ok", "thermo2") not in found


def test_an_instance_has_its_counts():
    found = samples(SEEN)
    assert found["ocsd_instance_restarts_total", "thermo1"] == 3
    assert found["ocsd_instance_availability_ratio", "thermo1"] == 0.875
    assert found["ocsd_instance_cpu_seconds_total", "thermo1"] == 1.5
    assert found["ocsd_instance_resident_memory_bytes", "thermo1"] == 2**20
    assert found["ocsd_instance_wanted", "thermo2"] == 0


def test_operations_have_the_op_codes_of_ocs():
    found = samples(SEEN)
    assert found["ocsd_operation_code", "acq", "thermo1"] == 3
    assert found["ocsd_operation_code", "init", "thermo1"] == 6
    assert found["ocsd_operation_code", "later", "thermo1"] == 1
    assert found["ocsd_operation_missed", "init", "thermo1"] == 1


def test_recorder_and_feeds_have_theirs():
    found = samples(SEEN)
    assert found["ocsd_recorder_lost_messages", "aggregator"] == 31
    assert found["ocsd_recorder_sample_age_seconds", "aggregator"] == 0.25
    feed = "observatory.thermo1.feeds.temps"
    assert found["ocsd_feed_samples_total", feed] == 20
    assert found["ocsd_feed_values_total", feed] == 80
    assert found["ocsd_feed_newest_sample_time_seconds", feed] == 1999.5
    empty = "observatory.thermo1.feeds.empty"
    assert ("ocsd_feed_newest_sample_time_seconds", empty) not in found


def test_what_is_not_known_is_left_out():
    away = samples(Scrape("lab", 2000.0))
    assert away == {("ocsd_daemon_up",): 0, ("ocsd_page_viewers",): 0}
    bare = samples(Scrape("lab", 2000.0, answers=True, report=host_status({"host": "lab"})))
    assert not [key for key in bare if key[0].startswith(("ocsd_disk", "ocsd_recorder"))]


def test_a_client_that_does_not_name_openmetrics_gets_the_older_text():
    kind, text = exposition(SEEN)
    assert kind.startswith("text/plain; version=0.0.4")
    assert b"# EOF" not in text
    assert b"# TYPE ocsd_feed_samples_total counter" in text


@needs_promtool
def test_promtool_finds_nothing_in_the_metrics():
    _, text = exposition(SEEN)
    said, code = promtool("check", "metrics", given=text.decode())
    assert (said, code) == ("", 0)


def test_the_page_of_docs_has_every_metric():
    page = (Path(__file__).parents[4] / "docs" / "see" / "monitoring.md").read_text()
    told = set(re.findall(r"`(ocsd_\w+)`", page))
    assert told == {key[0] for key in samples(SEEN)} | {"ocsd_disk_full_in_seconds"}
