"""The example of the guide for code in the reactor, in simulated time."""

import re
from pathlib import Path

import pytest
import twisted.internet
from twisted.internet.defer import Deferred, fail, succeed

from tests.unit.agent.conftest import agent, reactor  # noqa: F401 - fixtures

PAGE = Path(__file__).parents[3] / "docs" / "write" / "http.md"
SOURCE = re.search(r"`weather.py`:\n\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]


@pytest.fixture
def weather(reactor, monkeypatch):  # noqa: F811 - the fixture
    monkeypatch.setattr(twisted.internet, "reactor", reactor, raising=False)
    namespace = {}
    exec(SOURCE, namespace)
    answers = [succeed({"wind": 3}), Deferred(), fail(OSError("gone")), succeed({"wind": 4})]
    return namespace["Weather"](lambda: answers.pop(0))


def test_the_example_sleeps_has_a_time_limit_and_stops(agent, reactor, weather):  # noqa: F811
    agent.register_process("acq", weather.acq, weather.stop_acq, blocking=False)
    agent.start("acq")
    reactor.advance(0)
    session = agent.sessions["acq"]
    assert session.data == {"fields": {"wind": 3}}
    reactor.advance(1.0)
    assert not session.degraded
    reactor.advance(2.0)
    assert session.degraded
    assert session.data["error"].startswith("no answer: (2.0")
    reactor.advance(1.0)
    assert session.data == {"error": "no answer: gone"}
    reactor.advance(1.0)
    assert (session.degraded, session.data) == (False, {"fields": {"wind": 4}})
    agent.stop("acq")
    reactor.advance(1.0)
    assert session.success is True
