"""Times as text: written in UTC and with their zone, read as people write them.

All commands write UTC, because logs, journals and recorded files are in UTC, as are those of the
other hosts; the ``Z`` says so to whoever looks at the clock on the wall.
"""

import re
import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

WAYS_TO_WRITE: Final = (
    'an age (90m, 7d, "10 min ago"), yesterday, today, a time of day (03:12) or a date '
    "(2026-11-22, 2026-11-22T20:00), in UTC unless it ends with a zone: Z, -03:00 or local"
)
"""The forms of a time that `past_time` reads, for help and messages."""
WAYS_TO_WRITE_LATER: Final = (
    "a duration (30m, 2h, 1d12h), the next time that it is so late (06:00) or a date "
    "(2026-11-30T06:00), in UTC unless it ends with a zone: Z, -03:00 or local"
)
"""The forms of a time that `future_time` reads, for help and messages."""

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_UNIT: Final = r"s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?"
# Patterns as text, which only a command that reads a time has to compile.
_PART: Final = rf"([0-9]+(?:\.[0-9]+)?)\s*({_UNIT})\s*"
_AGE: Final = rf"-?((?:{_PART})+?)(ago)?"
_DAYS_BACK: Final = {"today": 0, "yesterday": 1}
_ZONE: Final = r"(?<=[\d\sy])\s*(z|utc|local|[+-]\d\d:?\d\d)$"
_TIME_OF_DAY: Final = r"(\d{1,2}):(\d\d)(?::(\d\d)(\.\d{1,6})?)?"


def utc(unix_time_s: float) -> str:
    """Return a Unix time as ISO 8601, to the second, e.g. ``2026-11-22T12:02:48Z``.

    Raises
    ------
    ValueError
        If the calendar has no such time.
    """
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_time_s))
    except (OverflowError, OSError) as error:
        raise ValueError(f"{unix_time_s} s is not a time of the calendar") from error


def clock(unix_time_s: float) -> str:
    """Return the time of day of a Unix time, to the millisecond, e.g. ``12:02:48.238Z``."""
    thousandths = round(unix_time_s * 1000)
    seconds, rest = divmod(thousandths, 1000)
    return f"{time.strftime('%H:%M:%S', time.gmtime(seconds))}.{rest:03d}Z"


def past_time(text: str, now_at: float) -> float:
    """Return the Unix time [s] that a person means, at the time `now_at`.

    A time of day without a date is the last one that is past; a date alone is its beginning.

    Raises
    ------
    ValueError
        If it is none of `WAYS_TO_WRITE`.
    """
    try:
        moment_at = _past_time(text.strip(), now_at)
        utc(moment_at)  # an age may lead out of the calendar
        return moment_at
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a time; write {WAYS_TO_WRITE}") from error


def no_time_between(since_at: float, until_at: float) -> str:
    """Return why a span is refused, with its two ends as they were understood [s, Unix time]."""
    return (
        f"--until ({utc(until_at)}) is not later than --since ({utc(since_at)}), so there is no "
        "time between them; a time of day without a date is the last one that is past"
    )


def future_time(text: str, now_at: float) -> float:
    """Return the Unix time [s] after `now_at` that a person means.

    Raises
    ------
    ValueError
        If it is none of `WAYS_TO_WRITE_LATER`, or is over.
    """
    words = text.strip()
    try:
        if duration := re.fullmatch(_AGE, words, re.IGNORECASE):
            is_past = words.startswith("-") or duration[duration.re.groups] is not None
            moment_at = now_at + _seconds(duration[1]) * (-1 if is_past else 1)
        else:
            rest, zone = _without_zone(words)
            # The last one of tomorrow at this time is the next one of now.
            moment = _last_time_of_day(rest, zone, now_at + _UNITS_S["d"])
            moment_at = (moment or _on_a_day(rest, zone, now_at)).timestamp()
        utc(moment_at)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a time; write {WAYS_TO_WRITE_LATER}") from error
    if moment_at <= now_at:
        raise ValueError(f"{text!r} is over: {utc(moment_at)}")
    return moment_at


def _seconds(parts: str) -> float:
    return sum(
        float(number) * _UNITS_S[unit[0].lower()]
        for number, unit in re.findall(_PART, parts, re.IGNORECASE)
    )


def _past_time(words: str, now_at: float) -> float:
    if words.lower() == "now":
        return now_at
    if words[:-1].isdecimal() and words[-1] in _UNITS_S:
        # As 7d, the usual age, which needs no pattern to be compiled.
        return now_at - int(words[:-1]) * _UNITS_S[words[-1]]
    if age := re.fullmatch(_AGE, words, re.IGNORECASE):
        return now_at - _seconds(age[1])
    rest, zone = _without_zone(words)
    moment = _last_time_of_day(rest, zone, now_at) or _on_a_day(rest, zone, now_at)
    return moment.timestamp()


def _without_zone(words: str) -> tuple[str, tzinfo | None]:
    """Return the words before a zone, and the zone; None is that of this machine."""
    # The end of a date, as in 2026-11-22, is no zone.
    found = re.search(_ZONE, words, re.IGNORECASE)
    if found is None or not (":" in words[: found.start()] or found[1][0].isalpha()):
        return words, UTC
    rest, name = words[: found.start()], found[1].lower()
    if name == "local":
        return rest, None
    if name in {"z", "utc"}:
        return rest, UTC
    minutes = 60 * int(name[1:3]) + int(name[-2:])
    return rest, timezone(timedelta(minutes=int(f"{name[0]}{minutes}")))


def _last_time_of_day(words: str, zone: tzinfo | None, now_at: float) -> datetime | None:
    """Return the last moment at which clocks showed a time of day; None if it is none."""
    found = re.fullmatch(_TIME_OF_DAY, words)
    if found is None:
        return None
    for days_back in (0, 1):
        day = _midnight(zone, now_at, days_back)
        moment = _zoned(_with_time_of_day(day, found), zone)
        if moment.timestamp() <= now_at:
            break
    return moment


def _on_a_day(words: str, zone: tzinfo | None, now_at: float) -> datetime:
    first, _, rest = words.partition(" ")
    days_back = _DAYS_BACK.get(first.lower())
    if days_back is None:
        # It raises the ValueError of a text that is none of all these.
        return _zoned(datetime.fromisoformat(words), zone)
    day = _midnight(zone, now_at, days_back)
    if not rest:
        return _zoned(day, zone)
    found = re.fullmatch(_TIME_OF_DAY, rest.strip())
    if found is None:
        raise ValueError(f"{rest!r} is no time of day")
    return _zoned(_with_time_of_day(day, found), zone)


def _midnight(zone: tzinfo | None, now_at: float, days_back: int) -> datetime:
    """Return the beginning of a day, without its zone."""
    today = datetime.fromtimestamp(now_at, zone).replace(tzinfo=None)
    return today.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_back)


def _with_time_of_day(day: datetime, found: re.Match[str]) -> datetime:
    hour, minute, second, fraction = found.groups()
    microsecond = round(float(fraction or 0) * 1e6)
    return day.replace(
        hour=int(hour), minute=int(minute), second=int(second or 0), microsecond=microsecond
    )


def _zoned(moment: datetime, zone: tzinfo | None) -> datetime:
    """Return a moment with its zone; that of this machine also knows its summer time."""
    if moment.tzinfo is not None:
        return moment
    if zone is None:
        return moment.astimezone()
    return moment.replace(tzinfo=zone)
