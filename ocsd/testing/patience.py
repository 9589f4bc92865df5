"""Waiting for conditions."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_PAUSE_S = 0.02


def wait_until(condition: Callable[[], T], limit_s: float) -> T:
    """Return the first true value of `condition()`, or its last one.

    Parameters
    ----------
    condition : callable
        Looked at again and again.
    limit_s : float
        How long to wait [s].
    """
    deadline_s = time.monotonic() + limit_s
    while True:
        value = condition()
        if value or time.monotonic() > deadline_s:
            return value
        time.sleep(POLL_PAUSE_S)
