"""Reading heartbeats and the answers of an agent's spool."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, TypeGuard

from ocsd.aggregator.fetching.plan import AskPage
from ocsd.aggregator.incoming.message import MOST_NUMBER, is_name
from ocsd.aggregator.numbers.share import RecorderSpan
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.aggregator.recording.arrivals import HeldRange, LostRange, SpoolIndex, SpoolPage
from ocsd.journal.ranges import Ranges
from ocsd.text.times import utc

LONGEST_CAUSE: Final = 500
"""Characters of an agent's reason that a hole shows."""

# Far above the ten feeds and the hundred earlier lives of an agent.
MOST_ROWS: Final = 10_000


def read_numbers(agent: str, session_id: object, feeds: object) -> dict[SourceKey, int]:
    """Return the next number of each feed in a heartbeat; nonsense is left out."""
    numbers: dict[SourceKey, int] = {}
    if isinstance(feeds, Mapping) and is_name(session_id):
        for name, number in list(feeds.items())[:MOST_ROWS]:
            if is_name(name) and _is_count(number):
                numbers[SourceKey(f"{agent}.feeds.{name}", str(session_id))] = number
    return numbers


def read_index(agent: str, answer: object) -> SpoolIndex:
    """Return the numbers that an agent holds.

    Raises
    ------
    ValueError
        If the answer has another form.
    """
    sessions = answer.get("sessions") if isinstance(answer, Mapping) else None
    if not isinstance(sessions, Mapping):
        raise ValueError(f"its index is a {type(answer).__name__} without 'sessions'")
    held: dict[SourceKey, HeldRange] = {}
    for session_id, feeds in sessions.items():
        if not isinstance(feeds, Mapping) or not is_name(session_id):
            raise ValueError("its index has a session that is not a map of feeds")
        for name, row in feeds.items():
            if len(held) >= MOST_ROWS:
                return SpoolIndex(agent, held)
            held[SourceKey(f"{agent}.feeds.{name}", session_id)] = _read_row(name, row)
    return SpoolIndex(agent, held)


def read_page(request: AskPage, answer: object) -> SpoolPage:
    """Return the part of an answer that was wanted.

    Raises
    ------
    ValueError
        If the answer has another form.
    """
    if not isinstance(answer, Mapping):
        raise ValueError(f"its answer is a {type(answer).__name__}, not a map")
    held_end, pairs = answer.get("next"), answer.get("messages")
    if not _is_count(held_end) or not isinstance(pairs, list):
        raise ValueError("its answer lacks 'next' or 'messages'")
    messages = _messages_of(request, pairs)
    # Nothing more comes after an empty answer, whatever other numbers were announced.
    end = max(messages) + 1 if messages else max(held_end, request.end)
    wanted = Ranges(chain.from_iterable(request.wanted))
    return SpoolPage(
        agent=request.agent,
        key=request.key,
        messages=tuple(messages[n] for n in sorted(messages) if n in wanted),
        lost=tuple(
            LostRange(first, last - 1, why)
            for gap in _gaps(request, messages, end)
            for first, last, why in _explained(request, messages, gap, _causes(answer))
        ),
        end=end,
    )


def _read_row(name: object, row: object) -> HeldRange:
    if isinstance(row, Mapping):
        first, end = row.get("first"), row.get("next")
        if is_name(name) and _is_count(first) and _is_count(end):
            return HeldRange(first, end, _read_recorders(row.get("recorders")))
    raise ValueError(f"its index has a row without 'first' and 'next': {str(name)[:80]!r}")


def _read_recorders(rows: object) -> tuple[RecorderSpan, ...]:
    """Return who records which numbers of a row; rows of another form are left out."""
    pairs = rows[:MOST_ROWS] if isinstance(rows, list) else []
    spans = [
        RecorderSpan(pair[0], pair[1])
        for pair in pairs
        if isinstance(pair, list | tuple) and len(pair) == 2 and _is_count(pair[0])
        if pair[1] is None or is_name(pair[1])
    ]
    return tuple(sorted(spans, key=lambda span: span.first))


def _messages_of(request: AskPage, pairs: list[Any]) -> dict[int, tuple[Any, Any]]:
    """Return those messages of an answer, by number, that are of the requested feed."""
    numbered = ((_number(request, pair), pair) for pair in pairs)
    return {number: (pair[0], pair[1]) for number, pair in numbered if number is not None}


def _gaps(request: AskPage, messages: Iterable[int], end: int) -> Iterator[tuple[int, int]]:
    """Yield the wanted numbers before `end` that the answer lacks, as half-open ranges."""
    present = Ranges()
    for number in sorted(messages):
        present.add(number, number + 1)
    for first, last in request.wanted:
        if first < end:
            yield from present.missing(first, min(last, end))


def _causes(answer: Mapping[Any, Any]) -> dict[int, str]:
    """Return the agent's own reasons for the loss of single messages, by number."""
    rows = answer.get("lost")
    if not isinstance(rows, list):
        return {}
    pairs = [row for row in rows if isinstance(row, list | tuple) and len(row) == 2]
    return {
        number: cause[:LONGEST_CAUSE]
        for number, cause in pairs
        if _is_count(number) and isinstance(cause, str)
    }


def _explained(
    request: AskPage,
    messages: Mapping[int, tuple[Any, Any]],
    gap: tuple[int, int],
    causes: Mapping[int, str],
) -> Iterator[tuple[int, int, str]]:
    """Yield the parts of a gap, each with why it is lost, as half-open ranges."""
    first, end = gap
    for number in sorted(number for number in causes if first <= number < end):
        if first < number:
            yield first, number, _why(request, messages, number)
        yield number, number + 1, f"the agent could not send it: {causes[number]}"
        first = number + 1
    if first < end:
        yield first, end, _why(request, messages, end)


def _why(request: AskPage, messages: Mapping[int, tuple[Any, Any]], gap_end: int) -> str:
    oldest = min(messages, default=None)
    if oldest is not None and gap_end <= oldest:
        return f"the agent's spool reached back only to {_moment_of(messages[oldest][0], oldest)}"
    if oldest is not None:
        return "the agent's spool lacks them as well"
    if request.ended:
        return "the agent has ended since, and its spool holds no more of that life"
    return "the agent's spool does not hold them any more"


def _moment_of(message: Any, number: int) -> str:
    """Return the time of a message, for people; its number if it has none."""
    try:
        times = (block["timestamps"] for block in message.values())
        at = next(filter(None, times))[0]
        return utc(at)
    except (AttributeError, LookupError, StopIteration, TypeError, ValueError):
        return f"message {number}"


def _number(request: AskPage, pair: object) -> int | None:
    """Return the number of a message, if it is one of the requested feed and session."""
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
