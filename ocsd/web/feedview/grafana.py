"""Answers to Grafana's SimpleJSON data source, from requests as values of JSON.

The data source asks ``POST /search`` for the names of what it can draw, and ``POST /query``
for samples of some of these in a span of time.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ocsd.errors import UsageError
from ocsd.text.nearest import did_you_mean
from ocsd.web.feedview.buffer import FeedBuffer, Shown
from ocsd.web.feedview.thinning import thinned

MOST_POINTS: Final = 10_000
"""Points of a field in an answer, at most."""
DEFAULT_POINTS: Final = 1000
MOST_TARGETS: Final = 500
TIMESERIE, TABLE = "timeserie", "table"


def search(body: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Return those names that contain what somebody has typed so far."""
    typed = body.get("target")
    if not isinstance(typed, str):
        typed = ""
    return [name for name in names if typed.lower() in name.lower()]


def query(body: Mapping[str, Any], buffer: FeedBuffer, prefix: str) -> list[dict[str, Any]]:
    """Return the samples that a request asks for, one answer for each of its targets.

    A target is ``PREFIX.FIELD``, as `search` names it, or FIELD. One without samples has none,
    with a `message` that says why: the other targets of a panel must not suffer.

    Raises
    ------
    UsageError
        If the request has no such form.
    """
    span = _span(body.get("range"))
    most = _most(body.get("maxDataPoints"))
    answers = []
    for name, kind in _targets(body.get("targets")):
        field = name.removeprefix(f"{prefix}.")
        points = _points(buffer.between(field, *span), most)
        answers.append(_answer(name, field, points, buffer, kind))
    return answers


def _targets(targets: object) -> Iterator[tuple[str, str]]:
    """Yield name and kind of each target."""
    if not isinstance(targets, list) or len(targets) > MOST_TARGETS:
        raise UsageError(f'the query has no list "targets" of at most {MOST_TARGETS}')
    for target in targets:
        # Grafana sends a row of its form that is not filled in without a target.
        if isinstance(target, Mapping) and isinstance(name := target.get("target"), str) and name:
            yield name, str(target.get("type") or TIMESERIE)


def _span(span: object) -> tuple[float, float]:
    """Return the times of a range [s, Unix time]."""
    if not isinstance(span, Mapping):
        raise UsageError('the query has no "range": {"from": TIME, "to": TIME}')
    since_at, until_at = (_time(key, span.get(key)) for key in ("from", "to"))
    if until_at < since_at:
        raise UsageError('the "range" of the query ends before it begins')
    return since_at, until_at


def _answer(
    name: str, field: str, points: list[list[Any]], buffer: FeedBuffer, kind: str
) -> dict[str, Any]:
    if kind == TABLE:
        column = "string" if buffer.is_text(field) else "number"
        return {
            "type": TABLE,
            "columns": [{"text": "Time", "type": "time"}, {"text": name, "type": column}],
            "rows": [[at_ms, value] for value, at_ms in points],
        }
    if kind != TIMESERIE:
        raise UsageError(f"the type of a target is {kind!r:.40}, not {TIMESERIE} or {TABLE}")
    answer: dict[str, Any] = {"target": name, "datapoints": points}
    if field not in buffer.fields:
        near = did_you_mean(field, buffer.names())
        answer["message"] = f"no samples of {field!r:.300} have come in{near}"
    return answer


def _points(shown: Shown, most: int) -> list[list[Any]]:
    """Return pairs of value and time [ms]; values that are no finite number are None."""
    times, values = shown
    if values.dtype.kind == "f":
        chosen = thinned(times, values, most).tolist()
    else:
        chosen = [*range(max(0, len(times) - most), len(times))]
    return [[_plain(values[index]), round(float(times[index]) * 1000)] for index in chosen]


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    number = float(value)
    if math.isfinite(number):
        return number
    return None


def _most(value: object) -> int:
    if value is None:
        return DEFAULT_POINTS
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 1:
        raise UsageError(f'"maxDataPoints" is {value!r:.40}, not a number above 0')
    return max(2, int(min(value, MOST_POINTS)))


def _time(key: str, value: object) -> float:
    """Return a time of a range [s, Unix time]."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return moment.timestamp()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return value / 1000
    except (ValueError, OverflowError):
        pass
    raise UsageError(
        f'"{key}" of the range is {value!r:.60}, not a time like 2026-11-22T06:17:05.000Z'
    )
