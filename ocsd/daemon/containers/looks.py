"""The containers of this host's compose files, looked at again and again."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ocsd.containers.inspected import Container, ListedContainer
from ocsd.containers.services import ComposeFile
from ocsd.containers.stream import ByteLines, Frames, event, events_query, last_line
from ocsd.daemon.containers.engine import Engine, EngineStream
from ocsd.errors import ContainerEngineError, EngineAwayError

LOOK_PERIOD_S: Final = 2.0
LOOK_SOON_S: Final = 0.05
"""Delay of a look after an event: several events come together [s]."""
IMAGE_PERIOD_S: Final = 30.0
"""Interval of looks at the images [s]."""


@dataclass(eq=False)
class Looks:
    """Looks at the containers; Docker's events say when it is time to look again."""

    log = Logger()

    reactor: Any
    engine: Engine
    files: Callable[[], Sequence[ComposeFile]]
    """Returns the compose files."""
    on_look: Callable[[], None]
    """Called after each look, whether Docker has answered or not."""

    trouble: str = field(default="", init=False)
    """Why Docker did not answer the last time; empty if it did."""
    number: int = field(default=0, init=False)
    """The number of looks that have begun."""
    seen_number: int = field(default=0, init=False)
    """The number of the last look that was answered; 0 if none was."""
    containers: Mapping[str, Container] = field(default_factory=dict, init=False)
    """The container of each service that has one."""
    orphans: Mapping[str, ListedContainer] = field(default_factory=dict, init=False)
    """Containers of services that their compose file does not have any more, by container."""
    died_with: dict[str, int] = field(default_factory=dict, init=False)
    """The last exit code of each container of ours, by Docker's events."""
    images: dict[str, str] = field(default_factory=dict, init=False)
    """The id of each image that a compose file names; empty if it is not on this host."""
    image_of: Mapping[str, str] = field(default_factory=dict, init=False)
    """The id of the image of each service's container."""

    def __post_init__(self) -> None:
        self._looking = False
        self._due: Any = None
        self._marks: dict[str, tuple[str, str, str]] = {}
        self._known: dict[str, Container] = {}
        self._changed: set[str] = set()
        self._events: EngineStream | None = None
        self._lines = ByteLines()
        self._images_s = float("-inf")

    def soon(self, delay_s: float = LOOK_SOON_S) -> None:
        """Look in a moment."""
        if self._due is None or not self._due.active():
            self._due = self.reactor.callLater(delay_s, self._begin)
        elif self._due.getTime() > self.reactor.seconds() + delay_s:
            self._due.reset(delay_s)

    def _begin(self) -> None:
        if self._looking:
            self.soon()
            return
        self._looking = True
        self.number += 1
        Deferred.fromCoroutine(self._look()).addErrback(self._failed).addBoth(self._over)

    def _failed(self, failure: Any) -> None:
        if failure.check(ContainerEngineError) is None:
            self.log.failure("while looking at containers", failure)
        trouble = str(failure.value)
        if trouble != self.trouble:
            self.log.error("{trouble}", trouble=trouble)
        self.trouble = trouble

    def _over(self, _: object) -> None:
        self._looking = False
        self.soon(LOOK_PERIOD_S)
        self.on_look()

    async def _look(self) -> None:
        if self._events is None:
            # Before the list, so that nothing is missed between the two.
            self._listen()
        number, changed, self._changed = self.number, self._changed, set()
        try:
            rows = await self.engine.rows()
            files = {os.path.realpath(file.path): file for file in self.files()}
            ours = list(filter(partial(_files_of, files=files), rows))
            for each in (each for each in ours if self._is_due(each, changed)):
                await self._inspect(each)
        except ContainerEngineError:
            self._changed |= changed
            raise
        self._forget_all_but({each.container_id for each in ours})
        self._sort(ours, files)
        await self._look_at_images(files.values())
        if self.trouble:
            self.log.info("Docker answers again")
        self.trouble, self.seen_number = "", number

    def _is_due(self, row: ListedContainer, changed: set[str]) -> bool:
        return row.container_id in changed or self._marks.get(row.container_id) != row.mark

    async def _inspect(self, row: ListedContainer) -> None:
        try:
            container = await self.engine.container(row.container_id)
            if container is not None and container.status == "exited" and container.exit_code:
                output = await self.engine.tail(row.container_id)
                words = last_line(Frames(container.is_terminal).take(output))
                container = replace(container, last_words=words)
        except EngineAwayError:
            raise
        except ContainerEngineError as error:
            # It is being made or removed just now; the next look shows more.
            self.log.info("{error}", error=error)
            self._changed.add(row.container_id)
            return
        if container is None:
            return
        self._known[row.container_id] = container
        self._marks[row.container_id] = row.mark

    def _forget_all_but(self, present: set[str]) -> None:
        # The end of a container that has gone just now is still to be told.
        told = present | self._known.keys()
        self.died_with = {key: code for key, code in self.died_with.items() if key in told}
        self._known = {key: value for key, value in self._known.items() if key in present}
        self._marks = {key: value for key, value in self._marks.items() if key in present}

    def _sort(self, rows: Sequence[ListedContainer], files: Mapping[str, ComposeFile]) -> None:
        found: dict[str, Container] = {}
        images: dict[str, str] = {}
        orphans: dict[str, ListedContainer] = {}
        for row in rows:
            owner = _files_of(row, files)[0]
            container = self._known.get(row.container_id)
            if row.service not in owner.services:
                if not owner.trouble:
                    orphans[row.container_id] = row
            elif container is not None:
                # Of several, the one that runs.
                other = found.get(row.service)
                if other is None or (container.is_running and not other.is_running):
                    found[row.service], images[row.service] = container, row.image_id
        self.containers, self.orphans, self.image_of = found, orphans, images

    async def _look_at_images(self, files: Any) -> None:
        if self.reactor.seconds() - self._images_s < IMAGE_PERIOD_S:
            return
        self._images_s = self.reactor.seconds()
        names = {each.image for file in files for each in file.services.values() if each.image}
        self.images = {name: await self.engine.image_id(name) for name in sorted(names)}

    def look_at_images(self) -> None:
        """Look at the images as well the next time."""
        self._images_s = float("-inf")

    def _listen(self) -> None:
        if self.engine.endpoint.trouble:
            return
        self._lines = ByteLines()
        self._events = self.engine.follow("/events", events_query(), self._heard, self._deaf)

    def _heard(self, data: bytes) -> None:
        for line in self._lines.take(data):
            container_id, code = event(line)
            if code is not None:
                self.died_with[container_id] = code
            if container_id:
                self._changed.add(container_id)
                self.soon()

    def _deaf(self) -> None:
        """Look at everything once more, when Docker answers again."""
        self._events = None
        self._changed |= set(self._known)


def _files_of(row: ListedContainer, files: Mapping[str, ComposeFile]) -> list[ComposeFile]:
    """Return the compose files of this host from which a container was made."""
    return [files[real] for real in map(os.path.realpath, row.files) if real in files]
