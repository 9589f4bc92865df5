"""The judgement of `ocsd access check`: values in, findings out."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from ocsd.access.records import Identity, Person
from ocsd.system.address import is_loopback
from ocsd.text.times import utc


class Weight(StrEnum):
    """The weight of a finding, the heaviest last."""

    FINE = "ok"
    OPEN = "open"
    """Something is open, or will need care."""
    PROBLEM = "problem"
    """Something has to be corrected."""


class Finding(NamedTuple):
    """One thing that was found."""

    level: Weight
    text: str
    remedy: str = ""


class Facts(NamedTuple):
    """All that is known of the access to a site from one host."""

    host: str
    url: str
    """The router's address."""
    tls_url: str | None
    """The address at which it takes logins."""
    is_closed: bool
    interface: str
    """The address or name at which it listens."""
    now_at: float
    runs_router: bool = True
    """Whether that is on this host."""
    addresses: tuple[str, ...] = ()
    """The addresses that the name of `interface` has on this machine; empty if none is known."""
    folder: str = ""
    identity: Identity | None = None
    """None: this host has no keys."""
    troubles: tuple[str, ...] = ()
    """Files that cannot be used, each in a sentence with its remedy."""
    certificate_faults: tuple[str, ...] = ()
    certificate_until_at: float | None = None
    people: Mapping[str, Person] = {}
    hosts: tuple[str, ...] = ()
    """The hosts that may join."""
    site_hosts: tuple[str, ...] = ()
    """The hosts of the site file."""
    urls: tuple[str, ...] = ()
    """The capability URLs, each with its kind and role."""
    joins: Mapping[str, Mapping[str, Any]] = {}
    """Programs that joined the open way: ``count``, ``last_at`` and ``peer`` by name."""
    router_fault: str = ""
    """Why the router cannot be reached from here with TLS; empty if it can, or was not tried."""
    running: str = ""
    """``open`` or ``closed``: the router that the daemon here runs; empty if none runs."""
    clock_off_s: float | None = None
    """Difference between this machine's clock and that of the router's host [s]."""


_CLOCKS_DIFFER_S = 300.0
_NAMES_SHOWN = 8


def judged(facts: Facts) -> list[Finding]:
    """Return what was found, in the order of a report."""
    found = [*_of_address(facts), *_of_keys(facts)]
    if facts.troubles:
        return found  # the rest cannot be known
    if facts.identity is not None and facts.identity.is_hub:
        found += [*_of_certificate(facts), *_of_lists(facts)]
    elif facts.router_fault:
        found.append(Finding(Weight.PROBLEM, facts.router_fault))
    return [*found, *_of_clock(facts), *_of_joins(facts)]


def worst(found: Sequence[Finding]) -> Weight:
    """Return the heaviest level."""
    levels = list(Weight)
    return max((each.level for each in found), key=levels.index, default=Weight.FINE)


def _of_address(facts: Facts) -> Iterator[Finding]:
    local = is_loopback(facts.interface)
    if facts.is_closed:
        yield Finding(Weight.FINE, f"closed: nobody joins {facts.url} without a login")
    elif local:
        text = f"open to the users of this machine only: {facts.url} is at {facts.interface}"
        yield Finding(Weight.FINE, text)
    else:
        text = f"open: whoever reaches {facts.url} may start and stop every operation"
        remedy = "ocsd access init"
        if facts.identity is not None:
            remedy = "write into the site file, under hub: access: closed, wamp_server: "
            remedy += facts.tls_url or facts.identity.hub
        yield Finding(Weight.OPEN, text, remedy)
    if facts.runs_router and facts.running:
        yield from _of_running(facts)
    if facts.runs_router:
        yield from _of_listening(facts)


def _of_running(facts: Facts) -> Iterator[Finding]:
    written = "open"
    if facts.is_closed:
        written = "closed"
    if facts.running != written:
        text = f"the router that runs is {facts.running} until it is started anew"
        yield Finding(Weight.PROBLEM, text, "ocsd stop, then ocsd start -d")


def _of_listening(facts: Facts) -> Iterator[Finding]:
    if facts.interface in {"0.0.0.0", "::"}:
        yield Finding(Weight.FINE, "the router listens at all addresses of this machine (listen)")
    elif facts.addresses and all(map(is_loopback, facts.addresses)):
        if not is_loopback(facts.interface):
            at = ", ".join(facts.addresses)
            text = f"{facts.interface} is {at} on this machine, so no other one reaches the router"
            remedy = "write this machine's address into the site file, under hub: listen: ADDRESS"
            yield Finding(Weight.PROBLEM, text, remedy)
    elif not facts.addresses:
        text = f"{facts.interface} is no address of this machine, as far as it knows"
        remedy = "correct wamp_server, or write under hub: listen: ADDRESS"
        yield Finding(Weight.PROBLEM, text, remedy)


