"""Making and rotating the keys of a site, on the host of its router.

It needs the package `cryptography`: only the commands that make keys, and the daemon's upkeep of
certificates, import it.
"""

import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ocsd.access import certificates
from ocsd.access.bundle import admit
from ocsd.access.certificates import Issued
from ocsd.access.private_files import make_folder
from ocsd.access.records import CapabilityUrl, Identity
from ocsd.access.store import AccessStore
from ocsd.errors import AccessFilesError

_OWN_NAMES: Final = ("localhost", "127.0.0.1", "::1")
"""The names by which programs on the router's machine may reach it."""


def host_of(url: str) -> str:
    """Return the host that a URL names."""
    return urlsplit(url).hostname or "localhost"


def certificate_names(url: str, more: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names for which the router's certificate stands, that of its URL first."""
    return tuple(dict.fromkeys((host_of(url), *more, *_OWN_NAMES)))


def make_site(folder: Path, host: str, url: str, names: Iterable[str], now_at: float) -> Identity:
    """Make all keys of a site, or none.

    Parameters
    ----------
    folder : Path
        The folder that will hold them.
    host : str
        The name of the router's host in the site file.
    url : str
        The router's address.
    names : iterable of str
        More names of the router's machine.
    now_at : float
        The present time [s, Unix time].

    Raises
    ------
    AccessFilesError
        If there are keys already, or they cannot be written.
    NotPermittedError
        If this user may not write them.
    """
    identity = Identity(secrets.token_hex(8), host, True, url, 0, now_at)
    unfinished = AccessStore(folder.with_name(f".{folder.name}.{secrets.token_hex(8)}"))
    make_folder(unfinished.folder)
    try:
        unfinished.new_secret()
        admit(unfinished, host, now_at)
        unfinished.change_people(lambda _: None)
        unfinished.change_urls(lambda _: None)
        unfinished.write_authority(_authority(identity, now_at))
        issue_router(unfinished, certificate_names(url, names), now_at)
        unfinished.write_identity(identity)
        # It fails if there is such a folder with something in it.
        unfinished.folder.rename(folder)
    except OSError as error:
        raise AccessFilesError(
            f"there is something in {folder} already ({error.strerror}), and it is not overwritten"
        ) from error
    finally:
        shutil.rmtree(unfinished.folder, ignore_errors=True)
    return identity


def _authority(identity: Identity, now_at: float) -> Issued:
    return certificates.make_authority(f"ocsd site {identity.site}", now_at)


def issue_router(store: AccessStore, names: Iterable[str], now_at: float) -> None:
    """Issue a new certificate for the router, with a new key."""
    store.write_router(certificates.issue(store.authority(), names, now_at))


def rotate_all(store: AccessStore, names: Iterable[str], now_at: float) -> None:
    """Make every secret anew but the passwords of people; other hosts need new bundles."""
    identity = store.identity()
    store.write_authority(_authority(identity, now_at))
    issue_router(store, names, now_at)
    store.new_secret()
    for host in store.hosts():
        admit(store, host, now_at, anew=True)
    for name, each in store.urls().items():
        url = CapabilityUrl.new(each.kind, each.role, each.authid, now_at)
        store.keep_url(name, url, anew=True)
