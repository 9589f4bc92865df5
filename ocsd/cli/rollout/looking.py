"""Asks hosts what a new site file would change there. Nothing is changed by that."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from ocsd.cli.rollout.port import HostPort
from ocsd.errors import ConfigurationError, OcsdError
from ocsd.rollout.standing import Sight
from ocsd.status import replies
from ocsd.system.classes import BRIDGE_CLASS

MOST_ASKED_AT_ONCE: Final = 32
"""Number of hosts that are asked at the same time."""

_REFUSALS: Final = frozenset({OcsdError.exit_code, ConfigurationError.exit_code})
"""The exit codes with which a host refuses a file or a version; others are about the request."""


def looked(ports: Sequence[HostPort], text: str, *, upgrades: bool = False) -> list[Sight]:
    """Return what is seen of each host beside a new site file, in the order of the ports.

    With `upgrades`, also which version of ocsd each would run after an upgrade.
    """
    if not ports:
        return []
    with ThreadPoolExecutor(min(len(ports), MOST_ASKED_AT_ONCE)) as threads:
        return list(threads.map(lambda port: seen(port, text, upgrades=upgrades), ports))


def _runs_router(status: replies.HostStatus) -> bool:
    """Return whether the router of the site runs on a host, and not one of its own."""
    is_bridged = any(each.agent_class == BRIDGE_CLASS for each in status.instances)
    return status.router.state != "external" and not is_bridged


def seen(port: HostPort, text: str, *, upgrades: bool = False) -> Sight:
    """Return what is seen of one host."""
    sight = Sight(port.name)
    try:
        status = port.status()
        sight = replace(
            sight,
            version=str(status.get("version") or ""),
            used_digest=str((status.get("site") or {}).get("digest") or ""),
            runs_router=_runs_router(replies.host_status(status)),
            trouble=str(status.get("trouble") or ""),
        )
        sight = replace(sight, file_digest=port.file().digest)
    except OcsdError as error:
        return replace(sight, away=str(error))
    return _tried(sight, port, text, upgrades=upgrades)


def _tried(sight: Sight, port: HostPort, text: str, *, upgrades: bool) -> Sight:
    """Have a host try what it is to take."""
    try:
        if upgrades:
            version, new_code = port.installed()
            sight = replace(sight, installed=version, new_code=new_code)
        return replace(sight, change=port.foresee(text))
    except OcsdError as error:
        if error.exit_code in _REFUSALS:
            return replace(sight, refusal=str(error))
        return replace(sight, away=str(error))
