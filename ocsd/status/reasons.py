"""The reason for the state of an instance, on one line."""

from collections.abc import Callable
from typing import Any

from ocsd.status.replies import InstanceStatus
from ocsd.text.printable import one_line


def reason_line(instance: InstanceStatus) -> str:
    """Return the reason for an instance's state and the time of the next try, on one line."""
    next_try = text(instance.next_try_s, "next try in {:.1f} s".format)
    return "; ".join(filter(None, (one_line(instance.reason or ""), next_try)))


def text(value: object, render: Callable[[Any], str]) -> str:
    """Return a value as text; nothing if it is not known."""
    if value is None:
        return ""
    return render(value)
