"""The forms of the answers, as schemas of JSON."""

from typing import Any, Final

from ocsd.web.server.route import Schema


def record(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """Return the schema of an object with these properties, and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def list_of(item: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": item}


def or_null(schema: Schema) -> Schema:
    """Return the schema of a value that may be unknown."""
    return {"anyOf": [schema, NULL]}


NULL: Final[Schema] = {"type": "null"}
TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
FLAG: Final[Schema] = {"type": "boolean"}
OBJECT: Final[Schema] = {"type": "object"}
ANY: Final[dict[str, Any]] = {}

WRONG: Final = record(
    {
        "what": TEXT,
        "instance_id": or_null(TEXT),
        "reason": TEXT,
        "since_at": or_null(NUMBER),
        "remedy": TEXT,
    }
)
HOST_SCHEMA: Final = record(
    {
        "host": TEXT,
        "answers": FLAG,
        "reason": TEXT,
        "asked_at": NUMBER,
        "level": {"enum": ["ok", "warning", "bad"]},
        "verdict": TEXT,
        "wrong": list_of(WRONG),
        "status": or_null(OBJECT),
    },
    {"away_since_at": or_null(NUMBER), "answered_at": or_null(NUMBER)},
)
STATE_SCHEMA: Final = record(
    {
        "schema": {"const": "ocsd.page/1"},
        "at": NUMBER,
        "site": record({"name": TEXT, "colour": or_null(TEXT)}),
        "hosts": list_of(HOST_SCHEMA),
    }
)
ABOUT: Final = record(
    {
        "version": TEXT,
        "pid": COUNT,
        "since_at": NUMBER,
        "address": TEXT,
        "trends": record({"built": COUNT, "waiting": COUNT, "folder": or_null(TEXT)}),
        "viewers": COUNT,
    }
)
ME: Final = record(
    {
        "closed": FLAG,
        "person": or_null(TEXT),
        "role": or_null(TEXT),
        "roles": list_of({"enum": ["viewer", "operator", "expert", "admin"]}),
        "can_log_out": FLAG,
    }
)
LOGIN: Final = record({"name": TEXT, "password": TEXT})
CHANGE: Final = record(
    {},
    {
        "names": list_of(TEXT),
        "all": FLAG,
        "leave_put_down": FLAG,
        "timeout_s": NUMBER,
    },
)
ALARMS: Final[Schema] = {
    "type": "object",
    "required": ["alarms", "incidents", "deliveries", "as_of", "evaluator"],
    "properties": {
        "alarms": list_of(OBJECT),
        "incidents": list_of(OBJECT),
        "deliveries": list_of(OBJECT),
        "as_of": or_null(NUMBER),
        "evaluator": TEXT,
    },
}
"""Keys that the daemon adds later may be there, too."""
ALARM_REQUEST: Final = record({"name": TEXT}, {"comment": TEXT})
ALARM_TEST: Final = record({}, {"name": TEXT, "receiver": TEXT})
ALARM_SILENCE: Final = record({"name": TEXT}, {"comment": TEXT, "for_s": NUMBER, "until": NUMBER})
OPERATION: Final = record(
    {
        "name": TEXT,
        "kind": {"enum": ["task", "process"]},
        "docstring": TEXT,
        "params": or_null(
            list_of(
                record(
                    {
                        "name": TEXT,
                        "type": or_null(TEXT),
                        "choices": or_null(list_of(ANY)),
                        "default": ANY,
                        "has_default": FLAG,
                        "help": TEXT,
                    }
                )
            )
        ),
        "abortable": FLAG,
        "session": or_null(OBJECT),
    }
)
OPERATIONS: Final = record({"operations": list_of(OPERATION)})
SESSION_SCHEMA: Final = record({"session": or_null(OBJECT)})
PARAMS: Final = record({}, {"params": OBJECT})
ANSWER: Final = record(
    {"status": {"type": "integer"}, "message": TEXT, "session": or_null(OBJECT)},
)
LINE: Final = record({"at": or_null(NUMBER), "level": or_null(TEXT), "text": TEXT})
LOG_SCHEMA: Final = record({"lines": list_of(LINE), "path": TEXT})
STRIP: Final = record(
    {
        "spans": list_of(
            record(
                {
                    "state": TEXT,
                    "health": or_null(TEXT),
                    "reason": TEXT,
                    "since_at": NUMBER,
                    "until_at": NUMBER,
                }
            )
        )
    }
)
HISTORY: Final = record({"entries": list_of(OBJECT)})
VIEWS: Final = record(
    {"views": list_of(record({"name": TEXT, "description": TEXT, "url": TEXT, "feed": TEXT}))}
)
FIELD: Final = record(
    {
        "field": TEXT,
        "instance_id": TEXT,
        "feed": TEXT,
        "name": TEXT,
        "kind": {"enum": ["number", "text"]},
        "units": or_null(TEXT),
        "label": or_null(TEXT),
        "newest_at": or_null(NUMBER),
    }
)
FIELDS: Final = record(
    {"fields": list_of(FIELD), "total": COUNT, "unread": COUNT}, {"why_none": TEXT}
)
FIELD_WINDOW: Final = record(
    {
        "t": list_of(NUMBER),
        "n": list_of(COUNT),
        "n_nan": list_of(COUNT),
        "min": list_of(or_null(NUMBER)),
        "max": list_of(or_null(NUMBER)),
        "mean": list_of(or_null(NUMBER)),
        "raw": FLAG,
        "breaks": list_of(COUNT),
        "changes": or_null(list_of({"type": "array", "prefixItems": [NUMBER, TEXT]})),
        "units": or_null(TEXT),
        "label": or_null(TEXT),
    }
)
HOLE: Final = record(
    {
        "feed": TEXT,
        "since_at": NUMBER,
        "until_at": NUMBER,
        "cause": TEXT,
        "count": COUNT,
        "estimated": FLAG,
    }
)
WINDOW: Final = record(
    {
        "since": NUMBER,
        "until": NUMBER,
        "read_at": NUMBER,
        "unread": COUNT,
        "column_s": NUMBER,
        "fields": {"type": "object", "additionalProperties": FIELD_WINDOW},
        "holes": list_of(HOLE),
    }
)
VALUE: Final = record(
    {
        "field": TEXT,
        "value": {"type": ["number", "string", "boolean", "null"]},
        "at": NUMBER,
        "age_s": NUMBER,
        "units": or_null(TEXT),
        "label": or_null(TEXT),
    }
)
VALUES: Final = record({"at": NUMBER, "values": list_of(VALUE)})
