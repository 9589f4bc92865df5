"""Why a request of a viewer is refused; each with its status of HTTP."""

from typing import Final

from ocsd.errors import OcsdError

NOT_FOUND: Final = 404
AWAY: Final = 503


class RequestRefusedError(OcsdError):
    """A request is refused; the message says why, and what to do."""

    code = 400


class MissingError(RequestRefusedError):
    """There is nothing of that name; the message says what there is."""

    code = NOT_FOUND


class AwayError(RequestRefusedError):
    """A source of the page is away; it is asked again, and comes back by itself."""

    code = AWAY


class LateError(AwayError):
    """A source of the page has not answered in time; it is asked again."""


class BusyError(RequestRefusedError):
    """The page has too much to do already; try again in a moment."""

    code = AWAY


class RefusedByDaemonError(RequestRefusedError):
    """The daemon refuses a request; the message says why."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
