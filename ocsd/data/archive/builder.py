"""Makes trends in advance, one at a time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from ocsd.data.archive.archive import Archive
from ocsd.data.archive.bounds import FARTHEST_FROM_1970_S
from ocsd.data.archive.tree import Node
from ocsd.errors import OcsdError

_MOST_PROBLEMS: Final = 20
RETRY_AFTER_S: Final = 600.0
"""A file that could not be read may be readable later, without a change of it [s]."""


class _Failure(NamedTuple):
    """A reason why something could not be made, and the time of it [s, monotonic]."""

    reason: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Progress:
    """The trends of a data folder."""

    built: int
    """Number of trends that this builder has made."""
    waiting: int
    """Number of trends that are missing."""
    folder: Path
    """Where they are written."""
    problems: tuple[str, ...]
    """Reasons why files cannot be read or written; the last few."""


class Builder:
    """Makes the trends that are missing, the newest first, in steps of one trend each.

    It has an `Archive` of its own, so it may run in a thread or process beside one that answers.
    Give that thread the lowest priority: a step takes up to some seconds of one core. A folder
    follows its files, and a group its folders.

    Parameters
    ----------
    archive : Archive
        The data folder; nobody else uses this object.
    clock : callable
        Returns a time that never goes back [s].
    """

    def __init__(self, archive: Archive, clock: Callable[[], float] = time.monotonic) -> None:
        self._archive = archive
        self._clock = clock
        self._has_swept = False
        self._waiting: list[Node] = []
        self._failed: dict[tuple[str, str], _Failure] = {}
        self._built = 0

    @property
    def progress(self) -> Progress:
        """The trends so far."""
        problems = [failure.reason for failure in self._failed.values()]
        if self._archive.places.refusal:
            problems.append(self._archive.places.refusal)
        return Progress(
            self._built,
            len(self._waiting),
            self._archive.places.folder,
            tuple(problems[-_MOST_PROBLEMS:]),
        )

    def survey(
        self, since: float = -FARTHEST_FROM_1970_S, until: float = FARTHEST_FROM_1970_S
    ) -> Progress:
        """List what is missing now, of files that can have samples of a time [s, Unix time].

        Raises
        ------
        NoDataError, NotPermittedError, OcsdError
            If the folder cannot be read.
        """
        if not self._has_swept:
            self._has_swept = True
            self._archive.places.sweep()
        self._archive.refresh()
        missing = {(node.name, node.key): node for node in self._archive.missing(since, until)}
        # Those that were mended or removed are missing no more, or have another key.
        again_s = self._clock() - RETRY_AFTER_S
        self._failed = {
            key: failure
            for key, failure in self._failed.items()
            if key in missing and failure.at_s > again_s
        }
        failed = {name for name, _ in self._failed}
        # Files that have no trends of their own are read for that of their folder.
        waiting = [node for node in missing.values() if failed.isdisjoint(_and_folder(node.name))]
        # The last one comes first: the newest file. A folder, whose name is the beginning of the
        # names of its files, comes behind them, and a group behind its folders.
        self._waiting = sorted(waiting, key=lambda node: node.name)
        return self.progress

    def step(self) -> bool:
        """Make one trend; return whether more are missing.

        A file that cannot be read is named in `progress`, and tried again after ten minutes, or
        when it has changed.
        A place that cannot be written ends the work, until the next `survey`.
        """
        if not self._waiting:
            return False
        node = self._waiting.pop()
        try:
            has_one = self._archive.store.sound(lambda: self._archive.store.prepare(node))
        except OcsdError as error:
            self._failed[node.name, node.key] = _Failure(str(error), self._clock())
        else:
            self._built += has_one
        if self._archive.places.refusal:
            self._waiting.clear()
        if not self._waiting:
            self._archive.store.save()
        return bool(self._waiting)


def _and_folder(name: str) -> tuple[str, str]:
    """Return the name of a node and that of its folder."""
    return name, name.partition("/")[0]
