"""The names of a new agent, all derived from the one that its author gives."""

import re
from dataclasses import dataclass

from ocsd.errors import UsageError

LONGEST_NAME = 30
"""Longest name [characters]: with it, no line of the files that are made is too long."""

_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*")
_SUFFIX = re.compile(r"[-_]?agent$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Names:
    """The names in the files of a new agent."""

    name: str
    """As it was given, e.g. ``pressure-gauge``."""
    package: str
    """The Python package, e.g. ``pressure_gauge_agent``."""
    agent: str
    """The agent class, e.g. ``PressureGaugeAgent``."""
    instance: str
    """The instance-id of the first one, e.g. ``pressure-gauge1``."""

    @property
    def distribution(self) -> str:
        """The name that pip knows."""
        return self.package.replace("_", "-")


def names_of(name: str) -> Names:
    """Return the names of a new agent.

    All end with "agent": that keeps them apart from Python's own words and modules,
    such as ``class`` and ``serial``.

    Raises
    ------
    UsageError
        If no agent can have this name.
    """
    if _PATTERN.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} cannot be the name of an agent: it begins with a letter and has letters "
            "and digits, with single '-' or '_' between them, e.g. pressure-gauge2"
        )
    if len(name) > LONGEST_NAME:
        raise UsageError(f"{name!r} has {len(name)} letters, and at most {LONGEST_NAME} are read")
    stem = _SUFFIX.sub("", name)
    if not stem:
        raise UsageError(f"{name!r} says nothing of the device; name that, e.g. pressure-gauge")
    words = re.split("[-_]", stem)
    instance = "-".join(words).lower()
    if instance[-1].isdigit():
        instance += "-"
    return Names(
        name=name,
        package="_".join([*words, "agent"]).lower(),
        agent="".join(word[0].upper() + word[1:] for word in [*words, "agent"]),
        instance=f"{instance}1",
    )
