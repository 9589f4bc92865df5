"""The outside world, as the keepers of instances see it: time, and processes."""

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call at a later time (twisted's IDelayedCall)."""

    def cancel(self) -> None:
        """Cancel it."""

    def active(self) -> bool:
        """Whether it is still due."""


class Clock(Protocol):
    """The monotonic time, and calls at a later time (twisted's IReactorTime)."""

    def seconds(self) -> float:
        """Return the time [s]."""

    def callLater(self, delay: float, callable: Callable[[], object]) -> Timer:
        """Call something after a delay [s]."""


class Launcher(Protocol):
    """Starts and signals the processes of instances."""

    def spawn(self, instance_id: str) -> None:
        """Start the process of an instance, at once or when there is room."""

    def withdraw(self, instance_id: str) -> bool:
        """Take back a `spawn` that has not begun; False if there is none."""

    def kill(self, instance_id: str, pid: int, number: int) -> None:
        """Send a signal to an instance's process group."""
