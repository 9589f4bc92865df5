"""The query and the body of a request."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ocsd.errors import UsageError

MOST_PARAMETERS = 1000


class Query:
    """The parameters in a URI."""

    def __init__(self, uri: bytes) -> None:
        self.values: dict[str, list[str]] = {}
        query = urlsplit(uri.decode("latin-1")).query
        try:
            self.values = parse_qs(query, keep_blank_values=False, max_num_fields=MOST_PARAMETERS)
        except ValueError as error:
            raise UsageError(f"the query of this request cannot be read: {error}") from error


def body_of(request: Any) -> dict[str, Any]:
    """Return the object that a request posts.

    Raises
    ------
    UsageError
        If it posts none.
    """
    try:
        body = json.loads(request.content.read() or b"{}")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the request's body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise UsageError("the request's body has to be an object of JSON, e.g. {}")
    return body
