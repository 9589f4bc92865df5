"""The one place that imports twisted.web, without what is not used of it here.

That is two thirds of it: HTTP/2, Perspective Broker, and pages made of templates.
"""

import importlib
from contextlib import suppress
from types import ModuleType
from typing import Any

from ocsd.system.late import LateModule, in_place_of

__all__ = ["UnsupportedMethod", "http", "resource", "server", "speak_http_2"]


class _Copyable:
    """In place of what Perspective Broker needs of a request."""


def _perspective_broker() -> ModuleType:
    module: Any = ModuleType("twisted.spread.pb")
    module.Copyable = module.ViewPoint = _Copyable
    return module  # type: ignore[no-any-return] # it is one


with in_place_of(
    {
        "twisted.web._http2": None,
        "twisted.spread.pb": _perspective_broker(),
        # For the text of errors that no code of ours leaves to it.
        "twisted.web.util": LateModule("twisted.web.util"),
    }
):
    from twisted.web import http, resource, server
    from twisted.web.error import UnsupportedMethod


def speak_http_2() -> None:
    """Offer HTTP/2 where its libraries are there; browsers speak it over TLS only."""
    with suppress(ImportError):
        vars(http)["H2Connection"] = importlib.import_module("twisted.web._http2").H2Connection
        vars(http)["H2_ENABLED"] = True
