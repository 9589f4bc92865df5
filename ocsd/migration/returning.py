"""Lists the steps from ocsd back to OCS."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ocsd.migration.services import ComposeService
from ocsd.migration.units import Unit, UnitRole
from ocsd.site.model import IN_CONTAINERS, Host, Site


@dataclass(frozen=True, slots=True)
class WayBack:
    """A command, or something else to do, and why."""

    command: str
    reason: str


def steps(
    site: Site,
    host: Host | None,
    units: Sequence[Unit],
    services: Iterable[tuple[str, ComposeService]],
    *,
    has_unit: bool,
) -> Iterator[WayBack]:
    """Yield the steps that bring OCS back on this machine, in order.

    Parameters
    ----------
    services : iterable of (str, ComposeService)
        The services of docker compose, each with its file.
    has_unit : bool
        Whether systemd starts ocsd here.
    """
    if has_unit:
        reason = "agents, recorder and router end in order, and are not started at boot"
        yield WayBack("systemctl disable --now ocsd", reason)
    else:
        yield WayBack("ocsd stop", "agents, recorder and router end in order")
    roles = {each.role: each.name for each in units if each.role is not None}
    yield from _router(host, roles, services)
    programs = _programs(units)
    if manager := roles.get(UnitRole.MANAGER) or roles.get(UnitRole.SUPPORT):
        reason = "the HostManager starts the agents, and the containers of manage: docker"
        yield WayBack(f"systemctl enable --now {manager}", reason)
    else:
        reason = "OCS's own program, not the one of that name in ocsd's environment"
        yield WayBack(f"{programs}ocs-local-support start", reason)
    if host is not None and any(each.manage in IN_CONTAINERS for each in host.instances):
        reason = "containers that ocsd has taken down are up again"
        yield WayBack(f"{programs}ocsbow status", reason)
    folder = next(iter(_data_folders(host)), "the folder of --data-dir")
    yield WayBack(
        f"leave {folder} as it is",
        "files of ocsd are G3 files that OCS and so3g read; what is not yet in a file stays in "
        "ocsd's state folder, and comes into one at the next `ocsd start`",
    )
    if site.path:
        yield WayBack(
            f"leave {site.path} as it is",
            "OCS reads it, and leaves out keys that only ocsd has",
        )


def _router(
    host: Host | None, roles: dict[UnitRole, str], services: Iterable[tuple[str, ComposeService]]
) -> Iterator[WayBack]:
    reason = "the router comes first: agents of OCS end without one"
    if router := roles.get(UnitRole.ROUTER):
        yield WayBack(f"systemctl enable --now {router}", reason)
        return
    for file, service in services:
        if service.is_router:
            yield WayBack(f"docker compose -f {file} up -d {service.name}", reason)
            return
    if host is not None and host.crossbar is not None and UnitRole.SUPPORT not in roles:
        folder = ""
        if host.crossbar.config_dir:
            folder = f" --cbdir {host.crossbar.config_dir}"
        yield WayBack(f"{host.crossbar.bin or 'crossbar'} start{folder}", reason)


def _programs(units: Sequence[Unit]) -> str:
    """Return the folder of OCS's programs, with a slash, as far as a unit tells."""
    for unit in units:
        if unit.python and "/" in unit.python:
            return f"{os.path.dirname(unit.python)}/"
    return ""


def _data_folders(host: Host | None) -> Iterator[str]:
    for each in host.instances if host else ():
        words = list(each.arguments)
        if "--data-dir" in words[:-1]:
            yield words[words.index("--data-dir") + 1]
