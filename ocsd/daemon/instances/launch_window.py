"""The window through which instances start: in order, a few at the same time."""

from collections.abc import Callable
from functools import partial

from ocsd.daemon.instances.ports import Clock, Launcher, Timer

ROOM = 64
"""Starts at the same time: few enough for a small machine and for the router's time limits."""

LONGEST_STAY_S = 3.0
"""Time after which an instance that is not ready waits for something else than the processor."""


class LaunchWindow:
    """Lets instances start in order, at most `ROOM` of them at the same time.

    `waits_for` returns the instances that have to be ready before one is started.
    """

    def __init__(
        self, clock: Clock, waits_for: Callable[[str], tuple[str, ...]] = lambda _: ()
    ) -> None:
        self._clock = clock
        self._waits_for = waits_for
        self._waiting: dict[str, Callable[[], None]] = {}
        self._inside: dict[str, Timer] = {}
        self._open = False

    def open(self) -> None:
        """Begin to let instances in."""
        self._open = True
        self.admit()

    def enter(self, instance_id: str, begin: Callable[[], None]) -> None:
        """Call `begin`, which starts an instance, as soon as there is room."""
        self.leave(instance_id)  # it may have been inside, if it ended just now
        self._waiting[instance_id] = begin
        self.admit()

    def waits_for(self, instance_id: str) -> tuple[str, ...]:
        """Return the instances for which one that is not started yet waits."""
        return self._waits_for(instance_id) if instance_id in self._waiting else ()

    def withdraw(self, instance_id: str) -> bool:
        """Take back an instance that still waits; False if it does not."""
        return self._waiting.pop(instance_id, None) is not None

    def leave(self, instance_id: str) -> None:
        """Make room: the instance is ready, or ended."""
        timer = self._inside.pop(instance_id, None)
        if timer is not None:
            if timer.active():
                timer.cancel()
            self.admit()

    def admit(self) -> None:
        """Let in all for which there is room and that need not wait any longer."""
        for each in list(self._waiting):
            if not self._open or len(self._inside) >= ROOM:
                return
            # The start of one may have let in or withdrawn another.
            if each not in self._waiting or self._waits_for(each):
                continue
            begin = self._waiting.pop(each)
            self._inside[each] = self._clock.callLater(LONGEST_STAY_S, partial(self.leave, each))
            begin()


class PacedLauncher:
    """Starts processes through a `LaunchWindow` (`ocsd.daemon.instances.ports.Launcher`)."""

    def __init__(self, launcher: Launcher, window: LaunchWindow) -> None:
        self._launcher = launcher
        self._window = window
        self.kill = launcher.kill  # a signal need not wait

    def spawn(self, instance_id: str) -> None:
        """Start the process of an instance when there is room."""
        self._window.enter(instance_id, partial(self._launcher.spawn, instance_id))

    def withdraw(self, instance_id: str) -> bool:
        """Take back a start that has not begun."""
        return self._window.withdraw(instance_id) or self._launcher.withdraw(instance_id)
