"""A host before a roll-out: what it runs, and what the new site file would do there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

MOVING: Final = ("starts", "restarts", "ends")
"""The effects of a reload that are felt, in the words of the control API."""


class Standing(StrEnum):
    """A host beside the new site file."""

    AWAY = "away"
    """It cannot be asked, or does not let this person ask."""
    REFUSES = "refuses"
    """It would not take the file."""
    BEHIND = "behind"
    """It runs another file, or another version of ocsd."""
    UP_TO_DATE = "up to date"
    """It runs this file."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A host as it was seen, without changing anything there."""

    host: str
    away: str = ""
    """Why it cannot be asked; empty if it answers."""
    refusal: str = ""
    """Why it would not take the new file; empty if it would."""
    version: str = ""
    """The version of ocsd that its daemon runs."""
    installed: str = ""
    """The version that it would run after an upgrade; empty if that was not asked for."""
    new_code: bool = False
    """Whether its code was changed on the disk since its daemon was started."""
    file_digest: str = ""
    """The digest of its site file."""
    used_digest: str = ""
    """The digest of the site file that its daemon uses; empty if an old daemon does not tell."""
    change: Mapping[str, Any] = field(default_factory=dict)
    """The changes that the new file would make, as its daemon foresees them."""
    runs_router: bool = False
    """Whether the site's router runs there."""
    trouble: str = ""
    """The trouble of its daemon itself, e.g. that another daemon has the same host."""

    @property
    def moves(self) -> Mapping[str, str]:
        """The effect on each instance that would start, restart or end."""
        effects = self.change.get("effects") or {}
        return {name: effect for name, effect in effects.items() if effect in MOVING}

    @property
    def upgrades(self) -> bool:
        """Whether an upgrade would give it other code."""
        return self.installed != "" and (self.installed != self.version or self.new_code)

    def standing(self, digest: str) -> Standing:
        """Return how it stands beside the file of this digest."""
        if self.away:
            return Standing.AWAY
        if self.refusal:
            return Standing.REFUSES
        if self.upgrades or self.file_digest != digest or self._uses_another(digest):
            return Standing.BEHIND
        return Standing.UP_TO_DATE

    def _uses_another(self, digest: str) -> bool:
        return self.used_digest not in {"", digest} or bool(self.moves)

    def can_go_back(self, digest: str) -> bool:
        """Return whether it used another file than the one of this digest."""
        return (self.used_digest or self.file_digest) != digest

    def file_words(self, digest: str) -> str:
        """Say which version of the file it has and uses, beside the one of this digest."""
        has, uses = (_named(each, digest) for each in (self.file_digest, self.used_digest))
        if not self.used_digest or has == uses:
            return has
        return f"{has}, not in use; in use: {uses}"


def short(digest: str) -> str:
    """Return the beginning of a digest, which is enough for people."""
    return digest[:12]


def _named(digest: str, new: str) -> str:
    if digest == new:
        return "this one"
    return short(digest) or "unknown"


def obstacles(sights: Sequence[Sight], digest: str) -> Iterator[str]:
    """Yield the reasons why a roll-out must not begin on any host: what refuses the file."""
    for sight in sights:
        if sight.standing(digest) is Standing.REFUSES:
            yield f"{sight.host}: {sight.refusal}"
