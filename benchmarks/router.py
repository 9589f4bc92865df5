"""One crossbar for a whole run, so that neither side pays for starting it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.site import Hub
from ocsd.router import config, local
from ocsd.site.model import Hub as SiteHub
from ocsd.system.paths import ROUTER_SOCKET

START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0


def free_port(first: int, last: int) -> int:
    """Return a port of the range that nobody listens at.

    Raises
    ------
    RuntimeError
        If all of them are taken.
    """
    for port in range(first, last + 1):
        with socket.socket() as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port from {first} to {last}; choose others with --ports")


@contextmanager
def running(crossbar: Path, folder: Path, hub: Hub, neighbour: Path) -> Iterator[int]:
    """Run a router for the time of the context, configured as ocsd configures it.

    OCS's agents join it through its WebSocket, ocsd's through its raw socket, as
    they do wherever ocsd runs the router.

    Parameters
    ----------
    crossbar : Path
        The program.
    folder : Path
        Gets the configuration and the log.
    hub : Hub
        Where to listen.
    neighbour : Path
        Runtime folder in which ocsd's daemons find the router.

    Yields
    ------
    int
        The router's pid.
    """
    folder.mkdir()
    site_hub = SiteHub(
        wamp_server=hub.wamp_server,
        wamp_http=hub.wamp_http,
        wamp_realm=hub.realm,
        address_root=hub.address_root,
    )
    neighbour.mkdir(parents=True)
    config.write(folder, site_hub, neighbour / ROUTER_SOCKET)
    local.announce(neighbour, site_hub)
    start = config.start(str(crossbar), folder)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            start.command,
            env=os.environ | start.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_listening(process, hub.port, folder / "log")
        yield process.pid
    finally:
        _stop(process)


def _wait_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"crossbar ended with {process.returncode}; see {log}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"crossbar did not listen at port {port} in {START_LIMIT_S:g} s; see {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        # The session was made for it, so the group is the router and its workers.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
