"""How many instances are being started at the same time."""

from collections.abc import Callable
from functools import partial

from ocsd.daemon.keeper import Clock, Launcher, Timer

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
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
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
        while self._open and self._waiting and len(self._inside) < ROOM:
            name = next(iter(self._waiting))
            begin = self._waiting.pop(name)
            self._inside[name] = self._clock.callLater(LONGEST_STAY_S, partial(self.leave, name))
            begin()


class PacedLauncher:
    """Starts processes through a `LaunchWindow` (`ocsd.daemon.keeper.Launcher`)."""

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
