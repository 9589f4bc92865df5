"""The state of a host's keys: whether the router can use them, and their upkeep in time.

The daemon asks. `router_trouble` looks at files only, so that a start does not wait for
`cryptography`; `upkeep` needs it, and runs in a thread.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, NamedTuple

from ocsd.access.local import local_roles
from ocsd.access.store import AccessStore
from ocsd.errors import OcsdError
from ocsd.site.supervision import Web
from ocsd.system.address import address_of

WARNED_DAYS: Final = 60
"""For how long before the end of a certificate that ocsd cannot renew itself there is a warning."""

_DAY_S: Final = 86400.0


class KeyReport(NamedTuple):
    """The result of looking after the keys."""

    renewed: str = ""
    """The reason for which the router got a new certificate; empty if it got none."""
    warnings: tuple[str, ...] = ()


def router_trouble(store: AccessStore, host: str, *, is_leaf: bool = False) -> str:
    """Return why the router of a closed site cannot start with a host's keys; empty if it can.

    `is_leaf` says whether it is a host's own beside that of the site.
    """
    make = f"ocsd access join {host}.bundle" if is_leaf else "ocsd access init"
    try:
        if not store.exists:
            return (
                f"the site is closed, but {store.folder} has no keys; the router does not start "
                f"open instead; make them: {make}"
            )
        identity = store.identity()
        if identity.is_hub is is_leaf:
            whose = "the host with the site's" if is_leaf else "a host without the"
            return (
                f"the site is closed, and {store.folder} has the keys of {whose} router; remove "
                f"that folder, then: {make}"
            )
        if identity.host != host:
            return (
                f"the keys in {store.folder} are for host {identity.host!r}, not {host!r}; "
                f"name the host as before, or remove the folder, then: {make}"
            )
        store.host_key()
        for read in () if is_leaf else (store.router, store.people, store.urls):
            read()
        local_roles(store.folder)
    except OcsdError as error:
        return f"the site is closed, and its keys cannot be used: {error}"
    return ""


def page_names(web: Web) -> tuple[str, ...]:
    """Return the names for which the certificate of a host's page stands; none if it needs none."""
    listen = address_of(web.listen)
    if listen.is_local or web.socket is not None:
        return ()
    names = (*web.names, listen.host)
    return tuple(name for name in names if name not in {"0.0.0.0", "::"})


def renewal_reason(pem: bytes, host: str, now_at: float) -> str:
    """Return why the router's certificate is to be replaced; empty if it is good."""
    from ocsd.access import certificates

    found = certificates.described(pem)
    if host.casefold() not in (name.casefold() for name in found.names):
        return f"it was for {', '.join(found.names)}, and clients reach the router as {host}"
    if certificates.renewal_due(pem, now_at):
        return f"two thirds of its time until {time.strftime('%F', time.gmtime(found.until_at))}"
    return ""


def upkeep(
    store: AccessStore, url: str, names: Iterable[str], now: Callable[[], float] = time.time
) -> KeyReport:
    """Renew the router's certificate if it is time to, and tell what will need a person.

    Parameters
    ----------
    store : AccessStore
        The files of a host.
    url : str
        The router's address.
    names : iterable of str
        More names for its certificate.
    now : callable
        Returns the time [s, Unix time].

    Raises
    ------
    OcsdError
        If a file cannot be used.
    """
    from ocsd.access import making

    renewed = ""
    now_at, identity = now(), store.identity()
    if identity.is_hub:
        if identity.hub != url:
            # Commands that do not read the site file take it from here.
            store.write_identity(replace(identity, hub=url))
        renewed = renewal_reason(store.router().certificate, making.host_of(url), now_at)
        if renewed:
            making.issue_router(store, making.certificate_names(url, names), now_at)
    return KeyReport(renewed, tuple(_warnings(store, now_at)))


def _warnings(store: AccessStore, now_at: float) -> list[str]:
    from ocsd.access import certificates

    found = []
    listed = [(store.authority_file, "ocsd access rotate all")]
    page = store.folder / "web.pem"
    if page.exists():
        listed.append((page, "a new bundle: ocsd access host NAME"))
    for path, remedy in listed:
        until_at = certificates.described(path.read_bytes()).until_at
        days = (until_at - now_at) / _DAY_S
        if days < 0:
            found.append(f"{path} has expired; {remedy}")
        elif days < WARNED_DAYS:
            found.append(f"{path} expires in {days:.0f} days; {remedy}")
    return found
