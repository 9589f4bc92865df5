"""The latest value of each field that agents publish, from the lines of `ocsd listen --json`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a field in its newest sample."""

    agent: str
    feed: str
    field: str
    value: Any
    at: float
    """The time of the sample [Unix s]."""
    units: str = ""
    label: str = ""
    """As its agent declares them; empty if it declares none."""

    @property
    def name(self) -> str:
        """Agent, feed and field, e.g. ``thermo1.temperatures.channel_00``."""
        return f"{self.agent}.{self.feed}.{self.field}"


class LatestValues:
    """Keeps the newest value of each field that one of the patterns names.

    A pattern is an agent, AGENT.FEED, AGENT.FEED.FIELD or a field; ``*``, ``?`` and ``[…]`` stand
    for other characters, as in a shell. Without patterns all fields are kept.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._patterns = tuple(patterns)
        self._values: dict[str, Value] = {}

    def take(self, line: Mapping[str, Any]) -> None:
        """Take in a message of a recorded feed; anything else is left out."""
        for value in _values(line):
            before = self._values.get(value.name)
            newer = before is None or before.at <= value.at
            if newer and self._is_named(value):
                self._values[value.name] = value

    def sorted(self) -> list[Value]:
        """Return the values in the order of their names."""
        return [self._values[name] for name in sorted(self._values)]

    def _is_named(self, value: Value) -> bool:
        names = (value.agent, f"{value.agent}.{value.feed}", value.name, value.field)
        return not self._patterns or any(
            fnmatchcase(name, pattern) for name in names for pattern in self._patterns
        )


def _values(line: Mapping[str, Any]) -> Iterator[Value]:
    """Yield the fields of the newest sample of each block of a message."""
    info, message = line.get("feed_info"), line.get("message")
    if not isinstance(info, Mapping) or not info.get("record") or not isinstance(message, Mapping):
        return
    agent = str(info.get("agent_address", "?")).rpartition(".")[2]
    feed = str(info.get("feed_name", "?"))
    units, labels = _texts(info, "units"), _texts(info, "labels")
    for block in message.values():
        try:
            at = float(block["timestamps"][-1])
            newest = {field: samples[-1] for field, samples in block["data"].items()}
        except (KeyError, TypeError, IndexError, AttributeError, ValueError):
            continue  # `ocsd listen` shows what is wrong with it
        for field, value in newest.items():
            about = (str(texts.get(field, "")) for texts in (units, labels))
            yield Value(agent, feed, str(field), value, at, *about)


def _texts(info: Mapping[str, Any], key: str) -> Mapping[Any, Any]:
    texts = info.get(key)
    if isinstance(texts, Mapping):
        return texts
    return {}
