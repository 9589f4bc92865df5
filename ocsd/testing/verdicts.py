"""Demands that several checks of the conformance suite share, with their messages."""

import time
from typing import Any, NoReturn

import pytest

from ocsd.client.http import ControlClientError
from ocsd.testing.agent_process import RunningProgram
from ocsd.testing.exercise import AGENT_START_LIMIT_S, Exercised, ProcessRun, Session
from ocsd.testing.subject import Simulation

HEARTBEAT_LIMIT_S = 5.0
"""After this time without a heartbeat the registry calls an agent expired."""
AGENT_END_LIMIT_S = 10.0
NOTICE_LIMIT_S = 20.0
"""Time in which an agent has to notice that its device does not answer."""
RECOVERY_LIMIT_S = 30.0


def fail(message: str) -> NoReturn:
    """Fail the check with a message for the author, without a traceback of the suite."""
    pytest.fail(message, pytrace=False)


def require(condition: Any, message: str) -> None:
    """Fail the check unless `condition` is true."""
    if not condition:
        fail(message)


def require_exit(process: RunningProgram, expected: int, limit_s: float, advice: str) -> None:
    """Demand that a process ends in time with an exit code."""
    code = process.wait(limit_s)
    if code == expected:
        return
    fault = f"it has ended with exit code {code}"
    if code is None:
        fault = f"it still runs after {limit_s:g} s"
    fail(f"{fault}; expected was exit code {expected}. {advice}\n{process.output()}")


def require_notice(agent: Exercised, name: str) -> None:
    """Demand that a process reports properly that its device does not answer."""

    def noticed(session: Session) -> bool:
        return bool(session.get("degraded")) or session.get("status", "done") == "done"

    session = agent.watch(name, noticed, NOTICE_LIMIT_S)
    require(
        noticed(session),
        f"for {NOTICE_LIMIT_S:g} s process {name!r} has run as if all was well, although its "
        "device does not answer; set session.degraded = True until it does, or end with False "
        "and a message",
    )
    require_decent_end(name, session)


def require_decent_end(name: str, session: Session) -> None:
    """Demand that an operation that has ended did not crash and gave a reason."""
    if session.get("status") != "done":
        return
    text = last_words(session)
    require(text, f"operation {name!r} has ended without a message: return (ok, message)")
    crashed = any(message.startswith("CRASH") for _, message in session.get("messages", ()))
    advice = "catch what it may raise and return (ok, message)"
    require(not crashed, f"operation {name!r}: {text}; {advice}")


def require_recovery(agent: Exercised, name: str) -> None:
    """Demand that a process publishes again; start it if it has ended, as operators do."""
    deadline_s = time.monotonic() + RECOVERY_LIMIT_S
    while time.monotonic() < deadline_s:
        require_life(agent)
        session = agent.session(name)
        if session.get("status", "done") == "done":
            require_decent_end(name, session)
            agent.prepare()
            agent.start(name)
        if agent.publishes(2.0):
            return
    fail(
        f"the device answers again, but for {RECOVERY_LIMIT_S:g} s process {name!r} has published "
        "nothing; close the device when it fails and open it again"
    )


def require_life(agent: Exercised, since_s: float | None = None) -> None:
    """Demand that the agent runs, answers, and has sent all its heartbeats."""
    code = agent.process.exit_code
    require(code is None, f"the agent has ended with exit code {code}\n{agent.process.output()}")
    if since_s is not None:
        silence_s = agent.process.silence_s(since_s)
        require(
            silence_s < HEARTBEAT_LIMIT_S,
            f"it blocks the reactor: no heartbeat for {silence_s:.1f} s. Register what waits, e.g. "
            "for the device, with blocking=True, or use Deferreds",
        )
    try:
        agent.api()
    except ControlClientError as error:
        fail(f"it does not answer: {error.reason or error.error}")


def require_joined(agent: Exercised, advice: str = "") -> None:
    """Demand that a fresh agent joins its site."""
    if agent.process.wait_until_ready(AGENT_START_LIMIT_S):
        return
    code = agent.process.exit_code
    fault = f"it has ended with exit code {code} before it joined its site"
    if code is None:
        fault = f"after {AGENT_START_LIMIT_S:g} s it has not joined its site"
    fail(f"{fault}. {advice}\n{agent.process.output()}")


def simulation_of(agent: Exercised) -> Simulation:
    """Return the simulated hardware; skip the check if there is none."""
    if agent.simulation is None:
        pytest.skip(f"there is no simulator.py beside {agent.subject.file}")
    return agent.simulation


def needs_parameters(code_text: str) -> bool:
    """Whether an operation was refused because it cannot do without parameters."""
    return "is required" in code_text


def last_words(session: Session) -> str:
    """Return the last message that is more than a change of status."""
    texts = [text for _, text in session.get("messages", ())]
    return next((text for text in reversed(texts) if not text.startswith("Status is now")), "")


def failed_by_itself(name: str, run: ProcessRun) -> str:
    """Return the message about a process that ended before it was asked to."""
    return f"process {name!r} failed before it was asked to stop: {last_words(run.final)}"
