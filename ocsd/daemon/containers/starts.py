"""Brings containers up with docker compose."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ocsd.containers.services import Service, first_cause
from ocsd.daemon.containers.commands import Command
from ocsd.daemon.containers.engine import Engine
from ocsd.daemon.containers.files import ComposeFiles
from ocsd.errors import ContainerEngineError
from ocsd.text.reason import shortened

UP_LIMIT_S: Final = 900.0
"""Time in which docker compose has to bring a service up, images of its own built [s]."""
STARTS_GATHER_S: Final = 0.2
"""Time in which services are gathered for one call of docker compose [s]."""
PULL_LIMIT_S: Final = 3600.0


@dataclass(eq=False)
class Starts:
    """Runs ``docker compose up``: one at a time for a file, for all services that wait then.

    Images are pulled before that, each by itself, so that a slow registry delays one service only.
    """

    log = Logger()

    engine: Engine
    files: ComposeFiles
    on_end: Callable[[str, str], None]
    """Takes the instance and why it was not brought up; empty if it was."""

    def __post_init__(self) -> None:
        self._pulling: dict[str, Command | None] = {}
        self._waiting: dict[str, Service] = {}
        self._up: dict[str, tuple[dict[str, Service], Command]] = {}
        self._alone: set[str] = set()

    doing: dict[str, str] = field(default_factory=dict, init=False)
    """The present step of each instance that is on its way up, in words."""

    def start(self, instance_id: str, service: Service) -> None:
        """Bring the service of an instance up."""
        self.doing[instance_id] = "is being started by docker compose"
        work = Deferred.fromCoroutine(self._start(instance_id, service))
        work.addErrback(self._failed, instance_id)

    def withdraw(self, instance_id: str) -> None:
        """End the wait for an image or for docker compose, as far as it is for one service."""
        if self._waiting.pop(instance_id, None) is not None:
            self._over(instance_id, "it was put down before it was started")
            return
        command = self._pulling.get(instance_id)
        for members, up in self._up.values():
            if list(members) == [instance_id]:
                command = up
        if command is not None:
            command.kill()

    def _failed(self, failure: Any, instance_id: str) -> None:
        if failure.check(ContainerEngineError) is None:
            self.log.failure("while starting {name}", failure, name=instance_id)
        self._over(instance_id, str(failure.value))

    def _over(self, instance_id: str, why: str) -> None:
        self.doing.pop(instance_id, None)
        self.on_end(instance_id, why)

    async def _start(self, instance_id: str, service: Service) -> None:
        if service.image and not service.is_built:
            await self._pull(instance_id, service)
        self._waiting[instance_id] = service
        self.files.reactor.callLater(STARTS_GATHER_S, self._next, service.file)

    async def _pull(self, instance_id: str, service: Service) -> None:
        """Bring the image of a service to this host, if it is not there."""
        if await self.engine.image_id(service.image):
            return
        self.doing[instance_id] = f"waits for image {service.image}, which is being pulled"
        command = self.files.command(service.file, "pull", service.name, limit_s=PULL_LIMIT_S)
        self._pulling[instance_id] = command
        try:
            _, printed, said = await command.done
        finally:
            self._pulling.pop(instance_id, None)
        if await self.engine.image_id(service.image):
            return
        raise ContainerEngineError(
            f"image {service.image} cannot be pulled: {shortened(first_cause(said or printed))}; "
            f"correct it in {service.file}, log in to its registry, or build it on this host"
        )

    def _next(self, path: str) -> None:
        """Bring up all that wait for this file, unless docker compose works on it."""
        if path in self._up:
            return
        members = self._taken(path)
        if not members:
            return
        names = [each.name for each in members.values()]
        try:
            command = self.files.command(path, "up", "-d", *names, limit_s=UP_LIMIT_S)
        except ContainerEngineError as error:
            for instance_id in members:
                self._over(instance_id, str(error))
            return
        self._up[path] = (members, command)
        command.done.addCallback(self._came, path)
        command.done.addErrback(lambda failure: self.log.failure("while starting", failure))

    def _taken(self, path: str) -> dict[str, Service]:
        """Return those that are next for this file: all, or one that is to be tried alone."""
        waiting = {key: each for key, each in self._waiting.items() if each.file == path}
        members = dict(list(waiting.items())[:1])
        if not self._alone.intersection(members):
            members = {key: each for key, each in waiting.items() if key not in self._alone}
        for instance_id in members:
            del self._waiting[instance_id]
        self._alone -= members.keys()
        return members

    def _came(self, result: tuple[int, str, str], path: str) -> None:
        code, printed, said = result
        members, command = self._up.pop(path)
        why = ""
        if code and command.was_killed:
            why = "docker compose up was ended before it was done"
        elif code:
            why = f"docker compose up failed: {shortened(first_cause(said or printed))}"
        if why and len(members) > 1:
            # One of them may be at fault; the others must not suffer for that.
            self._waiting |= members
            self._alone |= members.keys()
        else:
            for instance_id in members:
                self._over(instance_id, why)
        self._next(path)
