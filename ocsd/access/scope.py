"""The agents to which a rule of access applies, by patterns of class and instance-id.

A pattern is a list of shell patterns (`fnmatch`), separated by commas. It fits a name if one
of them does, or if there are none, and none of those that begin with ``!`` does.
"""

from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any, Final, NamedTuple

SCOPE_KEYS: Final = ("default", "agent_class", "instance_id")


class AccessTarget(NamedTuple):
    """The agent that a client wants to use."""

    agent_class: str
    instance_id: str


class Pattern(NamedTuple):
    """A pattern of names."""

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Pattern":
        """Return the pattern that a text describes, e.g. ``"Fake*,!FakeDataAgent"``."""
        parts = text.split(",")
        return cls(
            tuple(part for part in parts if part and not part.startswith("!")),
            tuple(part[1:] for part in parts if part.startswith("!") and part != "!"),
        )

    def fits(self, name: str) -> bool:
        """Return whether a name fits."""
        if any(fnmatch(name, part) for part in self.unwanted):
            return False
        return not self.wanted or any(fnmatch(name, part) for part in self.wanted)


class Scope(NamedTuple):
    """The agents to which a rule applies: all, or those that fit each given pattern."""

    default: bool = False
    agent_class: str | None = None
    instance_id: str | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Scope":
        """Return the scope that a mapping describes.

        Raises
        ------
        ValueError
            If a value has the wrong type.
        """
        default = data.get("default") or False
        if not isinstance(default, bool):
            raise ValueError(f"default is {default!r}; it can be true or false")
        patterns = {key: data.get(key) for key in SCOPE_KEYS[1:]}
        for key, pattern in patterns.items():
            if pattern is not None and not isinstance(pattern, str):
                raise ValueError(f"{key} is {pattern!r}, not a text such as 'Fake*,!FakeDataAgent'")
        return cls(default, **patterns)

    def covers(self, target: AccessTarget) -> bool:
        """Return whether the rule applies to an agent; one without patterns applies to none."""
        if self.default:
            return True
        pairs = ((self.agent_class, target.agent_class), (self.instance_id, target.instance_id))
        given = [(pattern, name) for pattern, name in pairs if pattern is not None]
        return bool(given) and all(Pattern.of(pattern).fits(name) for pattern, name in given)

    @property
    def specificity(self) -> int:
        """Rank of the rule among others that cover an agent: the special ones are higher.

        8 and 4 for wanted instance-ids and classes, 2 and 1 for unwanted ones, added up; 0 for
        a default, and -1 for a rule that applies to no agent.
        """
        if self.default:
            return 0
        total = 0
        for text, wanted, unwanted in ((self.instance_id, 8, 2), (self.agent_class, 4, 1)):
            pattern = Pattern.of(text or "")
            total += wanted * bool(pattern.wanted) + unwanted * bool(pattern.unwanted)
        return total or -1

    def as_json(self) -> dict[str, Any]:
        """Return it as it goes over the wire."""
        return self._asdict()
