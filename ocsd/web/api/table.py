"""The table of the API: every request with its parameters, its answer, and its handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocsd.web.api import schemas
from ocsd.web.server.route import EVENTS, Route

if TYPE_CHECKING:
    from ocsd.web.api.handlers import Handlers

_STATE_EVENTS: Final = {
    "state": "as `GET state`, whenever something changed, and every 2 s at least",
    "transition": "an instance changed its state, as in the control API",
    "tick": "the time, once a second",
}


def routes(handlers: Handlers) -> tuple[Route, ...]:
    """Return the table, with the handlers that answer."""
    return (*_of_state(handlers), *_of_process(handlers))


def _of_state(handlers: Handlers) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            "state",
            "The state of the host: the verdict, what is wrong, and its status.",
            handlers.watching.state,
            schemas.STATE,
        ),
        Route(
            "GET",
            "events",
            "Each state and each transition, as they come.",
            handlers.watching.events,
            kind=EVENTS,
            refusals=(400, 503),
            events=_STATE_EVENTS,
        ),
    )


def _of_process(handlers: Handlers) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            "about",
            "The process that serves the page.",
            handlers.about,
            schemas.ABOUT,
        ),
        Route("GET", "openapi.json", "This document.", handlers.openapi, {"type": "object"}),
    )