def _of_keys(facts: Facts) -> Iterator[Finding]:
    for text in facts.troubles:
        yield Finding(Weight.PROBLEM, text)
    if facts.identity is not None:
        kind = "router's host"
        if not facts.identity.is_hub:
            kind = "host with a bundle"
        since = utc(facts.identity.made_at)
        text = f"keys of site {facts.identity.site} since {since} ({kind}), in {facts.folder}"
        yield Finding(Weight.FINE, text)
        yield from _of_identity(facts, facts.identity)
    elif facts.tls_url is not None and not facts.troubles:
        remedy = "ocsd access init"
        if not facts.runs_router:
            remedy = f"on the router's host: ocsd access host {facts.host}; here: ocsd access join"
        yield Finding(Weight.PROBLEM, f"host {facts.host} has no keys in {facts.folder}", remedy)


def _of_identity(facts: Facts, identity: Identity) -> Iterator[Finding]:
    if identity.host != facts.host:
        text = f"the keys are those of host {identity.host!r}, and this is {facts.host!r}"
        yield Finding(Weight.PROBLEM, text, "name the host as before, or make keys for this one")
    if identity.is_hub != facts.runs_router:
        text = "the keys are those of a host with the router, which is elsewhere now"
        if facts.runs_router:
            text = "the keys are those of a host without the router, which runs here now"
        yield Finding(Weight.PROBLEM, text, f"remove {facts.folder}, then see: ocsd access --help")
    if facts.tls_url is not None and not identity.is_hub and identity.hub != facts.tls_url:
        text = f"the bundle is for the router at {identity.hub}, the site file has {facts.tls_url}"
        yield Finding(
            Weight.PROBLEM, text, "correct wamp_server in the site file, or take a new bundle"
        )


def _of_certificate(facts: Facts) -> Iterator[Finding]:
    for fault in facts.certificate_faults:
        remedy = "ocsd access rotate router"
        if "clock" in fault:
            remedy = "correct the clock"
        yield Finding(Weight.PROBLEM, f"the router's certificate {fault}", remedy)
    if not facts.certificate_faults and facts.certificate_until_at is not None:
        until = utc(facts.certificate_until_at)
        text = f"the router's certificate is good until {until}; the daemon renews it before"
        yield Finding(Weight.FINE, text)


def _of_lists(facts: Facts) -> Iterator[Finding]:
    people = [f"{name} ({each.role})" for name, each in facts.people.items()]
    if people:
        yield Finding(Weight.FINE, f"people: {_listed(people)}")
    else:
        text = "nobody but the users of this machine may log in"
        yield Finding(Weight.OPEN, text, "ocsd access user add NAME --role operator")
    yield Finding(Weight.FINE, f"hosts with keys: {_listed(facts.hosts)}")
    for name in facts.site_hosts:
        if name not in facts.hosts:
            text = f"host {name} of the site file cannot join with a login yet"
            yield Finding(Weight.OPEN, text, f"ocsd access host {name}")
    for name in facts.hosts:
        if name not in facts.site_hosts:
            text = f"host {name} may join, but the site file does not list it"
            yield Finding(Weight.OPEN, text, f"ocsd access host {name} --remove")
    if facts.urls:
        yield Finding(Weight.FINE, f"URLs that need no login: {_listed(facts.urls)}")


def _of_clock(facts: Facts) -> Iterator[Finding]:
    if facts.clock_off_s is not None and abs(facts.clock_off_s) > _CLOCKS_DIFFER_S:
        text = f"the clocks of this machine and of the router's differ by {facts.clock_off_s:.0f} s"
        yield Finding(Weight.PROBLEM, text, "correct the clock: certificates depend on it")


def _of_joins(facts: Facts) -> Iterator[Finding]:
    if facts.is_closed or not facts.joins:
        return
    latest = sorted(facts.joins.items(), key=lambda pair: -float(pair[1].get("last_at") or 0))
    for name, each in latest:
        last = utc(float(each.get("last_at") or 0))
        text = f"{name} joined without a login {each.get('count')} times, last at {last}"
        if peer := each.get("peer"):
            text += f" from {peer}"
        yield Finding(Weight.OPEN, text, _way_in(name))


def _way_in(name: str) -> str:
    kind, _, rest = name.partition(" ")
    if kind == "agent" and rest:
        return f"of ocsd: ocsd access host NAME; of the published OCS: ocsd access agent-url {rest}"
    return "a login: ocsd access user add; published software: ocsd access client-url"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        return f"{shown} and {len(names) - _NAMES_SHOWN} more"
    return shown
