"""What the answers of an agent's spool mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from ocsd.aggregator.fetching.plan import AskPage
from ocsd.aggregator.incoming.message import LATEST_TIME, LONGEST_NAME, MOST_NUMBER
from ocsd.aggregator.numbers.ranges import Ranges
from ocsd.aggregator.numbers.source_key import SourceKey

# An agent has some ten feeds and a hundred earlier lives at most.
MOST_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Lost:
    """Numbers that the agent has not got.

    Attributes
    ----------
    first, last : int
        The first and the last of them.
    why : str
        What the answer tells about it, as a part of a sentence.
    """

    first: int
    last: int
    why: str


@dataclass(frozen=True, slots=True)
class Page:
    """An answer with messages.

    Attributes
    ----------
    messages : tuple of (object, object)
        Message and feed_info of what was wanted.
    lost : tuple of Lost
        What was wanted, and nobody can give any more.
    end : int
        With this answer all that lies before is either here or lost.
    """

    messages: tuple[tuple[Any, Any], ...]
    lost: tuple[Lost, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Held:
    """What an agent has of a feed in one of its sessions: from `first` to before `next`."""

    first: int
    next: int


def read_numbers(agent: str, session_id: object, feeds: object) -> dict[SourceKey, int]:
    """Return the next number of each feed that a heartbeat tells; no more than makes sense."""
    numbers: dict[SourceKey, int] = {}
    if isinstance(feeds, Mapping) and _is_name(session_id):
        for name, number in list(feeds.items())[:MOST_ROWS]:
            if _is_name(name) and _is_count(number):
                numbers[SourceKey(f"{agent}.feeds.{name}", str(session_id))] = number
    return numbers


def read_index(agent: str, answer: object) -> dict[SourceKey, Held]:
    """Return what an agent holds.

    Raises
    ------
    ValueError
        If the answer is none.
    """
    sessions = answer.get("sessions") if isinstance(answer, Mapping) else None
    if not isinstance(sessions, Mapping):
        raise ValueError(f"its index is a {type(answer).__name__} without 'sessions'")
    rows: dict[SourceKey, Held] = {}
    for session_id, feeds in sessions.items():
        if not isinstance(feeds, Mapping) or not _is_name(session_id):
            raise ValueError("its index has a session that is no map of feeds")
        for name, row in feeds.items():
            if len(rows) >= MOST_ROWS:
                return rows
            held = row if isinstance(row, Mapping) else {}
            first, end = held.get("first"), held.get("next")
            if not (_is_name(name) and _is_count(first) and _is_count(end)):
                raise ValueError(f"its index has a row that is none: {str(name)[:80]!r}")
            rows[SourceKey(f"{agent}.feeds.{name}", session_id)] = Held(first, end)
    return rows


def read_page(request: AskPage, answer: object) -> Page:
    """Return what an answer brings of that which was wanted.

    Raises
    ------
    ValueError
        If the answer is none.
    """
    if not isinstance(answer, Mapping):
        raise ValueError(f"its answer is a {type(answer).__name__}, not a map")
    held_end, pairs = answer.get("next"), answer.get("messages")
    if not _is_count(held_end) or not isinstance(pairs, list):
        raise ValueError("its answer lacks 'next' or 'messages'")
    found = {
        number: (pair[0], pair[1])
        for pair in pairs
        if (number := _number(request, pair)) is not None
    }
    # Nothing more comes after an empty answer, whatever has been said of numbers.
    end = max(found) + 1 if found else max(held_end, request.end)
    present = Ranges()
    for number in sorted(found):
        present.add(number, number + 1)
    wanted = Ranges(bound for each in request.wanted for bound in each)
    gaps = [
        gap
        for first, last in request.wanted
        if first < end
        for gap in present.missing(first, min(last, end))
    ]
    return Page(
        messages=tuple(found[n] for n in sorted(found) if n in wanted),
        lost=tuple(Lost(first, last - 1, _why(request, found, last)) for first, last in gaps),
        end=end,
    )


def _why(request: AskPage, found: Mapping[int, tuple[Any, Any]], gap_end: int) -> str:
    oldest = min(found, default=None)
    if oldest is not None and gap_end <= oldest:
        return f"the agent's spool reached back only to {_moment_of(found[oldest][0], oldest)}"
    if oldest is not None:
        return "the agent's spool lacks them as well"
    if request.ended:
        return "the agent has ended since, and its spool holds no more of that life"
    return "the agent's spool does not hold them any more"


def _moment_of(message: object, number: int) -> str:
    """Return the time of a message, for people; its number if it has none."""
    blocks = list(message.values()) if isinstance(message, Mapping) else []
    for block in blocks:
        times = block.get("timestamps") if isinstance(block, Mapping) else None
        at = times[0] if isinstance(times, list) and times else None
        if isinstance(at, int | float) and abs(at) < LATEST_TIME:
            try:
                return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
            except (ValueError, OverflowError):
                break
    return f"message {number}"


def _number(request: AskPage, pair: object) -> int | None:
    """Return the number of a message, if it is one of the feed that was asked for."""
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        return None
    info = pair[1]
    if not isinstance(info, Mapping):
        return None
    key = request.key
    if (info.get("address"), info.get("session_id")) != (key.address, key.session_id):
        return None
    number = info.get("seq")
    return number if _is_count(number) and number >= request.after else None


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < MOST_NUMBER


def _is_name(value: object) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
