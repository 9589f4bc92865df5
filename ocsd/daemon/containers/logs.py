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

from ocsd.containers.inspected import Container
from ocsd.containers.stream import Frames, LogLines, logs_query
from ocsd.daemon.containers.engine import Engine, EngineStream
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
        lines = self._lines.take(self._frames.take(data))
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

    engine: Engine
    _streams: dict[str, EngineStream] = field(default_factory=dict, init=False)
    _done: dict[str, tuple[str, str]] = field(default_factory=dict, init=False)

    def follow(self, containers: Mapping[Path, Container]) -> None:
        """Copy the output of these containers, by the paths of the logs."""
        for path, container in containers.items():
            name = str(path)
            is_over = not container.is_running and self._done.get(name) == container.run
            if name in self._streams or is_over or not container.started_at:
                continue
            copy = LogCopy(path, container.is_terminal)
            if not container.is_running:
                # Only then is this its whole output: Docker may end a stream before.
                self._done[name] = container.run
            self._streams[name] = self.engine.follow(
                f"/containers/{container.container_id}/logs",
                logs_query(copy.after_ns),
                copy.take,
                partial(self._ended, name),
            )

    def _ended(self, name: str) -> None:
        self._streams.pop(name, None)
