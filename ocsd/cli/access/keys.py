"""The commands of `ocsd access` that make, carry and rotate keys."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocsd.access import bundle as bundles
from ocsd.access.records import CapabilityUrl
from ocsd.access.store import AccessStore
from ocsd.cli.access import place
from ocsd.cli.arguments import completion, options
from ocsd.errors import AccessFilesError, ConfigurationError, NoSuchInstanceError, OutputFileError
from ocsd.text.nearest import did_you_mean
from ocsd.text.times import utc

if TYPE_CHECKING:
    from ocsd.access.certificates import Issued
    from ocsd.site.model import Host, Site


@options.command(
    "ocsd access init",
    "ocsd access init --name control.lab.example    # the router has one more name",
    after="Keys that exist are never overwritten: ocsd access rotate makes new ones.",
)
@options.host_entry_option
@options.site_file_option
@click.option("--name", "names", metavar="NAME", multiple=True, help="One more name of this host.")
@options.json_option
def init(host: str | None, site_file: str | None, names: tuple[str, ...], as_json: bool) -> None:
    """Make the keys of the site, on the host of its router.

    Nothing that runs is changed: the site is closed by two lines of the site file, which are
    printed.
    """
    site, entry = place.site_of(site_file, host)
    _refuse_other_host(site, entry)
    places = place.of_host(entry.name, entry.log_dir)
    store = AccessStore(places.access)
    url = _closed_url(site, entry)
    made = not store.exists
    if made:
        # It takes long to load.
        from ocsd.access import making
        from ocsd.access.upkeep import page_names

        making.make_site(
            places.access, entry.name, url, (*names, *page_names(entry.web)), time.time()
        )
        place.note(places, "init", entry.name, {"url": url})
    identity = store.identity()
    others = [name for name in site.hosts if name != entry.name]
    if as_json:
        told = {"made": made, "site": identity.site, "folder": str(store.folder), "url": url}
        print(json.dumps({**told, "hosts_without_keys": others}, indent=1))
        return
    print("\n".join(_told_of_init(store, site, url, others, made=made)))


def _told_of_init(
    store: AccessStore, site: "Site", url: str, others: list[str], *, made: bool
) -> Iterator[str]:
    if made:
        yield (
            f"Made in {store.folder}: the authority of site {store.identity().site}, the router's "
            f"certificate for {url}, and the secret from which all tickets follow."
        )
    else:
        since = utc(store.identity().made_at)
        yield f"The keys in {store.folder} exist since {since}, and are left as they are."
    yield "Agents of this host need nothing."
    bundles = "; ".join(f"ocsd access host {name}" for name in others)
    if others:
        yield f"Each other host needs a bundle, which `ocsd access join` takes there: {bundles}"
    yield "People need a name and a password: ocsd access user add NAME --role operator"
    if not site.hub.is_closed:
        place_of_hub = site.place(site.lines.get("hub"))
        yield f"These two lines in {place_of_hub} then close the site, at the next `ocsd start`:"
        yield f"  hub:\n    access: closed\n    wamp_server: {url}"
        if "hub/wamp_http" in site.lines:
            yield "They replace wamp_server and wamp_http, which follows from wamp_server."


@options.command(
    "ocsd access host lab-2",
    "ocsd access host lab-2 --output /media/stick/lab-2.bundle",
    "ocsd access host lab-2 --remove                 # it may join no more",
    after="A bundle holds the key of its host: delete it once it was joined.",
)
@click.argument("name", metavar="NAME", shell_complete=completion.site_hosts)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="The file.")
@click.option("--remove", is_flag=True, help="Let that host join no more.")
@options.host_entry_option
@options.site_file_option
def host(
    name: str, output: Path | None, remove: bool, host: str | None, site_file: str | None
) -> None:
    """Write the bundle of another host, with the key of that host.

    Carry it there, and run `ocsd access join FILE`. A second bundle has the same key, so that the
    host goes on meanwhile. Without --output it is NAME.bundle in this folder.
    """
    from ocsd.site import load

    keys = place.of_hub(host)
    if remove:
        if not bundles.forget_host(keys.store, name):
            _refuse_unknown(name, keys.store.hosts(), "host")
        keys.record("host-remove", name)
        print(f"host {name} may join no more, and nor may its agents")
        return
    identity = keys.store.identity()
    if name == identity.host:
        raise ConfigurationError(f"{name} runs the router and needs no bundle")
    site, _ = place.site_of(site_file, identity.host)
    entry = load.pick_host(site, name)
    bundles.admit(keys.store, name, time.time())
    page = _page_certificate(keys.store, entry)
    bundle = bundles.bundle_for(keys.store, name, identity.hub, time.time(), page)
    file = output or Path(f"{name}.bundle")
    _write(file, bundle.as_bytes())
    keys.record("host", name)
    print(f"wrote {file}, for {bundles.VALID_DAYS} days; carry it to {name}, and there:")
    print(f"  ocsd access join {file.name}")


@options.command(
    "ocsd access join lab-2.bundle",
    "ocsd access join lab-2.bundle --host lab-2",
    after="The host's daemon takes it at its next start.",
)
@click.argument("bundle", metavar="BUNDLE", type=click.Path(path_type=Path, dir_okay=False))
@options.host_entry_option
@options.site_file_option
@click.option("--replace", is_flag=True, help="Also if this host is a part of another site.")
def join(bundle: Path, host: str | None, site_file: str | None, replace: bool) -> None:
    """Put the bundle of this host in place, which `ocsd access host` made."""
    from ocsd.site import load

    site, entry = place.site_of(site_file, host)
    places = place.of_host(entry.name, entry.log_dir)
    store = AccessStore(places.access)
    known = None
    if store.exists:
        known = store.identity()
    if replace and known is not None and not known.is_hub:
        known = None
    found = bundles.read_bundle(bundle)
    url = load.router_of_site(site, entry).tls_url
    if refusal := bundles.refusal_of(found, entry.name, url, known, time.time()):
        raise AccessFilesError(refusal)
    bundles.join(store, found, time.time())
    place.note(places, "join", entry.name, {"site": found.site})
    print(f"host {entry.name} is a part of site {found.site}, with the router at {found.hub}")
    print(f"now delete the bundle: rm {bundle}")
    if url is None:
        print(f"and write into the site file, under hub: access: closed, wamp_server: {found.hub}")


@options.command(
    "ocsd access rotate router         # a new certificate, without an interruption",
    "ocsd access rotate lab-2          # the host lab-2 needs a new bundle then",
    "ocsd access rotate old-agent1     # a new URL, of agent-url or client-url",
    "ocsd access rotate all            # everything but passwords",
)
@click.argument("name", metavar="NAME|router|all")
@options.host_option
def rotate(name: str, host: str | None) -> None:
    """Make a key anew, after which the old one is worthless.

    NAME is a host, or a capability URL. A person's password: ocsd access user passwd NAME.
    """
    from ocsd.access import certificates, making

    keys, now_at = place.of_hub(host), time.time()
    store, changed = keys.store, []
    old = certificates.described(store.router().certificate).names
    names = making.certificate_names(store.identity().hub, old)
    others = [each for each in store.hosts() if each != store.identity().host]
    if name == "all":
        making.rotate_all(store, names, now_at)
        changed.append("all but passwords is new; for agents of this host: ocsd stop, ocsd start")
        changed += [f"host {each} needs a new bundle: ocsd access host {each}" for each in others]
        changed += [_told_of_url(each, url.kind) for each, url in store.urls().items()]
    elif name == "router":
        making.issue_router(store, names, now_at)
        changed.append("the router has a new certificate, which new connections get")
    else:
        changed += _rotate(store, name, now_at)
    keys.record("rotate", name)
    print("\n".join(changed))


def _rotate(store: AccessStore, name: str, now_at: float) -> list[str]:
    changed = []
    if name in store.hosts():
        bundles.admit(store, name, now_at, anew=True)
        changed.append(f"host {name} needs a new bundle: ocsd access host {name}")
    if url := store.urls().get(name):
        new = CapabilityUrl.new(url.kind, url.role, url.authid, now_at)
        store.keep_url(name, new, anew=True)
        changed.append(_told_of_url(name, url.kind))
    if not changed:
        if name in store.people():
            raise ConfigurationError(f"{name} is a person; run: ocsd access user passwd {name}")
        _refuse_unknown(name, [*store.hosts(), *store.urls(), "router", "all"], "host or URL")
    return changed


def _told_of_url(name: str, kind: str) -> str:
    return f"URL {name} is new: ocsd access {kind}-url {name}"


def _refuse_unknown(name: str, known: Any, what: str) -> None:
    near = did_you_mean(name, known)
    there = ", ".join(known) or "none"
    raise NoSuchInstanceError(f"there is no {what} {name!r}; known: {there}{near}")


def _refuse_other_host(site: "Site", entry: "Host") -> None:
    from ocsd.site import load

    if load.runs_router(site, entry):
        return
    routers = [each.name for each in site.hosts.values() if each.crossbar is not None]
    there = " or ".join(routers) or "the host with the key 'crossbar'"
    raise ConfigurationError(
        f"host {entry.name!r} does not run the router; run this on {there}, and bring a bundle "
        f"here: ocsd access host {entry.name}"
    )


def _closed_url(site: "Site", entry: "Host") -> str:
    """Return the address that the router will have when it is closed."""
    from urllib.parse import urlsplit

    from ocsd.site import load

    hub = load.router_of_site(site, entry)
    if hub.tls_url is not None:
        return hub.tls_url
    parts = urlsplit(hub.wamp_server)
    if parts.scheme == "wss":
        return hub.wamp_server
    return parts._replace(scheme="wss", netloc=f"{parts.hostname}:8443").geturl()


def _page_certificate(store: AccessStore, entry: "Host") -> tuple[bytes, bytes]:
    """Return certificate and key for the page of another host; empty if it needs none."""
    from ocsd.access import certificates
    from ocsd.access.upkeep import page_names

    names = page_names(entry.web)
    if not names:
        return b"", b""
    days = certificates.PAGE_DAYS
    issued: Issued = certificates.issue(store.authority(), names, time.time(), days)
    return issued.certificate, issued.key


def _write(file: Path, content: bytes) -> None:
    from ocsd.access.private_files import write_anywhere

    try:
        write_anywhere(file, content)
    except OSError as error:
        raise OutputFileError(f"cannot write {file}: {error.strerror}; choose another") from error
