"""A run of an operation, as lines for people."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ocsd.cli.screen.table import Cell
from ocsd.cli.screen.terminal import LAYOUT, Terminal
from ocsd.text import units
from ocsd.text.printable import one_line, printable
from ocsd.text.times import clock, utc

_SHOWN_MESSAGES = 5
_LONGEST_VALUE = 100
_INDENT = "  "
_COLOUR_WORDS = {"running": "up", "succeeded": "ok"}
"""The states of an instance that lend their colours to states of a run."""

_STANDING = re.compile(r'Operation "[^"]*" is currently (not )?running')
"""An agent's sentence about the state of an operation, in OCS's words."""

_REPLY_WORDS = {"OK": "ok", "FAILED": "failed", "ERROR": "failed", "TIMEOUT": "degraded"}


def reply_lines(code: str, message: str, session: Mapping[str, Any], screen: Terminal) -> list[str]:
    """Return the lines that describe an agent's answer: ``OK``, ``ERROR`` or ``TIMEOUT``.

    The session is the operation's latest one; it is empty if the operation never ran.
    """
    # The agent's OK is about the request; people are interested in the operation.
    if code == "OK" and session.get("success") is False:
        code = "FAILED"
    word = screen.styled(code, _REPLY_WORDS.get(code, ""))
    lines = session_lines(session, screen)
    if lines and _STANDING.match(message):
        # The session says it in plain words.
        return [f"{word}: {lines[0].strip()}", *lines[1:]]
    return [f"{word}: {printable(message, keep=LAYOUT)}", *lines]


def session_lines(session: Mapping[str, Any], screen: Terminal) -> list[str]:
    """Return the lines that describe a run: status, duration, data, last messages."""
    # Agents number the sessions of all their operations together, so the number is no count.
    if not session or "session_id" not in session:
        return []
    state = state_cell(session)
    outcome = screen.styled(state.text, state.word)
    begun_at, ended_at, word = session.get("start_time"), session.get("end_time"), "after"
    if begun_at is not None:
        if ended_at is None:
            ended_at, word = time.time(), "for"
        took = units.short_duration(max(0.0, ended_at - begun_at))
        outcome = f"{outcome} {word} {took}, started {utc(begun_at)}"
    lines = [f"{_INDENT}{screen.bold(str(session.get('op_name')))}  {outcome}"]
    if session.get("data"):
        lines += [f"{_INDENT}data", *_value_lines(session["data"], _INDENT * 2)]
    messages = (session.get("messages") or [])[-_SHOWN_MESSAGES:]
    if messages:
        lines.append(f"{_INDENT}last messages")
        lines += [f"{_INDENT * 2}{_message(message)}" for message in messages]
    return lines


def state_cell(session: Mapping[str, Any]) -> Cell:
    """Return the state of an operation's latest run in one word, as the cell of a table."""
    word = str(session.get("status", "no_history"))
    if word == "no_history":
        return Cell("never run")
    if word == "done":
        word = "succeeded" if session.get("success") else "failed"
    elif session.get("degraded"):
        word = "degraded"
    return Cell(word, _COLOUR_WORDS.get(word, word))


def _message(message: Any) -> str:
    try:
        at, text = message
        return f"{clock(at)}  {one_line(str(text))}"
    except (TypeError, ValueError):
        return one_line(str(message))


def _value_lines(data: Any, indent: str) -> Iterator[str]:
    if not isinstance(data, Mapping):
        yield f"{indent}{_short(data)}"
        return
    for key, value in data.items():
        name = one_line(str(key))
        if isinstance(value, Mapping) and value and len(_short(value)) > _LONGEST_VALUE:
            yield f"{indent}{name}:"
            yield from _value_lines(value, indent + _INDENT)
        else:
            yield f"{indent}{name}: {_short(value)}"


def _short(value: Any) -> str:
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False)
    return one_line(value)
