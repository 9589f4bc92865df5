"""The files of access control of one host, in the folder ``access`` of its state folder.

Every host of a closed site has ``site.json`` and ``ca.pem``. The host of the router has also the
secret of the site, the authority's and the router's keys and the lists of people, hosts and
capability URLs; every other host has its own key. All are private files
(`ocsd.access.private_files`) and are replaced as a whole, so the router may read them at any time.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ocsd.access import private_files
from ocsd.access.records import AdmittedHost, CapabilityUrl, Identity, Person
from ocsd.access.tickets import SECRET_BYTES, host_key
from ocsd.errors import AccessFilesError, NotPermittedError, OcsdError

if TYPE_CHECKING:
    from ocsd.access.certificates import Issued

USERS_FILE: Final = "users.json"
HOSTS_FILE: Final = "hosts.json"
URLS_FILE: Final = "urls.json"

_IDENTITY: Final = "site.json"
_SECRET: Final = "secret"
_HOST_KEY: Final = "host.key"
_Record = TypeVar("_Record", Person, AdmittedHost, CapabilityUrl)


class AccessStore:
    """The files of access control in a folder.

    Every method that reads or writes raises `AccessFilesError` if a file is missing, damaged or
    open to others, and `NotPermittedError` if this user may not use it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def exists(self) -> bool:
        """Whether this host has keys of a closed site; it says nothing of their soundness."""
        try:
            return (self.folder / _IDENTITY).exists()
        except PermissionError as error:
            raise NotPermittedError(
                f"cannot look into {self.folder}: {error.strerror}; be the user of the daemon, or "
                "use sudo"
            ) from error

    @property
    def authority_file(self) -> Path:
        """The certificate of the site's authority, which everybody may know."""
        return self.folder / "ca.pem"

    @property
    def router_files(self) -> tuple[Path, Path]:
        """The router's certificate and its key."""
        return self.folder / "router.pem", self.folder / "router.key"

    def identity(self) -> Identity:
        """Return the part of this host in the site."""
        try:
            return Identity.of_json(self._json(_IDENTITY))
        except ValueError as error:
            raise self._damaged(_IDENTITY, str(error)) from error

    def write_identity(self, identity: Identity) -> None:
        """Write it; it is the last file that is made, so that a host has all or nothing."""
        self._write_json(_IDENTITY, identity.as_json())

    # The lists, on the host of the router.

    def people(self) -> Mapping[str, Person]:
        """Return the people who may log in, by name."""
        return self._records(USERS_FILE, Person)

    def hosts(self) -> Mapping[str, AdmittedHost]:
        """Return the hosts that may join, by name."""
        return self._records(HOSTS_FILE, AdmittedHost)

    def urls(self) -> Mapping[str, CapabilityUrl]:
        """Return the capability URLs, by name."""
        return self._records(URLS_FILE, CapabilityUrl)

    def change_people(self, change: Callable[[dict[str, Person]], None]) -> None:
        """Change the list of people; two processes may do so at once."""
        self._change(USERS_FILE, Person, change)

    def change_hosts(self, change: Callable[[dict[str, AdmittedHost]], None]) -> None:
        """Change the list of hosts; two processes may do so at once."""
        self._change(HOSTS_FILE, AdmittedHost, change)

    def change_urls(self, change: Callable[[dict[str, CapabilityUrl]], None]) -> None:
        """Change the list of capability URLs; two processes may do so at once."""
        self._change(URLS_FILE, CapabilityUrl, change)

    def keep_url(self, name: str, url: CapabilityUrl, *, anew: bool = False) -> CapabilityUrl:
        """Write a capability URL, unless there is one of that name; return the one that holds.

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
                    f"there is a URL {name!r} already: {known.kind}, role {known.role}; choose "
                    f"another name, or remove it first: ocsd access {known.kind}-url {name} "
                    "--remove"
                )

        self.change_urls(change)
        return self.urls()[name]

    # Secrets.

    def secret(self) -> bytes:
        """Return the secret of the site."""
        return self._key(_SECRET)

    def new_secret(self) -> None:
        """Make a secret of the site; every host needs a new bundle."""
        self._write(_SECRET, secrets.token_bytes(SECRET_BYTES))

    def host_key(self) -> bytes:
        """Return the key of this host, of which the tickets of its agents are made."""
        identity = self.identity()
        if not identity.is_hub:
            return self._key(_HOST_KEY)
        admitted = self.hosts().get(identity.host)
        if admitted is None:
            raise self._damaged(HOSTS_FILE, f"does not list this host, {identity.host!r}")
        return host_key(self.secret(), identity.host, admitted.generation)

    def write_host_key(self, key: bytes) -> None:
        """Write the key that a bundle holds."""
        self._write(_HOST_KEY, key)

    # Certificates.

    def authority_certificate(self) -> bytes:
        """Return the certificate of the site's authority."""
        return private_files.read(self.authority_file)

    def write_authority_certificate(self, pem: bytes) -> None:
        """Write the certificate that a bundle holds."""
        private_files.write(self.authority_file, pem)

    def authority(self) -> "Issued":
        """Return the site's authority."""
        return self._issued(self.authority_file, self.folder / "ca.key")

    def write_authority(self, authority: "Issued") -> None:
        """Write the site's authority."""
        private_files.write(self.folder / "ca.key", authority.key)
        private_files.write(self.authority_file, authority.certificate)

    def router(self) -> "Issued":
        """Return the router's certificate and key."""
        return self._issued(*self.router_files)

    def write_router(self, issued: "Issued") -> None:
        """Write the router's certificate; who sees the new one finds the key that belongs to it."""
        certificate, key = self.router_files
        private_files.write(key, issued.key)
        private_files.write(certificate, issued.certificate)

    # Files.

    def _issued(self, certificate: Path, key: Path) -> "Issued":
        from ocsd.access.certificates import Issued

        return Issued(private_files.read(certificate), private_files.read(key))

    def _key(self, name: str) -> bytes:
        key = private_files.read(self.folder / name)
        if len(key) != SECRET_BYTES:
            raise self._damaged(name, f"has {len(key)} bytes, not {SECRET_BYTES}")
        return key

    def _records(self, name: str, kind: type[_Record]) -> dict[str, _Record]:
        listed = self._json(name)
        if not isinstance(listed, dict):
            raise self._damaged(name, "is not a list of names")
        found = {}
        for key, value in listed.items():
            try:
                found[key] = kind.of_json(value)
            except ValueError as error:
                raise self._damaged(name, f"{key!r} {error}") from error
        return found

    def _change(
        self, name: str, kind: type[_Record], change: Callable[[dict[str, _Record]], None]
    ) -> None:
        with private_files.locked(self.folder):
            records: dict[str, _Record] = {}
            if (self.folder / name).exists():
                records = self._records(name, kind)
            before = dict(records)
            change(records)
            if records != before or not before:
                listed = {key: records[key].as_json() for key in sorted(records)}
                self._write_json(name, listed)

    def _json(self, name: str) -> Any:
        content = private_files.read(self.folder / name)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._damaged(name, "is not JSON") from error

    def _write_json(self, name: str, value: Any) -> None:
        self._write(name, json.dumps(value, indent=1).encode() + b"\n")

    def _write(self, name: str, content: bytes) -> None:
        private_files.write(self.folder / name, content)

    def _damaged(self, name: str, how: str) -> AccessFilesError:
        return AccessFilesError(
            f"{self.folder / name} is damaged ({how}); restore it from a backup, or remove "
            f"{self.folder} and begin anew: ocsd access init"
        )
