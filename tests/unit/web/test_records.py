"""Strips of states, logs and limits."""

import json
import math
from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred

from ocsd.errors import NoLogError
from ocsd.history.summary import HistoryEntry
from ocsd.web.api.logs import MOST_LINES_AT_ONCE, LogEndpoints, _Following
from ocsd.web.refusals import BusyError, MissingError
from ocsd.web.server.plain import dumps, dumps_in_parts
from ocsd.web.server.route import Call
from ocsd.web.server.seats import Seats
from ocsd.web.sources.records import LogTail, line_filter, log_lines, log_path, spans


def entry(at, after, event="Spawned", reason=""):
    return HistoryEntry(at, "thermo1", event, "", after, "up", reason)


def test_a_strip_has_each_state_from_its_beginning_on():
    entries = [
        entry(1, "up"),
        entry(12, "backoff", reason="exit code 1"),
        entry(13, "up"),
        HistoryEntry(15, "thermo1", "HealthChanged", reason="degraded: feed temps is silent"),
        HistoryEntry(17, "thermo1", "HealthChanged", reason="ok again"),
        entry(99, "down"),
    ]
    found = spans(entries, 10.0, 20.0)
    told = [(each["state"], each["health"], each["since_at"], each["until_at"]) for each in found]
    assert told == [
        ("up", None, 10.0, 12),
        ("backoff", None, 12, 13),
        ("up", None, 13, 15),
        ("up", "degraded", 15, 17),
        ("up", "ok", 17, 20.0),
    ]
    assert found[1]["reason"] == "exit code 1"


def test_a_strip_of_nothing_is_empty():
    assert spans([], 0.0, 1.0) == []
    assert spans([HistoryEntry(0.5, "x", "HealthChanged", reason="ok again")], 0.0, 1.0) == []


LOG = """2026-11-22T12:02:48.238Z [info] begun
2026-11-22T12:02:49.000Z [error] it <b>failed</b>
Traceback (most recent call last):
2026-11-22T12:02:50.000Z [info] Begun (again
"""


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "thermo1.log"
    path.write_text(LOG)
    return path


def test_the_last_lines_of_a_log_have_time_level_and_text(log):
    found = log_lines(log, "thermo1", 2, line_filter("trace", ""), None)
    assert [each["text"] for each in found] == [
        "Traceback (most recent call last):",
        "Begun (again",
    ]
    assert found[1]["level"] == "info"
    assert found[1]["at"] == 1795348970.0


def test_lines_are_chosen_by_level_and_by_plain_text(log):
    def texts(level, text):
        found = log_lines(log, "thermo1", 9, line_filter(level, text), None)
        return [each["text"] for each in found]

    assert texts("error", "")[0] == "it <b>failed</b>"
    assert texts("trace", "begun") == ["begun", "Begun (again"]
    assert texts("trace", "Begun (") == ["Begun (again"]
    assert texts("trace", "(a+)+$") == []


def test_a_log_is_followed(log):
    tail = LogTail(log, "thermo1", line_filter("trace", ""))
    assert list(tail.fresh()) == []
    with log.open("a") as file:
        file.write("2026-11-22T12:02:51.000Z [warn] more\n")
    assert [each["text"] for each in tail.fresh()] == ["more"]
    tail.close()


class Paths:
    def __init__(self, logs):
        self.logs = logs

    def instance_log(self, name):
        return self.logs / f"{name}.log"


@pytest.mark.parametrize("name", ["../thermo1", "", "a/b", "x" * 200, ".hidden"])
def test_a_log_has_the_name_of_an_instance(log, name):
    with pytest.raises(MissingError, match="cannot be the name"):
        log_path(Paths(log.parent), name)


def test_a_missing_log_names_those_that_there_are(log):
    assert log_path(Paths(log.parent), "thermo1") == log
    with pytest.raises(MissingError, match="there are logs of thermo1"):
        log_path(Paths(log.parent), "thermo2")


def test_a_log_that_cannot_be_read_takes_no_seat(log):
    (log.parent / "odd.log").mkdir()
    seats = Seats()
    endpoints = LogEndpoints(SimpleNamespace(paths=Paths(log.parent)), seats, None)
    call = Call(None, names={"name": "odd"}, params={"level": "trace", "grep": ""})
    refused = []
    Deferred.fromCoroutine(endpoints.follow(call)).addErrback(refused.append)
    assert isinstance(refused[0].value, NoLogError)
    assert seats.taken("log") == 0


def test_lines_of_a_log_that_are_left_out_are_counted(log):
    written = []
    following = object.__new__(_Following)
    following._stream = SimpleNamespace(event=lambda *event: written.append(event), is_open=False)
    following._tick_due_at = math.inf
    following._write([{"text": str(n)} for n in range(MOST_LINES_AT_ONCE + 2)])
    assert written[:2] == [("left_out", {"count": 2}), ("line", {"text": "2"})]
    assert len(written) == MOST_LINES_AT_ONCE + 1


def test_more_viewers_than_there_are_seats_are_refused():
    seats = Seats(2)
    seats.take("events")
    seats.take("events")
    seats.take("live")
    with pytest.raises(BusyError, match="there are 2 viewers of this already") as caught:
        seats.take("events")
    assert caught.value.code == 503
    seats.leave("events")
    seats.take("events")


def test_a_large_answer_is_made_in_parts_and_is_the_same():
    value = {"a": {"b": {"c": [1.0, float("nan")]}}, "d": None, "e": []}
    assert dumps_in_parts(value) == dumps(value)
    assert dumps_in_parts({}) == b"{}"


def test_what_json_or_the_fast_writer_does_not_have_is_written_all_the_same():
    value = {"nan": math.nan, "large": 2**70, "half": "\ud800", "name": "Å", 1: (math.inf, 1.5)}
    assert json.loads(dumps({"x": [math.nan, -math.inf, 1e300]})) == {"x": [None, None, 1e300]}
    assert json.loads(dumps(value)) == {
        "nan": None,
        "large": 2**70,
        "half": "\ud800",
        "name": "Å",
        "1": [None, 1.5],
    }


def test_numbers_that_are_not_finite_are_null():
    assert dumps({"a": [1.5, float("nan"), (float("inf"), "x")]}) == b'{"a":[1.5,null,[null,"x"]]}'
