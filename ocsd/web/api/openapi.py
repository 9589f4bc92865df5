"""The OpenAPI document, made from the table that routes."""

from collections.abc import Sequence
from typing import Any, Final

from ocsd import __version__
from ocsd.web.server.route import JSON, Route, Schema

_WORDS: Final = {
    400: "the request is wrong; the message says what",
    401: "nobody is logged in, or name or password is wrong",
    403: "the role of this person is not enough, or another site asks",
    404: "there is nothing of that name",
    409: "it cannot be done now",
    413: "it is too large",
    415: "it is no JSON",
    429: "too many logins of this name, or from this address",
    503: "a source is away, or the page is busy; try again",
}
_OF_EVERY_REQUEST: Final = (403,)
_OF_EVERY_CHANGE: Final = (413, 415)
LOGIN_SCHEME: Final = "login"
_SCHEME: Final = {
    "type": "apiKey",
    "in": "cookie",
    "name": "ocsd-HOST",
    "description": "The cookie of `POST login`. On a closed site each request needs it, and a "
    "person whose role is `x-ocsd-role` or a more powerful one (viewer, operator, expert, admin); "
    "an open site has no login.",
}
ERROR_SCHEMA: Final[Schema] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message"],
            "properties": {"message": {"type": "string"}},
        }
    },
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of a table of routes."""
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(f"/{route.path}", {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ocsd: the page's API",
            "version": "1",
            "description": f"Served by ocsd {__version__}. Times are Unix seconds in UTC; values "
            "that are no finite number are null.",
        },
        "servers": [{"url": "."}],
        "paths": paths,
        "components": {
            "schemas": {"Error": ERROR_SCHEMA},
            "securitySchemes": {LOGIN_SCHEME: _SCHEME},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _identifier(route),
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {"200": _answer(route), **_refusals(route)},
    }
    if route.role is not None:
        operation["x-ocsd-role"] = str(route.role)
        operation["security"] = [{LOGIN_SCHEME: []}]
    if route.body is not None:
        content = {JSON: {"schema": route.body}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _identifier(route: Route) -> str:
    pieces = [piece.strip("{}").replace(".", "_") for piece in route.pieces]
    return "_".join((route.method.lower(), *pieces))


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in route.names
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "in": "query",
            "description": each.help,
            "required": each.required,
            "schema": each.schema(),
        }
        for each in route.params
    ]


def _answer(route: Route) -> dict[str, Any]:
    description = "the answer"
    if route.events:
        kinds = "; ".join(f"`{name}`: {meaning}" for name, meaning in route.events.items())
        description = f"server-sent events: {kinds}"
    return {"description": description, "content": {route.kind: {"schema": dict(route.answer)}}}


def _refusals(route: Route) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    codes = {*route.refusals, *_OF_EVERY_REQUEST}
    if route.body is not None:
        codes.update(_OF_EVERY_CHANGE)
    if route.role is not None:
        codes.add(401)
    return {
        str(code): {"description": _WORDS[code], "content": {JSON: {"schema": schema}}}
        for code in sorted(codes)
    }
