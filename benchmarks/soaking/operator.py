"""Who issues commands and calls agents while everything goes wrong."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.soaking.fault import LIMIT_S, rows_of
from benchmarks.soaking.scene import Scene
from ocsd.client.http import ControlClientError
from ocsd.system.proc import start_ticks

FAILED = 1
NO_DAEMON = 69
TIMED_OUT = 75


def nothing() -> None:
    """Do nothing."""


class Operator:
    """Does things in the background, and insists on them.

    Parameters
    ----------
    scene : Scene
        The site.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._busy = threading.Lock()

    def run(
        self,
        *words: str,
        first: Callable[[], None] = nothing,
        on_repeat: Callable[[], None] = nothing,
    ) -> None:
        """Issue a command, again as long as there is no daemon, as an operator would.

        Commands wait for each other: an `up` must not come before its `down`. A `reload` that a
        stopped daemon has not answered is repeated, too, for the file may be another one later.
        """
        repeated = {NO_DAEMON, TIMED_OUT} if "reload" in words else {NO_DAEMON}

        def insist() -> None:
            with self._busy:
                first()
                give_up_at_s = time.monotonic() + 2 * LIMIT_S
                while self._scene.command(*words).wait() in repeated:
                    if time.monotonic() > give_up_at_s:
                        return
                    time.sleep(0.5)
                    on_repeat()

        threading.Thread(target=insist, daemon=True).start()

    def start(self) -> None:
        """Start the daemon, and again two seconds after each failure, as systemd does by our unit.

        A daemon refuses to start, for one, beside a fork server that is stopped just then.
        """

        def insist() -> None:
            give_up_at_s = time.monotonic() + LIMIT_S
            while self._scene.start().wait() == FAILED and time.monotonic() < give_up_at_s:
                time.sleep(2.0)

        threading.Thread(target=insist, daemon=True).start()

    def bring_back(self, name: str) -> None:
        """Bring up what has failed for good."""

        def insist() -> None:
            give_up_at_s = time.monotonic() + LIMIT_S
            while time.monotonic() < give_up_at_s:
                status = self._scene.status()
                if status is not None and rows_of(status)[name]["state"] == "failed":
                    self.run("up", name)
                    return
                time.sleep(0.2)

        threading.Thread(target=insist, daemon=True).start()

    def tell(self, name: str, operation: str, params: Mapping[str, Any] | None = None) -> None:
        """Call an agent that will maybe not live to answer, until the call arrives."""

        def insist() -> None:
            for _ in range(10):
                with contextlib.suppress(ControlClientError):
                    if self._scene.client(name).request("start", operation, dict(params or {})):
                        return
                time.sleep(1.0)
                if not _lives(pid):
                    return

        status = self._scene.status()
        pid = rows_of(status)[name]["pid"] if status else 0
        threading.Thread(target=insist, daemon=True).start()


def _lives(pid: int) -> bool:
    # One whose fork server was killed may stay a zombie for a while.
    return bool(start_ticks(pid))
