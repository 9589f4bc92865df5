"""Copies the output of containers into the logs of their instances.

Thereby `ocsd logs` works as for all instances, and the log outlives the container. The time of
change of the file is the stamp of its last line (`ocsd.containers.stream.LogLines`): the next
daemon goes on exactly there.
"""

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from ocsd.containers.inspected import Container
from ocsd.containers.stream import Frames, LogLines, logs_query
from ocsd.daemon.containers.engine import Engine, EngineStream
from ocsd.errors import ContainerEngineError
from ocsd.log.file import LOG_FILE_LIMIT_BYTES, OLDER_FILES, numbered, shift

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


@dataclass(eq=False)
class LogCopy:
    """Appends the output of one run of a container to a file."""

    path: Path
    is_terminal: bool

    def __post_init__(self) -> None:
        after_ns = 0
        with contextlib.suppress(OSError):
            # The clock may have been set back since then.
            after_ns = min(self.path.stat().st_mtime_ns, time.time_ns())
        self._lines = LogLines(after_ns)
        self._frames = Frames(self.is_terminal)

    @property
    def after_ns(self) -> int:
        """The stamp of the last line [ns]."""
        return self._lines.after_ns

    def take(self, data: bytes) -> None:
        """Append the lines that `data` completes; a disk that takes nothing loses them."""
        self._append(self._lines.take(self._frames.take(data)))

    def end(self) -> None:
        """Append what came without the end of a line: this was the whole output."""
        self._append(self._lines.rest())

    def _append(self, lines: list[bytes]) -> None:
        if not lines:
            return
        with contextlib.suppress(OSError):
            self._rotate()
            descriptor = os.open(self.path, _FLAGS, 0o644)
            try:
                os.write(descriptor, b"".join(lines))
                os.utime(descriptor, ns=(self.after_ns, self.after_ns))
            finally:
                os.close(descriptor)

    def _rotate(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_size >= LOG_FILE_LIMIT_BYTES:
                shift(self.path, OLDER_FILES)
                self.path.replace(numbered(self.path, 1))


@dataclass(eq=False)
class ContainerLogs:
    """Copies the output of each container that has run since the last look."""

    log = Logger()

    engine: Engine
    _streams: dict[str, EngineStream] = field(default_factory=dict, init=False)
    _done: dict[str, tuple[str, str]] = field(default_factory=dict, init=False)
    _ending: set[str] = field(default_factory=set, init=False)

    def follow(self, containers: Mapping[Path, Container]) -> None:
        """Copy the output of these containers, by the paths of the logs."""
        for path, container in containers.items():
            name = str(path)
            is_over = not container.is_running and self._done.get(name) == container.run
            if name in self._streams or name in self._ending or is_over or not container.started_at:
                continue
            copy = LogCopy(path, container.is_terminal)
            # Only then is this its whole output: Docker may end a stream before.
            is_whole = not container.is_running
            if is_whole:
                self._done[name] = container.run
            self._streams[name] = self.engine.follow(
                f"/containers/{container.container_id}/logs",
                logs_query(copy.after_ns, follow=True),
                copy.take,
                partial(self._ended, name, copy, is_whole),
            )

    async def finish(self, path: Path, container: Container) -> None:
        """Copy what is left of the output of a container that has ended and is to be removed."""
        name = str(path)
        if (stream := self._streams.pop(name, None)) is not None:
            stream.leave()
        copy = LogCopy(path, container.is_terminal)
        self._ending.add(name)
        try:
            query = logs_query(copy.after_ns, follow=False)
            copy.take(await self.engine.output(container.container_id, query))
            copy.end()
            self._done[name] = container.run
        except ContainerEngineError as error:
            self.log.error("the last output of {path}: {error}", path=path, error=error)
        finally:
            self._ending.discard(name)

    def _ended(self, name: str, copy: LogCopy, is_whole: bool) -> None:
        self._streams.pop(name, None)
        if is_whole:
            copy.end()
