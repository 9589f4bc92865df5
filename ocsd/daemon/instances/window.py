"""How many instances are being started at the same time."""

from collections.abc import Callable
from functools import partial

from ocsd.daemon.instances.ports import Clock, Launcher, Timer

ROOM = 64
"""So many handshakes at once neither starve a small machine nor time out at the router."""

LONGEST_STAY_S = 3.0
"""An instance that is not ready by then waits for something else than the processor."""


class LaunchWindow:
    """Lets instances start in order, only so many of them at a time.

    Parameters
    ----------
    clock : Clock
        The time.
    waits_for : callable
        Returns the instances that have to be ready before one of this name is started.
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
        self._fill()

    def enter(self, name: str, begin: Callable[[], None]) -> None:
        """Call `begin`, which starts an instance, as soon as there is room."""
        self.leave(name)  # it may have been inside, if it ended just now
        self._waiting[name] = begin
        self._fill()

    def waits_for(self, name: str) -> tuple[str, ...]:
        """Return the instances that one which is not started yet waits for."""
        return self._waits_for(name) if name in self._waiting else ()

    def admit(self) -> None:
        """Let in who waited for something that has happened."""
        self._fill()

    def withdraw(self, name: str) -> bool:
        """Take back an instance that still waits; False if it does not."""
        return self._waiting.pop(name, None) is not None

    def leave(self, name: str) -> None:
        """Make room: the instance is ready, or ended."""
        timer = self._inside.pop(name, None)
        if timer is not None:
            if timer.active():
                timer.cancel()
            self._fill()

    def _fill(self) -> None:
        for name in list(self._waiting):
            if not self._open or len(self._inside) >= ROOM:
                return
            # What one start leads to may have let in or withdrawn another.
            if name not in self._waiting or self._waits_for(name):
                continue
            begin = self._waiting.pop(name)
            self._inside[name] = self._clock.callLater(LONGEST_STAY_S, partial(self.leave, name))
            begin()


class PacedLauncher:
    """Starts processes through a `LaunchWindow` (`ocsd.daemon.instances.ports.Launcher`)."""

    def __init__(self, launcher: Launcher, window: LaunchWindow) -> None:
        self._launcher = launcher
        self._window = window

    def spawn(self, name: str) -> None:
        """Start the process of an instance when there is room."""
        self._window.enter(name, partial(self._launcher.spawn, name))

    def withdraw(self, name: str) -> bool:
        """Take back a start that has not begun."""
        return self._window.withdraw(name) or self._launcher.withdraw(name)

    def kill(self, name: str, pid: int, number: int) -> None:
        """Send a signal to an instance's process group."""
        self._launcher.kill(name, pid, number)
