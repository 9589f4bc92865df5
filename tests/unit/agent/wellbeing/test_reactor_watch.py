"""An operation that blocks the reactor is named."""

import time

import pytest

from ocsd.agent.wellbeing import reactor_watch
from tests.unit.agent.faulty_runs import run, status_line


def test_who_blocks_the_reactor_is_named(agent, reactor, monkeypatch):
    monkeypatch.setattr(reactor_watch, "BLOCKED_LIMIT_S", 0.05)
    sent = []
    watch = reactor_watch.ReactorWatch(agent, lambda **fields: sent.append(fields["STATUS"]))
    watch.start()

    def func(session, params):
        deadline = time.monotonic() + 10
        while not sent and time.monotonic() < deadline:
            time.sleep(0.005)
        return True, ""

    run(agent, reactor, func, blocking=False)
    assert sent[0].startswith("operation 'op' blocks the reactor at ")
    assert f"{__file__}:" in sent[0]
    reactor.advance(1)
    watch.stop()
    [warning] = [t for _, t in agent.status("op")[2]["messages"] if t.startswith("WARNING")]
    assert "operation 'op' blocks the reactor" in warning
    assert "blocking=True" in warning
    assert "operation 'op' blocks the reactor" in status_line(agent)


@pytest.mark.parametrize(
    ("silent_s", "wait_s"),
    [(0.0, 1.0), (0.02, 1.0), (0.5, 0.52), (1.02, 0.5), (1.3, 0.22), (1.6, 0.5), (60.0, 0.5)],
)
def test_the_reactor_is_checked_after_its_sign_of_life_and_when_it_counts_as_blocked(
    silent_s, wait_s
):
    assert reactor_watch.until_next_check_s(silent_s) == pytest.approx(wait_s)
