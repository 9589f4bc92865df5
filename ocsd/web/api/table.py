"""The table of the API: every request with its parameters, its answer, and its handler."""

from typing import Final

from ocsd.access.roles import Role
from ocsd.log.levels import LEVELS
from ocsd.web.api import schemas
from ocsd.web.api.handlers import Handlers
from ocsd.web.server.route import EVENTS, LINES, PLAIN_TEXT, Param, Route
from ocsd.web.sources.export import EXPORT_TYPES
from ocsd.web.sources.records import MOST_ENTRIES, MOST_LINES

_WINDOW: Final = Param("window", "text", "a name of the viewer's own making, to be counted by", "")
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
_FIELDS: Final = Param(
    "field",
    "text",
    "a field: its whole name, a pattern, or a unique ending, as `ocsd data plot` takes it",
    required=True,
    many=True,
)
MOST_COLUMNS_AT_ONCE: Final = 20_000
_BEGIN: Final = Param("since", "number", "the beginning of the time [Unix s]", required=True)
_COLUMNS: Final = Param(
    "columns", "count", "number of columns of each field", 2000, least=1, most=MOST_COLUMNS_AT_ONCE
)
_STEP: Final = Param(
    "step", "number", "length of a column [s]; a power of two, else the next below", 0.125, least=0
)
_LIVE_SINCE: Final = Param("since", "number", "the time of the first column [Unix s]; now")
_PATTERN: Final = Param("pattern", "text", "a name, an ending, an instance, or a pattern; all", "")
_LIVE_EVENTS: Final = {
    "begin": "first, and again after a gap: from `since` on columns are complete",
    "update": "new columns, or columns that came before with more samples now",
    "redraw": "samples came late: ask for the window again from `since`",
    "tick": "the time, once a second",
}
_SEARCH: Final = Param("search", "text", "words in name or label, all of them", "")
_EACH: Final = Param(
    "each",
    "choice",
    "`instance`: of each instance the field of numbers with the newest sample only",
    "",
    choices=("instance",),
)
_FORMAT: Final = Param("format", "choice", "the kind of file", "csv", choices=tuple(EXPORT_TYPES))
_LOG_EVENTS: Final = {
    "line": "a line of the log",
    "left_out": "`count` lines, which came all at once before the next one, are in the log only",
    "tick": "the time, once a second",
}
_FOUND: Final = (400, 404, 503)


def routes(handlers: Handlers) -> tuple[Route, ...]:
    """Return the table, with the handlers that answer."""
    return (
        *_of_people(handlers),
        *_of_state(handlers),
        *_of_alarms(handlers),
        *_of_instances(handlers),
        *_of_records(handlers),
        *_of_data(handlers),
        *_of_live_values(handlers),
        *_of_process(handlers),
    )


def _of_people(handlers: Handlers) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            "me",
            "Who is logged in, and the roles whose rights that person has.",
            handlers.entering.who,
            schemas.ME,
            role=None,
        ),
        Route(
            "POST",
            "login",
            "Log in at a closed site; the answer sets a cookie.",
            handlers.entering.log_in,
            schemas.ME,
            body=schemas.LOGIN,
            refusals=(400, 401, 404, 429, 503),
            role=None,
        ),
        Route(
            "POST",
            "logout",
            "Log out.",
            handlers.entering.log_out,
            schemas.ME,
            body=schemas.OBJECT,
            refusals=(400, 404),
        ),
    )


def _of_state(handlers: Handlers) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            "state",
            "The state of the host: the verdict, what is wrong, and its status.",
            handlers.state.state,
            schemas.STATE_SCHEMA,
            params=(_WINDOW,),
        ),
        Route(
            "GET",
            "events",
            "Each state and each transition, as they come.",
            handlers.state.events,
            kind=EVENTS,
            params=(_WINDOW,),
            refusals=(400, 503),
            events=_STATE_EVENTS,
        ),
    )


