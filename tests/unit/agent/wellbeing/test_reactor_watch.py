"""An operation that blocks the reactor is named."""

import time

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
