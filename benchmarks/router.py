"""One crossbar for a whole run, so that neither side pays for starting it."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.site import Hub

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
def running(crossbar: Path, folder: Path, hub: Hub) -> Iterator[int]:
    """Run a router for the time of the context.

    Parameters
    ----------
    crossbar : Path
        The program.
    folder : Path
        Gets the configuration and the log.
    hub : Hub
        Where to listen.

    Yields
    ------
    int
        The router's pid.
    """
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(_configuration(hub)))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [crossbar, "start", "--cbdir", folder, "--config", "config.json"],
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


def _configuration(hub: Hub) -> dict[str, object]:
    everything = {"call": True, "register": True, "publish": True, "subscribe": True}
    role = {
        "name": "agent",
        "permissions": [{"uri": f"{hub.address_root}.", "match": "prefix", "allow": everything}],
    }
    anonymous = {"anonymous": {"type": "static", "role": "agent"}}
    web = {
        "type": "web",
        "endpoint": {"type": "tcp", "port": hub.port, "interface": "127.0.0.1", "backlog": 256},
        "paths": {
            # "/" must not be of type nodeinfo: that one swallows every path below it.
            "/": {"type": "json", "value": {}},
            "ws": {"type": "websocket", "serializers": ["cbor", "json"], "auth": anonymous},
            "call": {"type": "caller", "realm": hub.realm, "role": "agent", "options": {}},
        },
    }
    worker = {
        "type": "router",
        "realms": [{"name": hub.realm, "roles": [role]}],
        "transports": [web],
    }
    return {"version": 2, "controller": {}, "workers": [worker]}


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
