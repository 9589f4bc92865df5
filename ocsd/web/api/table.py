"""The table of the API: every request with its parameters, its answer, and its handler."""

from typing import Final

from ocsd.log.levels import LEVELS
from ocsd.web.api import schemas
from ocsd.web.api.handlers import Handlers
from ocsd.web.server.route import EVENTS, LINES, Param, Route
from ocsd.web.sources.records import MOST_ENTRIES, MOST_LINES

_STATE_EVENTS: Final = {
    "state": "as `GET state`, whenever something changed, and every 2 s at least",
    "transition": "an instance changed its state, as in the control API",
    "tick": "the time, once a second",
}
SINCE: Final = Param("since", "number", "the beginning of the time [Unix s]; a day ago by default")
UNTIL: Final = Param("until", "number", "the end of the time [Unix s]; now by default")
_LEVEL: Final = Param("level", "choice", "the lowest level of lines", LEVELS[0], choices=LEVELS)
_GREP: Final = Param("grep", "text", "text to find; small letters mean capitals, too", "")
_LINES: Final = Param("lines", "count", "number of lines, at most", 200, least=1, most=MOST_LINES)
_LOG_SINCE: Final = Param("since", "number", "the time of the first line [Unix s]")
_LIMIT: Final = Param("limit", "count", "number, at most", 200, least=1, most=MOST_ENTRIES)
_FOUND: Final = (400, 404, 503)


def routes(handlers: Handlers) -> tuple[Route, ...]:
    """Return the table, with the handlers that answer."""
    return (
        *_of_state(handlers),
        *_of_instances(handlers),
        *_of_records(handlers),
        *_of_process(handlers),
    )


def _of_state(handlers: Handlers) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            "state",
            "The state of the host: the verdict, what is wrong, and its status.",
            handlers.watching.state,
            schemas.STATE_SCHEMA,
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


def _of_instances(handlers: Handlers) -> tuple[Route, ...]:
    verbs = {
        "up": "Bring instances up; the lines tell what becomes of each.",
        "down": "Bring instances down.",
        "restart": "Restart instances.",
    }
    changes = (
        Route(
            "POST",
            f"instances/{verb}",
            summary,
            handlers.changing.instances(verb),
            schemas.OBJECT,
            kind=LINES,
            body=schemas.CHANGE,
            refusals=_FOUND,
        )
        for verb, summary in verbs.items()
    )
    operations = "instances/{name}/operations"
    return (
        *changes,
        Route(
            "GET",
            operations,
            "The operations of an agent, with their parameters and latest sessions.",
            handlers.changing.operations,
            schemas.OPERATIONS,
            refusals=_FOUND,
        ),
        Route(
            "GET",
            f"{operations}/{{operation}}",
            "The latest session of an operation.",
            handlers.changing.operation,
            schemas.SESSION_SCHEMA,
            refusals=_FOUND,
        ),
        Route(
            "POST",
            f"{operations}/{{operation}}/{{action}}",
            "Start, stop or abort an operation (action: `start`, `stop`, `abort`).",
            handlers.changing.request,
            schemas.ANSWER,
            body=schemas.PARAMS,
            refusals=_FOUND,
        ),
    )


def _of_records(handlers: Handlers) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            "instances/{name}/log",
            "The last lines of a log; also of `router` and `ocsd`, the daemon.",
            handlers.telling.log,
            schemas.LOG_SCHEMA,
            params=(_LINES, _LEVEL, _GREP, _LOG_SINCE),
            refusals=_FOUND,
        ),
        Route(
            "GET",
            "instances/{name}/log/follow",
            "The lines that are appended to a log.",
            handlers.telling.follow,
            schemas.LINE,
            kind=EVENTS,
            params=(_LEVEL, _GREP),
            refusals=_FOUND,
            events={"line": "a line of the log"},
        ),
        Route(
            "GET",
            "instances/{name}/strip",
            "The states of an instance, one after the other.",
            handlers.telling.strip,
            schemas.STRIP,
            params=(SINCE, UNTIL),
            refusals=_FOUND,
        ),
        Route(
            "GET",
            "history",
            "What happened on the host, the oldest first.",
            handlers.telling.history,
            schemas.HISTORY,
            params=(
                Param("instance", "text", "a name; `ocsd` is the daemon", many=True),
                Param("kind", "choice", "only what somebody asked for", "", choices=("request",)),
                SINCE,
                UNTIL,
                _LIMIT,
            ),
            refusals=(400, 503),
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
        Route(
            "GET",
            "views",
            "The feed viewers (`ocsd view-feed`) that told this host about themselves.",
            handlers.views,
            schemas.VIEWS,
        ),
        Route("GET", "openapi.json", "This document.", handlers.openapi, {"type": "object"}),
    )
