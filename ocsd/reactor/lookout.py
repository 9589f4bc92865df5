"""One thread that looks after what the reactor cannot look after itself.

The reactor may be blocked just when its log floods, or because of what blocks it.
"""

import threading
import traceback
from collections.abc import Callable
from typing import Final

LOOKOUT_PERIOD_S: Final = 0.5


class Lookout:
    """Calls functions twice a second, from a thread of its own."""

    def __init__(self) -> None:
        self._looks: list[Callable[[], object]] = []
        self._pause = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, look: Callable[[], object]) -> None:
        """Call `look` from now on; one that raises is called no more."""
        self._looks.append(look)
        if self._thread is None:
            self._thread = threading.Thread(target=self._go_on, name="lookout", daemon=True)
            self._thread.start()

    def remove(self, look: Callable[[], object]) -> None:
        """Call `look` no more."""
        if look in self._looks:
            self._looks.remove(look)

    def _go_on(self) -> None:
        while not self._pause.wait(LOOKOUT_PERIOD_S):
            for look in tuple(self._looks):
                try:
                    look()
                except Exception:  # noqa: BLE001 - the others must go on
                    traceback.print_exc()
                    self.remove(look)


LOOKOUT: Final = Lookout()
"""The one of this process."""
