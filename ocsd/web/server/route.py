"""One request that the API answers: its path, parameters, answer, and the function behind it.

The same table routes requests, reads their parameters, and makes the OpenAPI document.
"""

import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ocsd.errors import UsageError
from ocsd.text.nearest import did_you_mean
from ocsd.web.login.viewer import Viewer

JSON, EVENTS, LINES = "application/json", "text/event-stream", "application/x-ndjson"
PLAIN_TEXT: Final = "text/plain"
MOST_VALUES: Final = 200
"""Number of values of one parameter, at most."""
LONGEST_PARAMETER: Final = 1000
"""Length of a value, at most [characters]."""

Schema = Mapping[str, Any]
"""A schema of JSON (json-schema.org, 2020-12)."""


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter in the query of a request."""

    name: str
    kind: str
    """``text``, ``number``, ``count``, or ``choice``."""
    help: str
    default: Any = None
    required: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None

    def read(self, texts: Sequence[str]) -> Any:
        """Return the value, or a list of values, that a query has under this name.

        Raises
        ------
        UsageError
            If it is not such a value.
        """
        if len(texts) > (MOST_VALUES if self.many else 1):
            limit = f"at most {MOST_VALUES} times" if self.many else "once"
            raise UsageError(f"{self.name} is given {len(texts)} times; give it {limit}")
        if not texts:
            if self.required:
                raise UsageError(f"the parameter {self.name} is missing: {self.help}")
            return [] if self.many else self.default
        values = [self._value(text) for text in texts]
        return values if self.many else values[0]

    def _value(self, text: str) -> Any:
        if len(text) > LONGEST_PARAMETER:
            raise UsageError(
                f"{self.name} has {len(text)} characters, and may have {LONGEST_PARAMETER}"
            )
        if self.kind == "choice" and text not in self.choices:
            near = did_you_mean(text, self.choices)
            raise UsageError(f"{self.name} is {text!r}, not one of {', '.join(self.choices)}{near}")
        if self.kind not in {"number", "count"}:
            return text
        return self._number(text)

    def _number(self, text: str) -> float:
        try:
            value: float = int(text) if self.kind == "count" else float(text)
            is_finite = math.isfinite(value)
        except OverflowError:  # an integer that no float can hold
            is_finite = False
        except ValueError:
            what = "a whole number" if self.kind == "count" else "a number"
            raise UsageError(f"{self.name} is {text!r}, not {what}") from None
        if not is_finite:
            raise UsageError(f"{self.name} is {text[:40]!r}, not a finite number")
        if self.least is not None and value < self.least:
            raise UsageError(f"{self.name} is {value:g}; it has to be {self.least:g} at least")
        if self.most is not None and value > self.most:
            raise UsageError(f"{self.name} is {value:g}; it may be {self.most:g} at most")
        return value

    def schema(self) -> dict[str, Any]:
        """Return the schema of a value, or of the list of values."""
        one: dict[str, Any] = {"type": "string", "maxLength": LONGEST_PARAMETER}
        if self.kind in {"number", "count"}:
            one = {"type": "integer" if self.kind == "count" else "number"}
            limits = {"minimum": self.least, "maximum": self.most}
            one |= {key: value for key, value in limits.items() if value is not None}
        if self.choices:
            one = {"type": "string", "enum": list(self.choices)}
        if self.many:
            return {"type": "array", "items": one, "maxItems": MOST_VALUES}
        if self.default is not None:
            one["default"] = self.default
        return one


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has been read."""

    request: Any
    """Twisted's request."""
    names: Mapping[str, str] = field(default_factory=dict)
    """The names in its path."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """The parameters in its query, with defaults."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """The object that it posts."""
    viewer: Viewer = field(default_factory=Viewer)
    """The client."""

    @property
    def who(self) -> str:
        """The client, for the history."""
        return self.viewer.words


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """A request that the API answers."""

    method: str
    path: str
    """Below ``/api/v1/``; a name in braces stands for one piece."""
    summary: str
    handler: Handler
    """Returns the answer, or writes it and returns None."""
    answer: Schema = field(default_factory=dict)
    """The schema of the answer, or of each object in its stream."""
    kind: str = JSON
    """Media type of the answer."""
    params: tuple[Param, ...] = ()
    body: Schema | None = None
    refusals: tuple[int, ...] = (400,)
    """Statuses of HTTP with which it may be refused."""
    events: Mapping[str, str] = field(default_factory=dict)
    """The kinds of events of its stream, each with its meaning."""
    role: str | None = "viewer"
    """The least role of a person on a closed site; None: nobody has to be logged in."""

    @property
    def pieces(self) -> tuple[str, ...]:
        """The pieces of its path."""
        return tuple(self.path.split("/"))

    @property
    def names(self) -> tuple[str, ...]:
        """The names in its path."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def is_change(self) -> bool:
        """Whether it changes something that runs."""
        return self.role not in {None, "viewer"}

    def asked_for(self, names: Mapping[str, str]) -> tuple[str, str]:
        """Return action and target for the audit journal, e.g. ``start`` and ``thermo1.acq``."""
        action = names.get("action", self.pieces[-1])
        return action, ".".join(names[key] for key in ("name", "operation") if key in names)

    def match(self, pieces: Sequence[str]) -> dict[str, str] | None:
        """Return the names in a path of these pieces; None if it is another path."""
        if len(pieces) != len(self.pieces):
            return None
        names: dict[str, str] = {}
        for own, given in zip(self.pieces, pieces, strict=True):
            if own.startswith("{"):
                names[own[1:-1]] = given
            elif own != given:
                return None
        return names

    def read(self, query: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Return the parameters of a query.

        Raises
        ------
        UsageError
            If one is unknown, missing or wrong.
        """
        known = [each.name for each in self.params]
        for name in query:
            if name not in known:
                near = did_you_mean(name, known) or f"; there are {', '.join(known) or 'none'}"
                raise UsageError(f"unknown parameter {name!r}{near}")
        return {each.name: each.read(query.get(each.name, ())) for each in self.params}
