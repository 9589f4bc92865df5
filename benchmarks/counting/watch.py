"""Looks at the aggregator all the time."""

import contextlib
import threading
import time
from typing import Any

from benchmarks.counting.plan import AGGREGATOR
from benchmarks.counting.scene import CountingScene
from benchmarks.counting.worker import worker
from benchmarks.processes import peak_bytes
from ocsd.client.http import ControlClientError

LOOK_EVERY_S = 0.5


class Watch:
    """Asks the aggregator how it does, and the kernel what it needs.

    Parameters
    ----------
    scene : CountingScene
        The site.
    amiss : list of str
        Gets what it fails by.

    Attributes
    ----------
    longest_lag_s : float
        The longest time that a message has waited to be recorded [s].
    longest_incomplete_s : float
        The longest time for which something was missing, or the aggregator did not
        answer [s].
    peak_bytes : int
        The most memory that a process of the aggregator had.
    data : dict or None
        Its last session.data; None if it does not answer.
    """

    def __init__(self, scene: CountingScene, amiss: list[str]) -> None:
        self.longest_lag_s = 0.0
        self.longest_incomplete_s = 0.0
        self.peak_bytes = 0
        self.data: dict[str, Any] | None = None
        self._scene = scene
        self._complete_s = self._incomplete_s = time.monotonic()
        self._over = threading.Event()
        self._thread = worker("asking the aggregator", self._repeat, amiss)

    @property
    def complete_for_s(self) -> float:
        """For how long nothing has been missing [s]."""
        return time.monotonic() - self._incomplete_s if self.data is not None else 0.0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def lacks(self) -> str:
        """Return why the recording is not complete; empty if it is."""
        data = self.data
        if data is None:
            return "the aggregator does not answer"
        if not data:
            return "the aggregator does not record"
        amiss = []
        if data["trouble"]:
            amiss.append(str(data["trouble"]))
        if data["missing"]:
            amiss.append(f"missing: {data['missing']}")
        if data.get("waiting", 0) > 100:
            amiss.append(f"{data['waiting']} messages wait")
        return "; ".join(amiss)

    def _repeat(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            for pid in self._scene.pids(AGGREGATOR):
                with contextlib.suppress(OSError):  # it has ended
                    self.peak_bytes = max(self.peak_bytes, peak_bytes(pid))
            self.data = self._ask()
            now_s = time.monotonic()
            if self.data:
                self.longest_lag_s = max(self.longest_lag_s, self.data.get("lag_s", 0.0))
            if self.lacks():
                self._incomplete_s = now_s
                incomplete_s = now_s - self._complete_s
                self.longest_incomplete_s = max(self.longest_incomplete_s, incomplete_s)
            else:
                self._complete_s = now_s

    def _ask(self) -> dict[str, Any] | None:
        try:
            _, _, session = self._scene.client(AGGREGATOR).request("status", "record")
        except (ControlClientError, OSError, ValueError):
            return None
        return dict(session.get("data") or {}) if session.get("status") == "running" else {}
