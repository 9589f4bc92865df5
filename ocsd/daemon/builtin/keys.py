"""The keys of a site: what the router of this host and its programs need of them."""

import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ocsd.access.store import AccessStore
from ocsd.access.tickets import Login, ticket_of
from ocsd.errors import AccessFilesError, NotPermittedError, OcsdError, RouterError
from ocsd.router.guard.facts import GuardFacts
from ocsd.router.transports import SOCKETS_ONLY, Secured, paths_of
from ocsd.site import recording
from ocsd.site.model import Host, Hub, Site
from ocsd.system.paths import HostPaths

DIRECTOR_CLASS: Final = "AccessDirector"
"""The agent class whose instances give rights to others."""

BUNDLE_FILE: Final = "ca-bundle.pem"
"""File in the runtime folder: the authorities of this machine and that of the site, for programs
that take one file for both."""


@dataclass(frozen=True, slots=True)
class HostKeys:
    """The keys with which the programs of this host log in."""

    host: str
    key: bytes = field(repr=False)
    ca_file: str
    bundle_file: str

    def ticket(self, instance_id: str = "") -> str:
        """Return the ticket of an instance of this host; without a name that of the daemon."""
        return ticket_of(self.key, Login(instance_id, self.host))


def host_keys(hub: Hub, paths: HostPaths) -> HostKeys | None:
    """Return the keys of this host; None if its router takes no logins.

    The certificate of the site's authority is copied to where agents of other users can read it.

    Raises
    ------
    AccessFilesError, NotPermittedError
        If the site is closed and this host has no keys, or they are damaged or open to others.
    """
    if not has_keys(hub, paths):
        return None
    store = AccessStore(paths.access)
    if not store.exists:
        raise AccessFilesError(
            f"the site is closed (hub: access: closed), but this host has no keys in {store.folder}"
            "; on the router's host: ocsd access init; on another one: ocsd access join BUNDLE"
        )
    identity = store.identity()
    if identity.host != paths.host:
        raise AccessFilesError(
            f"the keys in {store.folder} are those of host {identity.host!r}, not of "
            f"{paths.host!r}; on the hub: ocsd access host {paths.host}; here: ocsd access join "
            "BUNDLE"
        )
    authority = store.authority_certificate()
    bundle = paths.runtime / BUNDLE_FILE
    _publish(paths.authority_certificate, authority)
    _publish(bundle, b"".join(_authorities_here()) + authority)
    return HostKeys(paths.host, store.host_key(), str(paths.authority_certificate), str(bundle))


def usable_keys(hub: Hub, paths: HostPaths) -> tuple[HostKeys | None, str]:
    """Return the keys of this host, or why they cannot be used.

    Without them agents run, acquire and keep what they cannot publish; they join nothing.
    """
    try:
        return host_keys(hub, paths), ""
    except (AccessFilesError, NotPermittedError) as error:
        return None, str(error)


def has_keys(hub: Hub, paths: HostPaths) -> bool:
    """Whether a router of this host takes logins.

    That of a closed site always does, or does not start. An open one with unusable keys stays
    open, which `ocsd status` tells (`ocsd.daemon.surroundings.keys`).
    """
    if hub.is_closed:
        return True
    store = AccessStore(paths.access)
    if hub.tls_url is None or not store.exists:
        return False
    try:
        store.host_key()
        store.authority_certificate()
        if store.identity().is_hub:
            store.router()
    except OcsdError:
        return False
    return True


def secured(site: Site, hub: Hub, paths: HostPaths) -> tuple[Secured, GuardFacts]:
    """Return what a router of this host with logins needs.

    A host's own router beside that of the site needs the key of the host only.

    Raises
    ------
    RouterError, AccessFilesError
        If this host runs the site's router and has no keys of a hub.
    """
    store = AccessStore(paths.access)
    identity = store.identity()
    if _is_leaf(site, paths):
        return SOCKETS_ONLY, facts_of(site, hub, paths)
    if not identity.is_hub:
        raise RouterError(
            f"the keys in {store.folder} are those of a host without a router; the host "
            f"{paths.host!r} runs the site's router, so run here: ocsd access init"
        )
    store.router()  # a damaged one is refused here, by name
    return Secured(*store.router_files), facts_of(site, hub, paths)


def facts_of(site: Site, hub: Hub, paths: HostPaths) -> GuardFacts:
    """Return the facts for the guard of this host's router."""
    ws_path, call_path = paths_of(hub)
    homes: dict[str, str] = {}
    directors: list[str] = []
    for host in site.hosts.values():
        homes.update(_homes(host))
        directors += [
            each.instance_id for each in host.instances if each.agent_class == DIRECTOR_CLASS
        ]
    return GuardFacts(
        store=str(paths.access),
        host=paths.host,
        realm=hub.wamp_realm,
        address_root=hub.address_root,
        ws_path=ws_path,
        call_path=call_path,
        is_closed=hub.is_closed,
        homes=homes,
        directors=tuple(directors),
        leaves=tuple(host.name for host in site.hosts.values() if host.has_own_router),
        site_hub=recording.centre(site) if _is_leaf(site, paths) else "",
        notify_socket=str(paths.notify_socket),
    )


def _is_leaf(site: Site, paths: HostPaths) -> bool:
    return paths.host in site.hosts and site.hosts[paths.host].has_own_router


def _homes(host: Host) -> dict[str, str]:
    return {each.instance_id: host.name for each in host.instances}


def _authorities_here() -> Iterator[bytes]:
    """Yield the certificates of the authorities that this machine trusts, if it has a file."""
    file = ssl.get_default_verify_paths().cafile
    if file and Path(file).is_file():
        yield Path(file).read_bytes()


def _publish(file: Path, content: bytes) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(content)
    os.chmod(new, 0o644)
    new.replace(file)
