"""Waiting for a condition, and ports that are free."""

import socket
import time

import pytest

PATIENCE_S = 60.0
"""So long a condition may take on a busy machine; no test waits when it holds at once."""


def wait_until(condition, what, limit_s=PATIENCE_S):
    """Return the first true value of `condition()`; fail the test if none comes."""
    deadline = time.monotonic() + limit_s
    while True:
        began_s = time.monotonic()
        value = condition()
        if value:
            return value
        now_s = time.monotonic()
        if now_s > deadline:
            pytest.fail(f"waited {limit_s} s in vain for {what}")
        # Who looks all the time holds up what is waited for.
        time.sleep(min(0.5, max(0.01, 2 * (now_s - began_s))))


def free_port():
    """Return a TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
