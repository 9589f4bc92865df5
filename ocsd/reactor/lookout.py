"""A thread for checks that the reactor cannot make.

The reactor may be blocked just when its log floods, or by the fault that a check is for.
"""

import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Final

LOOKOUT_PERIOD_S: Final = 0.5
"""Time from one round of checks to the next [s]."""


def usual_pause_s() -> float:
    """Return the time from one round of checks to the next [s]."""
    return LOOKOUT_PERIOD_S


class Lookout:
    """Calls checks twice a second, from a thread of its own.

    Parameters
    ----------
    checks : iterable of callable
        The first checks; the thread begins with the next one that is added.

    Attributes
    ----------
    pause_s : callable
        Returns the time until the next round of checks [s].
    """

    def __init__(self, checks: Iterable[Callable[[], object]] = ()) -> None:
        self._checks = list(checks)
        self._thread: threading.Thread | None = None
        self.pause_s: Callable[[], float] = usual_pause_s

    def add(self, check: Callable[[], object]) -> None:
        """Call `check` from now on, until it raises."""
        self._checks.append(check)
        if self._thread is None:
            self._thread = threading.Thread(target=self._go_on, name="lookout", daemon=True)
            self._thread.start()

    def remove(self, check: Callable[[], object]) -> None:
        """Call `check` no more."""
        if check in self._checks:
            self._checks.remove(check)

    def run_checks(self) -> None:
        """Call each check once, and remove those that raise."""
        for check in tuple(self._checks):
            try:
                check()
            except Exception:  # noqa: BLE001 - the others must go on
                traceback.print_exc()
                self.remove(check)

    def _go_on(self) -> None:
        while True:
            time.sleep(self.pause_s())
            self.run_checks()


LOOKOUT: Final = Lookout()
"""The lookout of this process."""
