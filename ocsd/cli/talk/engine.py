"""Asks Docker, or podman, whether it is there."""

import getpass
import os
import socket
from collections.abc import Mapping

from ocsd.containers import stream
from ocsd.containers.engine import endpoint, why_unreachable

_LIMIT_S = 2.0


def why_away(environment: Mapping[str, str] = os.environ, limit_s: float = _LIMIT_S) -> str:
    """Return why the container engine of this machine cannot be used; empty if it answers.

    Parameters
    ----------
    environment : mapping
        Its ``DOCKER_HOST`` names another socket than Docker's own one.
    limit_s : float
        Time for each step of the answer [s].
    """
    found = endpoint(environment)
    if found.trouble:
        return found.trouble
    try:
        said = _answer(found.path, limit_s)
    except TimeoutError:
        said = f"it has not answered for {limit_s:g} s"
    except OSError as error:
        said = error.strerror or str(error)
    return why_unreachable(found.path, said, getpass.getuser()) if said else ""


def _answer(path: str, limit_s: float) -> str:
    """Return what is wrong with the answer; empty if nothing is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(limit_s)
        connection.connect(path)
        connection.sendall(stream.request("GET", "/_ping"))
        raw = b""
        while block := connection.recv(4096):
            raw += block
    try:
        stream.answer(raw)
    except ValueError as error:
        return str(error)
    return ""
