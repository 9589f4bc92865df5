"""Ends containers, at the pace that their compose file allows."""

import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ocsd.containers.inspected import Container
from ocsd.daemon.containers.engine import Engine
from ocsd.errors import ContainerEngineError, EngineAwayError

EXTRA_S: Final = 10.0
"""Time that Docker has beyond ``stop_grace_period`` to end a container [s]."""

_GENTLE: Final = {signal.SIGINT, signal.SIGQUIT}
"""The first rungs of the ladders of a stop: here, Docker's own ladder."""


@dataclass(eq=False)
class Stops:
    """Has Docker end containers and remove them."""

    log = Logger()

    reactor: Any
    engine: Engine
    last_output: Callable[[str, Container], Awaitable[None]]
    """Called with an instance and its container, which has ended, before that is removed."""
    on_end: Callable[[], None]
    """Called when a stop is over."""

    under_way: dict[str, float] = field(default_factory=dict, init=False)
    """The instances that are being ended, each with the time by which that is over [s]."""
    owed: dict[str, Container] = field(default_factory=dict, init=False)
    """The containers that Docker was asked to end in vain, by instance."""

    def takes_its_time(self, instance_id: str) -> bool:
        """Whether an instance still has time to end by itself, or does not know that it should."""
        is_late = self.under_way.get(instance_id, float("-inf")) <= self.reactor.seconds()
        return not is_late or instance_id in self.owed

    def catch_up(self) -> None:
        """Ask again for what Docker did not do: it answers."""
        owed, self.owed = self.owed, {}
        for instance_id, container in owed.items():
            self.signal(instance_id, container, signal.SIGINT)

    def signal(self, instance_id: str, container: Container, number: int) -> None:
        """Take one rung of the ladder of a stop."""
        if number in _GENTLE:
            if instance_id not in self.under_way:
                limit_s = container.stop_limit_s + EXTRA_S
                self.under_way[instance_id] = self.reactor.seconds() + limit_s
                self._do(instance_id, self._stop(instance_id, container, limit_s))
            return
        self._do(instance_id, self._force(instance_id, container, signal.Signals(number).name))

    def _do(self, instance_id: str, work: Any) -> None:
        def failed(failure: Any) -> None:
            failure.trap(ContainerEngineError)
            self.log.error("{name}: {error}", name=instance_id, error=failure.value)

        def over(_: object) -> None:
            self.under_way.pop(instance_id, None)
            self.on_end()

        done = Deferred.fromCoroutine(work).addErrback(failed).addBoth(over)
        done.addErrback(lambda failure: self.log.failure("while ending a container", failure))

    async def _stop(self, instance_id: str, container: Container, limit_s: float) -> None:
        try:
            await self.engine.stop(container.container_id, limit_s)
            await self._remove(instance_id, container)
        except EngineAwayError:
            self.owed[instance_id] = container
            raise

    async def _force(self, instance_id: str, container: Container, signal_name: str) -> None:
        await self.engine.kill(container.container_id, signal_name)
        if signal_name == signal.SIGKILL.name:
            await self._remove(instance_id, container)

    async def _remove(self, instance_id: str, container: Container) -> None:
        await self.last_output(instance_id, container)
        await self.engine.remove(container.container_id)
