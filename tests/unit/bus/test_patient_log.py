"""Calls of the log: every habit of authors gives a line, and none raises."""

import logging
import math
import sys

import pytest
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.python.failure import Failure

from ocsd.bus.wamp import txaio
from tests.unit.agent.faulty_runs import Hostile


def logged(call):
    with capturedLogs() as events:
        call(txaio.make_logger(level="debug"))
    [event] = events
    return event["log_level"].name, formatEvent(event), event.get("log_failure")


@pytest.mark.parametrize(
    ("call", "level", "text"),
    [
        (lambda log: log.info("at {kelvin} K", kelvin=4.2), "info", "at 4.2 K"),
        (lambda log: log.info("x %s", 5), "info", "x 5"),
        (lambda log: log.warn("%d of %d", 3, 4), "warn", "3 of 4"),
        (lambda log: log.info("%(a)s and %(b)s", {"a": 1, "b": 2}), "info", "1 and 2"),
        (lambda log: log.error("%d", "five"), "error", "%d five"),
        (lambda log: log.info("%s %s", 1), "info", "%s %s 1"),
        (lambda log: log.info("100 %", 1), "info", "100 % 1"),
        (lambda log: log.info("{} and {}", 1, 2), "info", "1 and 2"),
        (lambda log: log.info("{0:.1f}", math.pi), "info", "3.1"),
        (lambda log: log.info("reply", {"a": 1}, 2), "info", "reply {'a': 1} 2"),
        (lambda log: log.info("it is", Hostile()), "info", "it is Hostile"),
        (lambda log: log.info("%s", Hostile()), "info", "a line for the log cannot be made"),
        (lambda log: log.info(Hostile()), "info", "a line for the log cannot be made"),
        (lambda log: log.info("{level} of {self}", level=3, self=4), "info", "3 of 4"),
        (lambda log: log.info("n = {text}", text="x"), "info", "n = x"),
        (lambda log: log.info({"a": 1}), "info", ""),
        (lambda log: log.info(ValueError("odd")), "info", "odd"),
        (lambda log: log.info(), "info", ""),
        (lambda log: log.debug(format="{n} samples", n=3), "debug", "3 samples"),
        (lambda log: log.warning("low on %s", "helium"), "warn", "low on helium"),
        (lambda log: log.exception("no error at all"), "error", "no error at all"),
        (lambda log: log.failure("no failure at all"), "critical", "no failure at all"),
        (lambda log: log.error("gone", exc_info=True), "error", "gone"),
        (lambda log: log.info("x", extra={"a": 1}, stacklevel=2), "info", "x"),
        (lambda log: log.critical("hot: %.1f K", 400), "critical", "hot: 400.0 K"),
        (lambda log: log.fatal("hot: %.1f K", 400), "critical", "hot: 400.0 K"),
        (lambda log: log.log(logging.INFO, "at %d K", 4), "info", "at 4 K"),
        (lambda log: log.log(35, "between"), "warn", "between"),
        (lambda log: log.log(5, "low"), "debug", "low"),
        (lambda log: log.log("WARNING", "by name"), "warn", "by name"),
        (lambda log: log.log("FATAL", "by name"), "critical", "by name"),
        (lambda log: log.log(LogLevel.error, "{n} gone", n=2), "error", "2 gone"),
        (lambda log: log.log(None, "no level"), "info", "no level"),
    ],
)
def test_a_line_is_logged(call, level, text):
    got_level, got_text, failure = logged(call)
    assert got_level == level
    assert text in got_text
    assert failure is None


@pytest.mark.parametrize(
    ("call", "level"),
    [
        (lambda log: log.exception("read %s", "failed"), "error"),
        (lambda log: log.failure("read failed"), "critical"),
        (lambda log: log.failure("read failed", Failure()), "critical"),
        (lambda log: log.failure("read failed", failure=Failure()), "critical"),
        (lambda log: log.error("read failed", exc_info=True), "error"),
        (lambda log: log.error("read failed", exc_info=sys.exc_info()[1]), "error"),
    ],
)
def test_the_present_exception_goes_with_a_line(call, level):
    try:
        raise OSError("gone")
    except OSError:
        assert logged(call)[:2] == (level, "read failed")
        assert str(logged(call)[2].value) == "gone"


def test_a_level_that_is_off_stays_off():
    with capturedLogs() as events:
        log = txaio.make_logger(level="error")
        log.warning("low on %s", "helium")
        log.info("x %s")
    assert events == []
