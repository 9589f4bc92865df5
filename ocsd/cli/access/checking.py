"""The command `ocsd access check`: gathers the facts, and prints the findings."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ocsd.access import private_files
from ocsd.access.store import AccessStore
from ocsd.cli.access import place
from ocsd.cli.access.findings import Facts, Finding, Weight, judged, worst
from ocsd.cli.arguments import options
from ocsd.cli.talk import control
from ocsd.errors import AccessFilesError, OcsdError
from ocsd.status import replies
from ocsd.status.verdict import NOT_WELL_EXIT
from ocsd.system.address import port_of
from ocsd.system.paths import HostPaths

if TYPE_CHECKING:
    from ocsd.site.model import Host, Site

_EXIT = {
    Weight.FINE: 0,
    Weight.OPEN: NOT_WELL_EXIT,
    Weight.PROBLEM: AccessFilesError.exit_code,
}
_MARKS = {Weight.FINE: "ok  ", Weight.OPEN: "open", Weight.PROBLEM: "BAD "}
_CENSUS_FILE = "open-joins.json"
_ROUTER_LIMIT_S = 3.0


@options.command(
    "ocsd access check",
    "ocsd access check --json | jq '.findings[] | select(.level != \"ok\")'",
    after="Exit code 0: nothing to do. 5: something is open, or will need care. 78: something has "
    "to be corrected.",
)
@options.host_entry_option
@options.site_file_option
@options.json_option
def check(host: str | None, site_file: str | None, as_json: bool) -> int:
    """Show what is open, to whom, on which address, and what is wrong, each with its remedy.

    On the router's host it also names who joined without a login since the site has keys: when
    nobody does any more, the site can be closed. On another host it tries the router's
    certificate.
    """
    site, entry = place.site_of(site_file, host)
    facts = _facts(site, entry)
    found = judged(facts)
    if as_json:
        listed = [each._asdict() for each in found]
        told = {"host": facts.host, "closed": facts.is_closed, "url": facts.url}
        joins = {name: dict(each) for name, each in facts.joins.items()}
        print(json.dumps({**told, "findings": listed, "open_joins": joins}, indent=1))
    else:
        print("\n".join(map(_line, found)))
    return _EXIT[worst(found)]


def _line(finding: Finding) -> str:
    line = f"{_MARKS[finding.level]}  {finding.text}"
    if finding.remedy:
        return f"{line}\n      -> {finding.remedy}"
    return line


def _facts(site: "Site", entry: "Host") -> Facts:
    from ocsd.site import load

    hub, places = load.router_of_site(site, entry), place.of_host(entry.name, entry.log_dir)
    runs_router = load.runs_router(site, entry)
    facts = Facts(
        host=entry.name,
        url=hub.wamp_server,
        tls_url=hub.tls_url,
        is_closed=hub.is_closed,
        interface=hub.interface,
        now_at=time.time(),
        runs_router=runs_router,
        addresses=tuple(_addresses(hub.interface)),
        folder=str(places.access),
        site_hosts=tuple(site.hosts),
        joins=_joins(places),
        running=_running(entry.name),
    )
    store = AccessStore(places.access)
    try:
        if not store.exists:
            return facts
        troubles = tuple(_troubles(store))
        facts = facts._replace(identity=store.identity(), troubles=troubles)
    except OcsdError as error:
        return facts._replace(troubles=(str(error),))
    if troubles:
        return facts
    if runs_router:
        return _of_router(facts, store)
    return _of_connection(facts, store)


def _troubles(store: AccessStore) -> Iterator[str]:
    """Yield why each file that cannot be used is refused."""
    for name in sorted(os.listdir(store.folder)):
        if name != private_files.LOCK_FILE and not name.startswith("."):
            try:
                private_files.read(store.folder / name)
            except OcsdError as error:
                yield str(error)


def _addresses(name: str) -> Iterator[str]:
    """Yield the addresses that a name has on this machine."""
    with suppress(OSError, UnicodeError):
        for *_, address in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM):
            yield str(address[0])


def _running(host: str) -> str:
    """Return whether the router of the running daemon is open or closed; empty if none runs."""
    with suppress(OcsdError):
        report = replies.host_status(control.find(host, _ROUTER_LIMIT_S).status(_ROUTER_LIMIT_S))
        if report.router.state != "external":
            return report.access.hub
    return ""


def _joins(places: HostPaths) -> dict[str, dict[str, Any]]:
    """Return who joined the open way, as the router counts them (`ocsd.router.guard.census`)."""
    try:
        found = json.loads((places.router_config / _CENSUS_FILE).read_text(encoding="utf-8"))
        return {str(name): dict(each) for name, each in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _of_router(facts: Facts, store: AccessStore) -> Facts:
    """Return the facts with those of the router's host."""
    # It takes long to load.
    from ocsd.access import certificates, making

    try:
        issued, authority = store.router(), store.authority_certificate()
        name = making.host_of(facts.tls_url or store.identity().hub)
        faults = tuple(certificates.faults(issued, authority, name, facts.now_at))
        urls = store.urls().items()
        return facts._replace(
            certificate_faults=faults,
            certificate_until_at=certificates.described(issued.certificate).until_at,
            people=store.people(),
            hosts=tuple(store.hosts()),
            urls=tuple(f"{name} ({each.kind}, {each.role})" for name, each in urls),
        )
    except OcsdError as error:
        return facts._replace(troubles=(*facts.troubles, str(error)))


def _of_connection(facts: Facts, store: AccessStore) -> Facts:
    """Return the facts with those of a connection to the router from another host."""
    if facts.tls_url is None:
        return facts
    fault, clock_off_s = _tried(facts.tls_url, store.authority_file)
    return facts._replace(router_fault=fault, clock_off_s=clock_off_s)


def _tried(url: str, ca_file: Path) -> tuple[str, float | None]:
    """Return why the router cannot be reached with TLS, and by how much its clock is ahead [s]."""
    # It takes long to load.
    import ssl

    from ocsd.access.faults import certificate_fault

    parts = urlsplit(url)
    address = (parts.hostname or "localhost", port_of(parts))
    try:
        context = ssl.create_default_context(cafile=str(ca_file))
        with (
            socket.create_connection(address, _ROUTER_LIMIT_S) as plain,
            context.wrap_socket(plain, server_hostname=address[0]) as connection,
        ):
            connection.sendall(f"HEAD / HTTP/1.1\r\nHost: {address[0]}\r\n\r\n".encode())
            return "", _clock_off_s(connection.recv(4096).decode("latin-1"))
    except ssl.SSLCertVerificationError as error:
        words = error.verify_message
        return certificate_fault(error.verify_code, url, time.time(), str(ca_file), words), None
    except OSError as error:
        return f"the router at {url} is not reached: {error}", None


def _clock_off_s(answer: str) -> float | None:
    """Return by how much the clock of an HTTP server is ahead [s]; None if it does not tell."""
    from email.utils import parsedate_to_datetime

    for line in answer.splitlines():
        key, _, value = line.partition(":")
        if key.strip().lower() == "date":
            with suppress(ValueError):
                return parsedate_to_datetime(value.strip()).timestamp() - time.time()
    return None
