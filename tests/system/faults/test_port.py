"""The router's port is taken. For a broken site file on reload see tests/system/test_reload.py."""

import os
import signal
import socket

import pytest

from tests.system.faults.lab import ROUTER_BACK_S, a_lab, faulty, wait_until
from tests.system.invariants import Watch

pytestmark = pytest.mark.system


def taken(port):
    """Listen on a port, as another program does."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def test_a_start_is_refused_that_names_who_has_the_port():
    with a_lab() as lab, taken(lab.site.port):
        lab.write(faulty("thermo1"))
        begun = lab.site.ocsd("start", "-d", "--site-file", lab.site.file, "--host", "lab")
        assert begun.returncode == 78
        assert f"in use by pid {os.getpid()}" in begun.stderr
        assert lab.site.processes() == []


def test_a_router_whose_port_is_taken_while_it_was_away_comes_back_when_it_is_free():
    with a_lab() as lab:
        lab.write(faulty("thermo1"))
        lab.start()
        with Watch(lab.site, may_change=["router"]):
            # Kept away until somebody else has its port.
            (lab.faults / "crashes").write_text("bin/crossbar")
            os.kill(lab.pid("router"), signal.SIGKILL)
            wait_until(lambda: lab.row("router")["state"] == "backoff", "the router's absence")
            with taken(lab.site.port):
                (lab.faults / "crashes").unlink()
                tries = len(lab.ends("router"))
                wait_until(
                    lambda: len(lab.ends("router")) >= tries + 2, "two tries", 3 * ROUTER_BACK_S
                )
                assert f"in use by pid {os.getpid()}" in lab.ends("router")[-1].reason
                assert lab.site.ocsd("status").returncode == 3
            lab.back("router", None, 2 * ROUTER_BACK_S)
            wait_until(lambda: lab.row("thermo1")["health"] == "ok", "it to join", ROUTER_BACK_S)
        lab.has_kept_its_policy("router")
