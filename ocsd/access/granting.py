"""Letting hosts and published software in, on the host of the router; no certificate is made."""

import secrets

from ocsd.access.records import AdmittedHost, CapabilityUrl
from ocsd.access.store import AccessStore
from ocsd.errors import OcsdError


def admit(store: AccessStore, host: str, now_at: float, *, anew: bool = False) -> AdmittedHost:
    """Let a host join; `anew`: with a new key, after which its old one is worthless."""

    def change(hosts: dict[str, AdmittedHost]) -> None:
        known = hosts.get(host)
        if known is None or anew:
            # Random: a host that was removed and comes back must not have its old key.
            hosts[host] = AdmittedHost(secrets.randbits(48), now_at)

    store.change_hosts(change)
    return store.hosts()[host]


def forget_host(store: AccessStore, host: str) -> bool:
    """Let a host no longer join; say whether it could."""
    known = host in store.hosts()

    def change(hosts: dict[str, AdmittedHost]) -> None:
        hosts.pop(host, None)

    store.change_hosts(change)
    return known


def make_url(
    store: AccessStore, name: str, url: CapabilityUrl, *, anew: bool = False
) -> CapabilityUrl:
    """Make a capability URL, or return the one of that name.

    Raises
    ------
    OcsdError
        If there is one of that name with other rights.
    """

    def change(urls: dict[str, CapabilityUrl]) -> None:
        known = urls.get(name)
        if known is None or anew:
            urls[name] = url
        elif (known.kind, known.role, known.authid) != (url.kind, url.role, url.authid):
            raise OcsdError(
                f"there is a URL {name!r} already: {known.kind}, role {known.role}; choose another "
                f"name, or remove it first: ocsd access {known.kind}-url {name} --remove"
            )

    store.change_urls(change)
    return store.urls()[name]


def new_url(kind: str, role: str, authid: str, now_at: float) -> CapabilityUrl:
    """Return a capability URL with a secret of 192 bits."""
    return CapabilityUrl(kind, role, authid, secrets.token_urlsafe(24), now_at)
