"""A thread for checks that the reactor cannot make.

The reactor may be blocked just when its log floods, or by the fault that a check is for. While
the reactor vouches that it lives, the thread sleeps on, and checks only now and then.
"""

import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Final

from ocsd.reactor.deadline import Deadline

LOOKOUT_PERIOD_S: Final = 0.5
"""Time from one round of checks to the next [s]."""

CALM_PERIOD_S: Final = 9.0
"""The same while the reactor vouches that it lives [s]. Whoever knows of something to check asks
for an earlier round (`Lookout.hurry`): to wake up costs as much as a heartbeat."""

JUST_AFTER_S: Final = 0.02
"""Time from the reactor's sign of life to a check that is due soon [s]: the process runs then."""

_DUE_SOON_S: Final = 0.9


class Lookout:
    """Calls checks twice a second, from a thread of its own.

    Parameters
    ----------
    checks : iterable of callable
        The first checks; the thread begins with the next one that is added.
    """

    def __init__(self, checks: Iterable[Callable[[], object]] = ()) -> None:
        self._checks = list(checks)
        self._deadline: Deadline | None = None
        self._vouched_until_s = self._due_s = 0.0

    def add(self, check: Callable[[], object]) -> None:
        """Call `check` from now on, until it raises."""
        self._checks.append(check)
        if self._deadline is None:
            self._deadline = Deadline(LOOKOUT_PERIOD_S)
            threading.Thread(
                target=self._go_on, args=(self._deadline,), name="lookout", daemon=True
            ).start()

    def remove(self, check: Callable[[], object]) -> None:
        """Call `check` no more."""
        if check in self._checks:
            self._checks.remove(check)

    def vouch(self, for_s: float) -> None:
        """Say, in the reactor's thread, that the reactor lives, and will say so again.

        If it does not within `for_s` [s], checks are made at once and twice a second from then on.
        """
        if self._deadline is None:
            return
        now_s = time.monotonic()
        self._vouched_until_s = now_s + for_s
        pause_s = for_s
        if self._due_s - now_s < _DUE_SOON_S:
            pause_s = JUST_AFTER_S
        self._deadline.set(pause_s)

    def hurry(self) -> None:
        """Make the checks soon, because something waits for one; asking again puts off nothing."""
        due_s = time.monotonic() + LOOKOUT_PERIOD_S
        if self._deadline is not None and due_s < self._due_s:
            self._due_s = due_s
            self._deadline.set(LOOKOUT_PERIOD_S)

    def run_checks(self) -> None:
        """Call each check once, and remove those that raise."""
        for check in tuple(self._checks):
            try:
                check()
            except Exception:  # noqa: BLE001 - the others must go on
                traceback.print_exc()
                self.remove(check)

    def _go_on(self, deadline: Deadline) -> None:
        while True:
            deadline.wait()
            self._due_s = time.monotonic() + CALM_PERIOD_S
            self.run_checks()
            now_s = time.monotonic()
            pause_s = LOOKOUT_PERIOD_S
            if now_s < self._vouched_until_s:
                pause_s = max(JUST_AFTER_S, min(self._vouched_until_s, self._due_s) - now_s)
            deadline.set(pause_s)


LOOKOUT: Final = Lookout()
"""The lookout of this process."""
