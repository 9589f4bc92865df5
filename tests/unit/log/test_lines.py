"""Lines of a log: time, level, text, and tracebacks below it."""

import io

import pytest
from twisted.internet.defer import succeed
from twisted.logger import LogLevel
from twisted.python.failure import Failure

from ocsd.log.lines import LineObserver
from ocsd.ocs_agent import log_formatter


def line(level=LogLevel.info, **event):
    stream = io.StringIO()
    LineObserver(stream)({"log_time": 1795328225.1234, "log_level": level, **event})
    return stream.getvalue()


def test_a_log_line_has_time_level_and_text():
    text = line(log_format="{n} samples", n=4)
    assert text == "2026-11-22T06:17:05.123Z [info] 4 samples\n"


def test_text_with_braces_is_logged_as_it_is():
    assert line(log_format="got {'a': 1}").endswith("[info] got {'a': 1}\n")


class Silent:
    def __format__(self, how):
        raise OSError("no text")


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"log_format": "{n:.1f} K of {name!r}", "n": 4.25, "name": "a"}, "4.2 K of 'a'"),
        ({"log_format": "{now()} {n}", "now": lambda: "noon", "n": 1}, "noon 1"),
        ({"log_format": "{place.name} (pid {n})", "place": LogLevel.info, "n": 1}, "info (pid 1)"),
        ({"log_format": "{missing}"}, "{missing}"),
        ({"log_format": "{n}", "n": Silent()}, "{n}"),
    ],
)
def test_fields_are_put_into_the_text_as_twisted_does_it(event, text):
    assert line(**event).endswith(f"[info] {text}\n")


def test_further_lines_are_indented():
    assert line(log_format="one\ntwo\n").endswith("[info] one\n  two\n")


def test_a_failure_is_logged_with_its_traceback():
    try:
        raise OSError("gone")
    except OSError:
        text = line(LogLevel.critical, log_format="read failed", log_failure=Failure())
    assert "[critical] read failed\n  Traceback" in text
    assert "OSError: gone" in text


def test_a_traceback_begins_with_the_authors_first_line():
    failure = []
    succeed(None).addCallback(lambda _: {}["key"]).addErrback(failure.append)
    text = line(LogLevel.critical, log_format="read failed", log_failure=failure[0])
    frames = [each for each in text.splitlines() if each.strip().startswith("File ")]
    assert len(frames) == 1
    assert __file__ in frames[0]
    assert "KeyError: 'key'" in text


def test_the_cause_of_an_error_is_logged_as_well():
    try:
        try:
            {}["key"]
        except KeyError as error:
            raise OSError("gone") from error
    except OSError:
        text = line(LogLevel.critical, log_format="read failed", log_failure=Failure())
    assert "KeyError: 'key'" in text
    assert "direct cause" in text


@pytest.mark.parametrize("template", ["Starting", "Stopping"])
def test_what_twisted_says_of_each_connection_is_for_debugging(template):
    event = {"log_format": f"{template} factory {{factory!r}}", "factory": "F"}
    assert line(LogLevel.info, **event) == ""
    stream = io.StringIO()
    LineObserver(stream, "debug")({"log_level": LogLevel.info, **event})
    assert f"[debug] {template} factory 'F'" in stream.getvalue()


def test_lower_levels_are_left_out():
    assert line(LogLevel.debug, log_format="detail") == ""


def test_the_formatter_takes_what_an_authors_own_logger_gives():
    assert log_formatter({"log_format": "{n} samples", "n": 4}).endswith("Z [info] 4 samples\n")
