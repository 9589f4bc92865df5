"""The requests that are refused whatever they ask for, and the headers of every answer.

A web page of somebody else must not operate the telescope of whoever reads it: a change needs a
POST with JSON, which browsers send to another site only if that allows it (we do not), and must
not say that it comes from another site. A name that somebody else's name server lets lead to
this machine (DNS rebinding) is none of ours.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
"""Headers of every answer."""

_OWN_NAMES: Final = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?", re.IGNORECASE)
_SAME: Final = frozenset({"same-origin", "none"})
_FETCHED: Final = frozenset({"cors", "no-cors", "same-origin", "websocket"})
"""Modes in which a page fetches something, and no person follows a link."""

Header = Callable[[str], str]
"""Returns a header of the request by its name; empty if it has none."""


class Refusal(NamedTuple):
    """Why a request is refused."""

    code: int
    """The status of HTTP."""
    message: str


def refusal(
    method: str, header: Header, *, names: Collection[str] | None, is_page: bool = True
) -> Refusal | None:
    """Return why a request is refused; None if it is not.

    `names` are the names of this machine, beside those of loopback, under which the page may be
    opened; None: all, as when a web server in front of it answers for the names that lead to it.
    `is_page` says that the request is for a file of the page; all else may be led to only by a
    person who follows a link, and not by a frame or a redirection: an export keeps this machine
    busy for long.
    """
    host = header("host")
    if names is not None and not _is_ours(host, names):
        return Refusal(
            403,
            f"{host!r} is no name under which this page is served; open it under one of them, "
            "e.g. http://localhost:PORT/, name it in web: {names: [NAME]} of the host, or set a "
            "web server in front of it (docs/run/operating.md)",
        )
    if method == "POST":
        return _of_change(host, header)
    is_led = header("sec-fetch-mode") not in _FETCHED
    is_followed = is_page or header("sec-fetch-user") == "?1"
    if header("sec-fetch-site").lower() == "cross-site" and not (is_led and is_followed):
        return Refusal(403, "a page of another site may lead here, but not read or occupy anything")
    return None


def _is_ours(host: str, names: Collection[str]) -> bool:
    if _OWN_NAMES.fullmatch(host):
        return True
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and name in names


def _of_change(host: str, header: Header) -> Refusal | None:
    kind = header("content-type").partition(";")[0].strip().lower()
    if kind != "application/json":
        return Refusal(415, f"a change needs content-type: application/json, not {kind or 'none'}")
    return _of_other_site(host, header)


def _of_other_site(host: str, header: Header) -> Refusal | None:
    origin, site = header("origin"), header("sec-fetch-site").lower()
    if site:
        if site in _SAME:
            return None
    elif not origin or urlsplit(origin).netloc.lower() in _names(host, header):
        return None
    return Refusal(
        403,
        f"a page of {origin or 'another site'} may not change anything here; behind a web server, "
        "let that pass on its name: proxy_set_header X-Forwarded-Host $http_host",
    )


def _names(host: str, header: Header) -> set[str]:
    forwarded = header("x-forwarded-host").split(",")
    return {each.strip().lower() for each in (host, *forwarded) if each.strip()}
