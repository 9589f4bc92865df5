"""Other hosts of a closed site: their admission, and the bundle that is carried to them by hand."""

import json
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ocsd.access import private_files
from ocsd.access.records import AdmittedHost, Entry, Identity
from ocsd.access.store import AccessStore
from ocsd.access.tickets import SECRET_BYTES, host_key
from ocsd.errors import AccessFilesError
from ocsd.text.times import utc

VALID_DAYS: Final = 7
"""For how long a bundle is taken: a forgotten copy of it should not lie about for years."""

_FORMAT: Final = "ocsd-bundle"
_VERSION: Final = 1
_PAGE_FILES: Final = ("web.pem", "web.key")


@dataclass(frozen=True, slots=True)
class Bundle(Entry):
    """All that another host needs."""

    site: str
    host: str
    hub: str
    """The router's address."""
    generation: int
    key: str = field(repr=False)
    """The key of the host, in base64."""
    authority: str
    """The certificate of the site's authority, in PEM."""
    page_certificate: str
    page_key: str = field(repr=False)
    """Certificate and key of the host's page; empty if only the host itself reaches the page."""
    made_at: float
    expires_at: float

    def as_bytes(self) -> bytes:
        """Return the content of the file."""
        return json.dumps({_FORMAT: _VERSION, **self.as_json()}, indent=1).encode() + b"\n"


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


def bundle_for(
    store: AccessStore, host: str, url: str, now_at: float, page: tuple[bytes, bytes] = (b"", b"")
) -> Bundle:
    """Return the bundle of a host that was admitted.

    Parameters
    ----------
    store : AccessStore
        The files of the router's host.
    host : str
        The name of the other host.
    url : str
        The router's address.
    now_at : float
        The present time [s, Unix time].
    page : tuple of two bytes
        Certificate and key of its page.
    """
    generation = store.hosts()[host].generation
    return Bundle(
        site=store.identity().site,
        host=host,
        hub=url,
        generation=generation,
        key=b64encode(host_key(store.secret(), host, generation)).decode(),
        authority=store.authority_certificate().decode(),
        page_certificate=page[0].decode(),
        page_key=page[1].decode(),
        made_at=now_at,
        expires_at=now_at + VALID_DAYS * 86400,
    )


def read_bundle(path: Path) -> Bundle:
    """Read a bundle.

    Raises
    ------
    AccessFilesError
        If it cannot be read, or is none, or is damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AccessFilesError(f"cannot read {path}: {error.strerror}") from error
    try:
        value = json.loads(content[: private_files.LARGEST_FILE_BYTES])
        if not isinstance(value, dict) or value.get(_FORMAT) != _VERSION:
            raise ValueError("is no bundle of ocsd")
        bundle = Bundle.of_json(value)
        if len(b64decode(bundle.key, validate=True)) != SECRET_BYTES:
            raise ValueError("has a key of another size")
    except (ValueError, RecursionError) as error:
        reason = str(error)
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
            reason = "is not whole"
        raise AccessFilesError(
            f"{path} cannot be used: it {reason}; make it on the router's host: ocsd access host "
            "NAME, and copy it as it is"
        ) from error
    return bundle


def refusal_of(
    bundle: Bundle, host: str, url: str | None, known: Identity | None, now_at: float
) -> str | None:
    """Return why a bundle cannot be used on a host, in a sentence; None if it can.

    Parameters
    ----------
    bundle : Bundle
        The bundle.
    host : str
        The name of this host in the site file.
    url : str or None
        The router's address in the site file; None if the file still has an open one.
    known : Identity or None
        The site of which this host is a part already.
    now_at : float
        The present time [s, Unix time].
    """
    again = f"make one on the router's host: ocsd access host {host}"
    if bundle.host != host:
        return f"the bundle is for host {bundle.host!r}, and this is {host!r}; {again}"
    if known is not None and known.is_hub:
        return f"this host, {host!r}, runs the router and needs no bundle"
    if known is not None and known.site != bundle.site:
        return (
            f"the bundle is for site {bundle.site}, and this host is a part of site {known.site}; "
            "to let it change to the other site: --replace"
        )
    if url is not None and url != bundle.hub:
        return (
            f"the bundle is for the router at {bundle.hub}, but the site file here has {url}; "
            f"correct wamp_server there, or {again}"
        )
    if now_at > bundle.expires_at:
        return f"the bundle has expired on {utc(bundle.expires_at)}; {again}"
    if now_at < bundle.made_at - 3600:
        return (
            f"the bundle was made at {utc(bundle.made_at)}, and it is {utc(now_at)} by this "
            "machine's clock; set the clock, because certificates depend on it"
        )
    return None


def join(store: AccessStore, bundle: Bundle, now_at: float) -> None:
    """Put a bundle in place; it replaces an older one.

    Raises
    ------
    AccessFilesError
        If it cannot be written.
    NotPermittedError
        If this user may not write it.
    """
    private_files.make_folder(store.folder)
    with private_files.locked(store.folder):
        store.write_authority_certificate(bundle.authority.encode())
        store.write_host_key(b64decode(bundle.key))
        for name, content in zip(
            _PAGE_FILES, (bundle.page_certificate, bundle.page_key), strict=True
        ):
            if content:
                private_files.write(store.folder / name, content.encode())
        store.write_identity(
            Identity(bundle.site, bundle.host, False, bundle.hub, bundle.generation, now_at)
        )
