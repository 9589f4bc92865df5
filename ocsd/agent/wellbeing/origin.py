"""Which file holds the agent's code: what to look at when it has failed for good."""

from ocsd.system.notify import Delivery, notify


class _CodeFile:
    file = ""


def set_code(file: str) -> Delivery:
    """Note the file and tell the supervisor."""
    _CodeFile.file = file
    return notify(X_CODE=file)


def code() -> str:
    """Return the file; empty as long as it is not known."""
    return _CodeFile.file