def _of_alarms(handlers: Handlers) -> tuple[Route, ...]:
    requests = {
        "ack": ("Say that somebody knows of a raised alarm.", schemas.ALARM_REQUEST),
        "silence": ("Tell nobody of an alarm, for or until a time.", schemas.ALARM_SILENCE),
        "unsilence": ("End the silence of an alarm.", schemas.ALARM_REQUEST),
        "test": ("Send a test to a receiver, or to those of an alarm.", schemas.ALARM_TEST),
    }
    return (
        Route(
            "GET",
            "alarms",
            "The alarms of the host, incidents, and messages on their way.",
            handlers.alarms.alarms,
            schemas.ALARMS,
            refusals=_FOUND,
        ),
        *(
            Route(
                "POST",
                f"alarms/{verb}",
                summary,
                handlers.alarms.request(verb),
                schemas.OBJECT,
                body=body,
                refusals=_FOUND,
                role=Role.OPERATOR,
            )
            for verb, (summary, body) in requests.items()
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
            handlers.changes.instances(verb),
            schemas.OBJECT,
            kind=LINES,
            body=schemas.CHANGE,
            refusals=_FOUND,
            role=Role.OPERATOR,
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
            handlers.changes.operations,
            schemas.OPERATIONS,
            refusals=_FOUND,
        ),
        Route(
            "GET",
            f"{operations}/{{operation}}",
            "The latest session of an operation.",
            handlers.changes.operation,
            schemas.SESSION_SCHEMA,
            refusals=_FOUND,
        ),
        Route(
            "POST",
            f"{operations}/{{operation}}/{{action}}",
            "Start, stop or abort an operation (action: `start`, `stop`, `abort`).",
            handlers.changes.request,
            schemas.ANSWER,
            body=schemas.PARAMS,
            refusals=_FOUND,
            role=Role.OPERATOR,
        ),
    )


def _of_records(handlers: Handlers) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            "instances/{name}/log",
            "The last lines of a log; also of `router` and `ocsd`, the daemon.",
            handlers.logs.log,
            schemas.LOG_SCHEMA,
            params=(_LINES, _LEVEL, _GREP, _LOG_SINCE),
            refusals=_FOUND,
        ),
        Route(
            "GET",
            "instances/{name}/log/follow",
            "The lines that are appended to a log.",
            handlers.logs.follow,
            schemas.LINE,
            kind=EVENTS,
            params=(_LEVEL, _GREP),
            refusals=_FOUND,
            events=_LOG_EVENTS,
        ),
        Route(
            "GET",
            "instances/{name}/strip",
            "The states of an instance, one after the other.",
            handlers.logs.strip,
            schemas.STRIP,
            params=(SINCE, UNTIL),
            refusals=_FOUND,
        ),
        Route(
            "GET",
            "history",
            "What happened on the host, the oldest first.",
            handlers.logs.history,
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


def _of_data(handlers: Handlers) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            "fields",
            "The recorded fields.",
            handlers.recorded.fields,
            schemas.FIELDS,
            params=(_SEARCH, _LIMIT, _EACH),
            refusals=(400, 503),
        ),
        Route(
            "GET",
            "window",
            "Fields over a time, in columns: number, least, greatest and mean of the samples.",
            handlers.recorded.window,
            schemas.WINDOW,
            params=(_FIELDS, _BEGIN, UNTIL, _COLUMNS),
            refusals=_FOUND,
        ),
        Route(
            "GET",
            "export",
            "The samples of fields, as a file.",
            handlers.recorded.export,
            schemas.TEXT,
            kind=EXPORT_TYPES["csv"],
            params=(_FIELDS, _BEGIN, UNTIL, _FORMAT),
            refusals=_FOUND,
        ),
    )


def _of_live_values(handlers: Handlers) -> tuple[Route, ...]:
    return (
        Route(
            "GET",
            "live",
            "Columns of fields as samples are recorded, at the same absolute times for everybody.",
            handlers.live.live,
            schemas.OBJECT,
            kind=EVENTS,
            params=(_FIELDS, _STEP, _LIVE_SINCE),
            refusals=_FOUND,
            events=_LIVE_EVENTS,
        ),
        Route(
            "GET",
            "values",
            "The latest value of each field that was recorded in the last minutes.",
            handlers.live.values,
            schemas.VALUES,
            params=(_PATTERN, _SEARCH),
        ),
        Route(
            "GET",
            "values/follow",
            "The latest values, once a second.",
            handlers.live.follow_values,
            schemas.VALUES,
            kind=EVENTS,
            params=(_PATTERN,),
            refusals=_FOUND,
            events={"values": "as `GET values`", "tick": "the time, once a second"},
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
        Route(
            "GET",
            "metrics",
            "The host for Prometheus, in OpenMetrics if the client accepts it; also at `/metrics`.",
            handlers.metrics.metrics,
            schemas.TEXT,
            kind=PLAIN_TEXT,
            refusals=(400, 503),
        ),
        Route("GET", "openapi.json", "This document.", handlers.openapi, {"type": "object"}),
    )
