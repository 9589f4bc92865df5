"""A run of an operation, laid out for people."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ocsd.cli.screen import terminal, units
from ocsd.cli.screen.table import Cell
from ocsd.cli.screen.terminal import Terminal

_MESSAGES = 5
_LONGEST_VALUE = 100
_INDENT = "  "
# Which colour a state has: that of the state of an instance that says as much.
_COLOUR_WORDS = {"running": "up", "succeeded": "ok"}
_REPLY_WORDS = {"OK": "ok", "FAILED": "failed", "ERROR": "failed", "TIMEOUT": "degraded"}


def reply_lines(code: str, message: str, session: Mapping[str, Any], screen: Terminal) -> list[str]:
    """Return the lines that tell of an agent's answer.

    Parameters
    ----------
    code : str
        ``OK``, ``ERROR`` or ``TIMEOUT``.
    message : str
        The answer in words.
    session : dict
        The operation's latest session; empty if it never ran.
    screen : Terminal
        Where the lines will be printed.
    """
    # The agent's OK speaks of the request; people want to know of the operation.
    word = "FAILED" if code == "OK" and session.get("success") is False else code
    first = f"{screen.styled(word, _REPLY_WORDS.get(word, ''))}: {terminal.printable(message)}"
    return [first, *session_lines(session, screen)]


def session_lines(session: Mapping[str, Any], screen: Terminal) -> list[str]:
    """Return the lines that tell of a run: status, duration, data, last messages."""
    if not session or "session_id" not in session:
        return []
    state = state_cell(session)
    facts = [screen.styled(state.text, state.word), f"run {session['session_id']}"]
    begun_at, ended_at = session.get("start_time"), session.get("end_time")
    if begun_at is not None:
        took_s = (ended_at if ended_at is not None else time.time()) - begun_at
        word = "took" if ended_at is not None else "for"
        facts.append(f"{word} {units.short_duration(max(0.0, took_s))}")
        facts.append(f"started {units.date(begun_at)}")
    lines = [f"{_INDENT}{screen.bold(str(session.get('op_name')))}  {', '.join(facts)}"]
    if session.get("data"):
        lines += [f"{_INDENT}data", *_value_lines(session["data"], _INDENT * 2)]
    messages = (session.get("messages") or [])[-_MESSAGES:]
    if messages:
        lines.append(f"{_INDENT}last messages")
        lines += [f"{_INDENT * 2}{_message(each)}" for each in messages]
    return lines


def state_cell(session: Mapping[str, Any]) -> Cell:
    """Return the state of an operation's latest run in one word, as the cell of a table."""
    status = str(session.get("status", "no_history"))
    if status == "no_history":
        return Cell("never run")
    if status == "done":
        word = "succeeded" if session.get("success") else "failed"
    else:
        word = "degraded" if session.get("degraded") else status
    return Cell(word, _COLOUR_WORDS.get(word, word))


def _message(message: Any) -> str:
    try:
        at, text = message
        return f"{units.clock(at)}  {terminal.one_line(str(text))}"
    except (TypeError, ValueError):
        return terminal.one_line(str(message))


def _value_lines(data: Any, indent: str) -> Iterator[str]:
    if not isinstance(data, Mapping):
        yield f"{indent}{_short(data)}"
        return
    for key, value in data.items():
        name = terminal.one_line(str(key))
        if isinstance(value, Mapping) and value and len(_short(value)) > _LONGEST_VALUE:
            yield f"{indent}{name}:"
            yield from _value_lines(value, indent + _INDENT)
        else:
            yield f"{indent}{name}: {_short(value)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return terminal.one_line(text)
