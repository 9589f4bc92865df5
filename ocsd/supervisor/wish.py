"""The target of an instance and the reason for it, decided in one place for all who ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle

LEFT = "left the site file"
MANAGED_DOWN = "manage is down in the site file"
WITH_ALL = ", with all"
"""Ends the person of a request that was made for all instances of a host."""

NOT_LAUNCHED = "the daemon waits for its fork server"


class Cause(Enum):
    """The authority that decides on a target."""

    SITE_FILE = auto()
    OPERATOR = auto()
    ENDED = auto()
    """The instance has ended, and its ``restart`` allows no other start."""
    LEFT = auto()
    """The site file does not list the instance any more."""
    LAUNCH = auto()
    """Nothing is started yet."""


@dataclass(frozen=True, slots=True)
class Word:
    """The last request of an operator, as long as it holds.

    `by` is the person who asked, `when` the time in words; both are empty in old files.
    """

    target: Target
    by: str = ""
    when: str = ""

    @property
    def is_put_down(self) -> bool:
        """Whether somebody has put down this instance, and not all of them."""
        return self.target is Target.DOWN and not self.by.endswith(WITH_ALL)


@dataclass(frozen=True, slots=True)
class JobEnd:
    """The end of a job, which its ``restart`` does not start again."""

    target: Target
    """The target afterwards: down for a job that is done, up for one that has failed."""
    reason: str
    """The end, in words."""
    at: float
    """When [s, Unix time]."""
    entry: Mapping[str, Any]
    """Its entry in the site file."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The target of an instance, and the cause that decides on it.

    `reason` says why the instance does not run; it is empty if nothing keeps it from running.
    """

    target: Target
    cause: Cause
    reason: str = ""

    def why_down(self, life: Lifecycle) -> str:
        """Return why an instance is down that the site file wants up; empty if it is not.

        The state of one that has ended, or left the site file, has its reason already.
        """
        explains = self.cause in {Cause.OPERATOR, Cause.LAUNCH}
        return self.reason * (explains and life.state is State.DOWN)


def wish(
    instance_id: str,
    managed: Target,
    word: Word | None = None,
    end: JobEnd | None = None,
    *,
    left: bool = False,
    launched: bool = True,
) -> Wish:
    """Return the target of an instance, or of the router.

    Parameters
    ----------
    instance_id, managed : str, Target
        The instance, and its target by the site file.
    word : Word, optional
        The last request of an operator, if it still holds.
    end : JobEnd, optional
        The end of a job, if its entry has not changed since.
    left, launched : bool
        Whether it has left the site file; whether instances may be started already.
    """
    if left:
        return Wish(Target.DOWN, Cause.LEFT, LEFT)
    if end is not None and end.target is Target.DOWN:
        return Wish(Target.DOWN, Cause.ENDED, end.reason)
    cause, target = (Cause.OPERATOR, word.target) if word else (Cause.SITE_FILE, managed)
    if target is Target.DOWN:
        if managed is Target.DOWN:
            return Wish(target, Cause.SITE_FILE, MANAGED_DOWN)
        return Wish(target, cause, _put_down(instance_id, word or Word(target)))
    if end is not None:
        return Wish(target, Cause.ENDED, end.reason)
    if not launched:
        return Wish(target, Cause.LAUNCH, NOT_LAUNCHED)
    return Wish(target, cause)


def _put_down(instance_id: str, word: Word) -> str:
    put_down = " on ".join(filter(None, ("put down", word.when)))
    return f"{put_down} by {word.by or 'an operator'}; `ocsd up {instance_id}` starts it"
