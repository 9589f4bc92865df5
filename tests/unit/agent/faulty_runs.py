"""Operations that go wrong, and what clients and operators see of them."""

from types import SimpleNamespace

import pytest

from ocsd.agent.wellbeing.readiness import Readiness

BOTH = pytest.mark.parametrize("blocking", [True, False], ids=["thread", "reactor"])
NOT_UNICODE = "caf\udce9"  # as os.fsdecode makes of a file name in Latin-1


class Hostile:
    """Nothing about it works."""

    def __repr__(self):
        raise RuntimeError("no repr")

    __str__ = __bool__ = __repr__


def run(agent, reactor, func, name="op", **options):
    """Run a task to its end and return what clients see of it."""
    agent.register_task(name, func, **options)
    assert agent.start(name)[0] == 0
    reactor.advance(0)
    return agent.status(name)[2]


def fault_of(session):
    """Return the message of a run that failed, which clients and operators see."""
    assert (session["status"], session["success"], session["op_code"]) == ("done", False, 6)
    [fault] = [text for _, text in session["messages"] if text.startswith(("CRASH", "ERROR"))]
    return fault


def status_line(agent):
    """Return the STATUS that a joined agent reports to its supervisor."""
    reports = []
    readiness = Readiness(agent, lambda **fields: reports.append(fields["STATUS"]))
    readiness.start(SimpleNamespace(joined=True))
    readiness.stop()
    return reports[0]


def check_the_agent_goes_on(agent, reactor):
    assert run(agent, reactor, lambda s, p: (True, "fine"), "another")["success"] is True
    agent.procedures()["observatory.thermo1"]("get_api")
