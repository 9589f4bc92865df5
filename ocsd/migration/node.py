"""Judges crossbar's own configuration, beside the hub of the site file."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from ocsd.migration.finding import MoveFinding, Paper
from ocsd.site.document import read
from ocsd.site.model import Hub
from ocsd.system.address import port_of

_PATH_TYPES: Final = frozenset({"websocket", "caller", "publisher"})
"""Kinds of paths that a site of OCS needs."""


def findings(text: str, file: str, hub: Hub) -> Iterator[MoveFinding]:
    """Yield how crossbar's configuration fits the hub, and what only it has."""
    paper = Paper(file)
    try:
        content = json.loads(text)
    except ValueError:
        content = read(text, {}).value
    if not isinstance(content, dict):
        yield paper.to_do(None, "crossbar's configuration", "it cannot be read", "correct it")
        return
    workers = [each for each in content.get("workers") or () if isinstance(each, dict)]
    yield from _programs(paper, text, workers)
    routers = [each for each in workers if each.get("type") == "router"]
    yield from _realms(paper, text, routers, hub)
    offers = [offer for each in routers for offer in _offers(each)]
    yield from _address(paper, text, offers, "wamp_server", hub.wamp_server)
    yield from _address(paper, text, offers, "wamp_http", hub.wamp_http)
    yield from _others(paper, text, offers)


def _programs(paper: Paper, text: str, workers: list[dict[str, Any]]) -> Iterator[MoveFinding]:
    for each in workers:
        kind = str(each.get("type"))
        if kind == "router" and not each.get("components"):
            continue
        yield paper.differs(
            _line(text, "components") or _line(text, kind),
            "components",
            "crossbar runs programs of its own, which the configuration of ocsd does not have",
            "keep config-dir in the site file, or run them as agents",
        )


@dataclass(frozen=True, slots=True)
class _Offer:
    """A path, or a whole transport, at which crossbar answers."""

    kind: str
    port: int | None
    path: str
    auth: tuple[str, ...]
    has_tls: bool


def _realms(
    paper: Paper, text: str, routers: list[dict[str, Any]], hub: Hub
) -> Iterator[MoveFinding]:
    names = [str(realm.get("name")) for each in routers for realm in each.get("realms") or ()]
    if hub.wamp_realm in names:
        yield paper.taken(_line(text, hub.wamp_realm), "realm", hub.wamp_realm)
    else:
        yield paper.to_do(
            _line(text, "realms"),
            "realm",
            f"wamp_realm is {hub.wamp_realm}, and crossbar has {', '.join(names) or 'none'}",
            "write the same name into both",
        )
    for name in names:
        if name != hub.wamp_realm:
            text_ = f"realm {name} is only here; ocsd's router has one realm, {hub.wamp_realm}"
            yield paper.differs(_line(text, name), "realm", text_, "keep config-dir to have it")


def _address(
    paper: Paper, text: str, offers: list[_Offer], key: str, url: str
) -> Iterator[MoveFinding]:
    parts = urlsplit(url)
    port, path = port_of(parts), parts.path.strip("/")
    for each in offers:
        if each.port == port and each.path == path:
            yield paper.taken(_line(text, str(port)), key, f"port {port}, path /{path}, as in hub")
            return
    yield paper.to_do(
        _line(text, "transports"),
        key,
        f"the site file says {url}, and crossbar has nothing at port {port}, path /{path}",
        "correct the site file, or take config-dir out and ocsd's own router listens there",
    )


def _others(paper: Paper, text: str, offers: list[_Offer]) -> Iterator[MoveFinding]:
    for each in offers:
        what = f"port {each.port}, path /{each.path}"
        if each.kind not in _PATH_TYPES | {"rawsocket"}:
            yield paper.differs(
                _line(text, each.kind),
                f"path /{each.path}",
                f"crossbar serves {each.kind} at {what}, and ocsd's own router does not",
                "keep config-dir, or serve it with a web server",
            )
        if each.auth and set(each.auth) != {"anonymous"}:
            yield paper.to_do(
                _line(text, each.auth[0]),
                "auth",
                f"{what} takes logins by {', '.join(each.auth)}, which agents of ocsd do not send",
                "keep an anonymous transport for them, or close the site with: ocsd access init",
            )
        if each.has_tls:
            yield paper.differs(
                _line(text, "tls"),
                "tls",
                f"{what} is encrypted with a certificate of your own",
                "ocsd makes keys and certificates itself: ocsd access init",
            )


def _offers(worker: Mapping[str, Any]) -> Iterator[_Offer]:
    for each in worker.get("transports") or ():
        endpoint = each.get("endpoint") or {}
        port, has_tls = endpoint.get("port"), bool(endpoint.get("tls"))
        port = port if isinstance(port, int) else None
        paths = each.get("paths")
        if each.get("type") not in {"web", "universal"} or not isinstance(paths, dict):
            path = urlsplit(str(each.get("url", ""))).path.strip("/")
            auth = tuple(each.get("auth") or ())
            yield _Offer(str(each.get("type")), port, path, auth, has_tls)
            continue
        for path, content in paths.items():
            auth = tuple(content.get("auth") or ())
            kind = str(content.get("type"))
            yield _Offer(kind, port, path.strip("/"), auth, has_tls)
            has_tls = False  # told once


def _line(text: str, word: str) -> int | None:
    """Return the line of the first value or key of this text."""
    found = re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", text)
    return found and text.count("\n", 0, found.start()) + 1
