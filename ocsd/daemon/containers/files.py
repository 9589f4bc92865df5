"""The compose files of this host, as docker compose reads them."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ocsd.containers.services import ComposeFile, services, whole_cause
from ocsd.daemon.containers.commands import Command, compose_words
from ocsd.errors import ContainerEngineError
from ocsd.site.compose import ComposeOptions
from ocsd.text.reason import shortened

READ_LIMIT_S: Final = 60.0
"""Time in which docker compose has to read a file [s]."""

Print = tuple[tuple[int, int], ...]
"""Size and time of change of a compose file and of the ``.env`` beside it."""


@dataclass(eq=False)
class ComposeFiles:
    """Reads each compose file again when it has changed."""

    log = Logger()

    reactor: Any
    folder: Path
    """The working directory, from which relative paths start."""
    options: ComposeOptions
    on_change: Callable[[], None]
    """Called when a file has been read."""
    read_at: dict[str, float] = field(default_factory=dict, init=False)
    """When each file was read [s, Unix time]."""

    def __post_init__(self) -> None:
        self._files: dict[str, ComposeFile] = {}
        self._prints: dict[str, Print] = {}
        self._reading: dict[str, Command] = {}

    @property
    def paths(self) -> list[str]:
        """The whole paths of the compose files."""
        whole = (self.folder / Path(each).expanduser() for each in self.options.files)
        return list(dict.fromkeys(os.path.abspath(each) for each in whole))

    def all(self) -> Sequence[ComposeFile]:
        """Return the files in their order, as far as they were read."""
        return [self._files[path] for path in self.paths if path in self._files]

    @property
    def are_read(self) -> bool:
        """Whether each file was read at least once."""
        return all(path in self._files for path in self.paths)

    def command(self, path: str, *words: str, limit_s: float) -> Command:
        """Run docker compose with a file.

        Raises
        ------
        ContainerEngineError
            If it cannot be run.
        """
        compose = compose_words(self.options.binary, self.folder)
        return Command(self.reactor, [*compose, "-f", path, *words], self.folder, limit_s)

    def forget(self) -> None:
        """Read all files again in the next round, because somebody asks for a reload."""
        self._prints = {}

    def round(self) -> None:
        """Read what has changed."""
        for path in self.paths:
            now = _print(path)
            if path not in self._reading and self._prints.get(path) != now:
                self._prints[path] = now
                self._read(path)

    def _read(self, path: str) -> None:
        if not os.access(path, os.R_OK):
            why = "cannot be read" if os.path.exists(path) else "there is no such file"
            self._took(path, (1, "", f"{why}; put it there, or correct --docker-compose"))
            return
        try:
            command = self.command(path, "config", limit_s=READ_LIMIT_S)
        except ContainerEngineError as error:
            self._took(path, (1, "", str(error)))
            return
        self._reading[path] = command
        done: Deferred[tuple[int, str, str]] = command.done
        done.addCallback(partial(self._took, path))
        done.addErrback(lambda failure: self.log.failure("while reading a compose file", failure))

    def _took(self, path: str, result: tuple[int, str, str]) -> None:
        code, printed, said = result
        self._reading.pop(path, None)
        before = self._files.get(path, ComposeFile(path, {}))
        self.read_at[path] = time.time()
        try:
            if code:
                raise ValueError(shortened(whole_cause(said or printed)))
            after = ComposeFile(path, services(printed, path))
        except ValueError as error:
            after = replace(before, trouble=str(error))
            self.log.error("{path}: {error}", path=path, error=error)
        self._files[path] = after
        if after != before or not before.services:
            self.on_change()


def _print(path: str) -> Print:
    found: list[tuple[int, int]] = []
    for each in (path, os.path.join(os.path.dirname(path), ".env")):
        try:
            state = os.stat(each)
            found.append((state.st_size, state.st_mtime_ns))
        except OSError:
            found.append((-1, 0))
    return tuple(found)
