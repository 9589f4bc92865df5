"""The bytes of Docker's HTTP API."""

import json

import pytest

from ocsd.containers import stream
from ocsd.containers.stream import Body, ByteLines, Frames, LogLines


def frame(text, kind=1):
    return bytes([kind, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


def test_a_request_is_answered_until_the_connection_ends():
    asked = stream.request("GET", "/events", since="1")
    assert asked.startswith(b"GET /events?since=1 HTTP/1.0\r\nHost: docker\r\n")
    assert stream.request("POST", "/x").startswith(b"POST /x HTTP/1.0\r\n")


def test_an_answer_has_a_status_and_a_body():
    assert stream.answer(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n{}") == (200, b"{}")


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.0\r\n\r\n", b"SSH-2.0 x y\r\n\r\n"])
def test_what_is_no_answer_is_refused(raw):
    with pytest.raises(ValueError, match="something else than HTTP"):
        stream.answer(raw)


def test_a_refusal_has_a_reason():
    assert stream.message_of(b'{"message": "no such container"}') == "no such container"
    assert stream.message_of(b"gateway\n") == "gateway"


def test_events_that_matter_are_asked_for():
    assert "die" in json.loads(stream.events_query()["filters"])["event"]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"Action": "start", "Actor": {"ID": "c1"}}, ("c1", None)),
        ({"Action": "die", "Actor": {"ID": "c1", "Attributes": {"exitCode": "3"}}}, ("c1", 3)),
        (
            {"Action": "died", "Actor": {"ID": "c1", "Attributes": {"containerExitCode": 4}}},
            ("c1", 4),
        ),
        ({"Action": "die", "Actor": {"ID": "c1", "Attributes": None}}, ("c1", None)),
        ({"Action": "die"}, ("", None)),
    ],
)
def test_an_event_names_its_container(told, found):
    assert stream.event(json.dumps(told).encode()) == found
    assert stream.event(b"?") == ("", None)


def test_the_head_of_an_answer_may_come_in_pieces():
    body = Body()
    assert body.take(b"HTTP/1.0 200 OK\r\n") == b""
    assert body.take(b"\r\nab") == b"ab"
    assert (body.take(b"c"), body.status) == (b"c", 200)


def test_lines_may_come_in_pieces_and_are_cut_if_they_do_not_end():
    lines = ByteLines(longest=4)
    assert list(lines.take(b"a\nb")) == [b"a"]
    assert list(lines.take(b"c\n")) == [b"bc"]
    assert list(lines.take(b"12345")) == [b"12345"]


def test_output_comes_in_frames_unless_it_is_a_terminals():
    frames = Frames()
    both = frame(b"out\n") + frame(b"err\n", 2)
    assert frames.take(both[:10]) == b""
    assert frames.take(both[10:14]) == b"out\n"
    assert frames.take(both[14:]) == b"err\n"
    assert Frames(is_terminal=True).take(b"x") == b"x"


def test_lines_of_a_log_are_known_by_their_time():
    new = LogLines()
    lines = b"1970-01-01T00:00:01.5Z a\n1970-01-01T00:00:02.5Z 2026-11-30T00:00:00Z [info] b\n"
    assert new.take(lines) == [b"1970-01-01T00:00:01.5Z a\n", b"2026-11-30T00:00:00Z [info] b\n"]
    assert new.after_ns == 2_500_000_000
    assert LogLines(1_500_000_000).take(lines) == [b"2026-11-30T00:00:00Z [info] b\n"]


def test_lines_that_come_out_of_order_are_all_kept():
    lines = b"1970-01-01T00:00:02.5Z a\n1970-01-01T00:00:02.4Z b\n1970-01-01T00:00:02.4Z c\n"
    new = LogLines(1)
    assert len(new.take(lines)) == 3
    assert new.after_ns == 2_500_000_000


def test_lines_of_an_engine_that_tells_whole_seconds_are_known_by_their_number():
    lines = b"1970-01-01T00:00:01Z a\n1970-01-01T00:00:01Z b\n1970-01-01T00:00:02Z c\n"
    first = LogLines()
    assert len(first.take(lines[:46])) == 2
    again = LogLines(first.after_ns)
    assert again.take(lines) == [b"1970-01-01T00:00:02Z c\n"]


def test_a_last_line_without_an_end_is_a_line_when_nothing_more_comes():
    lines = LogLines()
    assert lines.take(b"1970-01-01T00:00:01Z a") == []
    assert lines.rest() == [b"1970-01-01T00:00:01Z a\n"]
    assert lines.rest() == []


def test_the_output_is_asked_for_from_the_last_line_on():
    assert "since" not in stream.logs_query(0, follow=True)
    assert stream.logs_query(2_500_000_000, follow=False) == {
        "stdout": "1",
        "stderr": "1",
        "timestamps": "1",
        "follow": "0",
        "since": "2",
    }


def test_the_last_words_are_the_last_line_that_says_something():
    assert stream.last_line(b"a\nb \n\n") == "b"
    assert stream.last_line(b"\n") == ""
