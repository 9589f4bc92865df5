"""Where Docker, or podman, is reached, and what to do if it is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DOCKER_SOCKET: Final = "/var/run/docker.sock"
_UNIX: Final = "unix://"


@dataclass(frozen=True, slots=True)
class EngineSocket:
    """The socket of a container engine."""

    path: str
    """The Unix socket; empty if there is none."""
    trouble: str = ""
    """Why it cannot be used."""


def endpoint(environment: Mapping[str, str]) -> EngineSocket:
    """Return the socket that ``DOCKER_HOST`` names, or Docker's own one."""
    address = environment.get("DOCKER_HOST", "")
    if not address:
        return EngineSocket(DOCKER_SOCKET)
    if address.startswith(_UNIX):
        return EngineSocket(address.removeprefix(_UNIX))
    return EngineSocket(
        "",
        f"DOCKER_HOST is {address!r}, and ocsd speaks to the Docker of this host only, over its "
        f"Unix socket; set DOCKER_HOST to {_UNIX}{DOCKER_SOCKET}, or take it out",
    )


def why_unreachable(path: str, said: str, user: str) -> str:
    """Return why Docker is not reached at the socket `path`, and what to do.

    Parameters
    ----------
    said : str
        What was seen when it was tried.
    user : str
        The user of the daemon.
    """
    if "ermission denied" in said:
        return (
            f"Docker does not let user {user!r} in ({path}: permission denied); add the user to "
            f"the socket's group (usermod -aG docker {user}), then stop ocsd and start it again"
        )
    if "has not answered" in said:
        return (
            f"Docker hangs ({path}: {said}); containers run on, but nothing can be started or "
            "stopped; see: systemctl status docker"
        )
    return (
        f"Docker is not there ({path}: {said}); start it (systemctl start docker; podman: "
        "systemctl start podman.socket), or set DOCKER_HOST to its socket"
    )
