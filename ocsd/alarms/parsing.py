"""The language of conditions, as a site file has them: ``thermo1.temps.stage > 5 for 30s``."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ocsd.alarms.conditions import (
    PERIODS_S,
    AlarmRule,
    Bound,
    Comparison,
    Condition,
    DiskCondition,
    OperationCondition,
    RateCondition,
    RecorderCondition,
    SilenceCondition,
    StateCondition,
    ValueCondition,
)
from ocsd.text.nearest import nearest_or_all

STATE_WORDS: Final = (
    *("down", "starting", "up", "stopping", "backoff", "failed"),
    *("ok", "degraded", "unstable", "hung"),
)
"""The states and healths of an instance."""
OPERATION_WORDS: Final = (
    *("starting", "running", "degraded", "stopping"),
    *("stopped", "ended", "failed"),
)
RECORDER_WORDS: Final = ("recording", "losing", "stale")
DISK_USES: Final = ("data", "state", "logs")
LONGEST_CONDITION: Final = 1000
"""Length of a condition, at most [characters]."""

_WHOLE_PERCENT: Final = 100.0

FORMS: Final = """\
FIELD > 5 [until < 4.5] [for 30s]
rate of FIELD > 2 per min [over 60s] [for 30s]
FEED silent for 60s
INSTANCE [not] up [for 30s]
OPERATION of INSTANCE [not] running [for 30s]
recorder [not] recording [for 30s]
disk data free < 5%
disk data full in < 2d"""
"""The forms of a condition, one a line."""

_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_DURATION: Final = re.compile(r"((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(s|min|h|d)")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_SIGNS: Final = frozenset(map(str, Comparison))
_FIELD_PARTS, _FEED_PARTS = 3, 2


class ConditionError(ValueError):
    """A condition cannot be read; the message says which part of it, and how to write it."""


def parse(text: str) -> AlarmRule:
    """Read a condition.

    Raises
    ------
    ConditionError
        If it cannot be read; names the part that is wrong, and the right form.
    """
    if len(text) > LONGEST_CONDITION:
        raise ConditionError(
            f"the condition has {len(text)} characters, and may have {LONGEST_CONDITION}"
        )
    words = re.sub(r"(<=|>=|==|!=|<|>)", r" \1 ", text).split()
    if not words:
        raise ConditionError(f"the condition is empty; write one of\n{FORMS}")
    for_s = 0.0
    if "for" in words[1:]:
        place = len(words) - 1 - words[::-1].index("for")
        for_s = _duration(words[place + 1 :], "for")
        words = words[:place]
    condition = _form(words)(words)
    if isinstance(condition, SilenceCondition) and not for_s:
        raise ConditionError(f"say for how long, e.g. {condition} for 60s")
    return AlarmRule(condition, for_s)


def seconds(text: str) -> float:
    """Return a time [s] that is written as in conditions, e.g. ``30s`` or ``5 min``.

    Raises
    ------
    ConditionError
        If it is none.
    """
    match = _DURATION.fullmatch("".join(text.split()))
    time_s = math.inf
    if match is not None:
        time_s = float(match[1]) * PERIODS_S[match[2]]
    if not 0 < time_s < math.inf:
        raise ConditionError(f"{text!r} is no time; write e.g. 30s, 5min, 2h or 1d")
    return time_s


def _form(words: Sequence[str]) -> Callable[[Sequence[str]], Condition]:
    if words[0] in _BY_FIRST_WORD:
        return _BY_FIRST_WORD[words[0]]
    if _SIGNS.intersection(words):
        return _value
    if words[1:2] == ["of"]:
        return _operation
    if words[-1] == "silent":
        return _silence
    return _state


def _value(words: Sequence[str]) -> ValueCondition:
    field = _field(words[0])
    if "until" not in words:
        return ValueCondition(field, _bound(words[1:], field))
    place = words.index("until")
    bound = _bound(words[1:place], field)
    until = _bound(words[place + 1 :], "until")
    if {bound.comparison.side, until.comparison.side} != {1, -1}:
        raise ConditionError(
            f"'until {until}' does not end '{bound}'; write it the other way round, "
            f"e.g. {field} > 5 until < 4.5"
        )
    if _overlap(bound, until):
        raise ConditionError(
            f"'until {until}' would end the alarm while '{bound}' still holds; its limit has to be "
            f"on the other side of {bound.limit:g}"
        )
    return ValueCondition(field, bound, until)


def _overlap(bound: Bound, until: Bound) -> bool:
    """Return whether both hold for some value; they look in opposite directions."""
    beyond = (until.limit - bound.limit) * bound.comparison.side
    return beyond > 0 or bool(bound.holds(until.limit) and until.holds(bound.limit))


def _rate(words: Sequence[str]) -> RateCondition:
    form = "write e.g. rate of thermo1.temps.stage > 2 per min over 60s"
    if words[1:2] != ["of"] or "per" not in words[3:]:
        raise ConditionError(f"{' '.join(words)!r} is no rate of change; {form}")
    field = _field(words[2])
    per = words.index("per", 3)
    bound = _bound(words[3:per], field)
    period, rest = " ".join(words[per + 1 : per + 2]), words[per + 2 :]
    if period not in PERIODS_S:
        raise ConditionError(f"'per {period}' is no time{nearest_or_all(period, PERIODS_S)}")
    if not rest:
        return RateCondition(field, bound, period)
    if rest[0] != "over":
        raise ConditionError(f"{' '.join(rest)!r} is not understood; {form}")
    return RateCondition(field, bound, period, _duration(rest[1:], "over"))


def _silence(words: Sequence[str]) -> SilenceCondition:
    if len(words) != len(("FEED", "silent")):
        raise ConditionError(f"{' '.join(words)!r} is not understood; write FEED silent for 60s")
    _names(words[0], most=_FEED_PARTS)
    return SilenceCondition(words[0])


def _state(words: Sequence[str]) -> StateCondition:
    (name,) = _names(words[0], most=1)
    word, negated = _word(words[1:], STATE_WORDS, name)
    return StateCondition(name, word, negated)


def _operation(words: Sequence[str]) -> OperationCondition:
    (operation,) = _names(words[0], most=1)
    (name,) = _names(" ".join(words[2:3]), most=1)
    word, negated = _word(words[3:], OPERATION_WORDS, f"{operation} of {name}")
    return OperationCondition(operation, name, word, negated)


def _recorder(words: Sequence[str]) -> RecorderCondition:
    word, negated = _word(words[1:], RECORDER_WORDS, "recorder")
    return RecorderCondition(word, negated)


def _disk(words: Sequence[str]) -> DiskCondition:
    use = " ".join(words[1:2])
    if use not in DISK_USES:
        raise ConditionError(f"'disk {use}' is no disk of the host{nearest_or_all(use, DISK_USES)}")
    forms = f"write disk {use} free < 5%, or disk {use} full in < 2d"
    match words[2:]:
        case ["free", sign, amount] if sign in _SIGNS and amount.endswith("%"):
            limit = _number(amount.removesuffix("%"), "free")
            if not 0.0 <= limit <= _WHOLE_PERCENT:
                raise ConditionError(f"{amount!r} of a disk cannot be free; write 0% to 100%")
            return DiskCondition(use, "free", Bound(Comparison(sign), limit))
        case ["full", "in", sign, *amount] if sign in _SIGNS:
            return DiskCondition(
                use, "full in", Bound(Comparison(sign), _duration(amount, "full in"))
            )
    raise ConditionError(f"{' '.join(words)!r} is not understood; {forms}")


_BY_FIRST_WORD: Final[Mapping[str, Callable[[Sequence[str]], Condition]]] = {
    "rate": _rate,
    "recorder": _recorder,
    "disk": _disk,
}


def _names(text: str, most: int) -> list[str]:
    parts = text.split(".")
    if len(parts) > most or not all(map(_NAME.fullmatch, parts)):
        forms = ("INSTANCE", "INSTANCE.FEED", "INSTANCE.FEED.FIELD")[:most]
        raise ConditionError(
            f"{text!r} is no name of the form {' or '.join(forms)}; write\n{FORMS}"
        )
    return parts


def _field(text: str) -> str:
    if len(_names(text, most=_FIELD_PARTS)) != _FIELD_PARTS:
        raise ConditionError(f"{text!r} is no field; write INSTANCE.FEED.FIELD")
    return text


def _bound(words: Sequence[str], of: str) -> Bound:
    if len(words) != len((">", "5")) or words[0] not in _SIGNS:
        raise ConditionError(
            f"{' '.join(words)!r} after {of!r} is no comparison with a number; write e.g. > 5"
        )
    return Bound(Comparison(words[0]), _number(words[1], of))


def _number(text: str, of: str) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ConditionError(f"{text!r} after {of!r} is no number; write e.g. 4.5")
    return float(text)


def _duration(words: Sequence[str], of: str) -> float:
    """Return a time [s]; number and unit may stand apart."""
    text = "".join(words)
    try:
        return seconds(text)
    except ConditionError:
        raise ConditionError(
            f"{text!r} after {of!r} is no time; write e.g. 30s, 5min, 2h or 1d"
        ) from None


def _word(words: Sequence[str], known: Sequence[str], of: str) -> tuple[str, bool]:
    """Return a word, and whether ``not`` stands before it."""
    negated = words[:1] == ["not"]
    text = " ".join(words[negated:])
    if text not in known:
        raise ConditionError(f"{of} cannot be {text!r}{nearest_or_all(text, known)}")
    return text, negated
