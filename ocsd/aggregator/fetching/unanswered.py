"""The reason why an agent did not answer, in words for operators."""

from typing import Final

from ocsd.aggregator.incoming.message import shown
from ocsd.bus.wamp import ApplicationError

_REASONS: Final = {
    "wamp.error.no_such_procedure": "it has left the router, or offers no spool",
    "wamp.error.canceled": "it left the router before it had answered",
    "wamp.error.not_authorized": (
        "the router does not let the aggregator call its spool; mend the permissions in the "
        "router's configuration"
    ),
}


def why_unanswered(error: BaseException | None) -> str:
    """Return the meaning of an error that came instead of an answer; never raises."""
    if not isinstance(error, ApplicationError):
        return str(error) or type(error).__name__
    text = ", ".join(map(shown, error.args or (error.error,)))
    return _REASONS.get(error.error, f"it answered with the error {text}")
