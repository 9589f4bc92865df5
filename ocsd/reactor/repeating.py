"""Repeated calls that go by a clock of the caller's choice."""

from collections.abc import Callable
from typing import Any

from twisted.internet.task import LoopingCall


def repeating(function: Callable[[], object], clock: Any) -> LoopingCall:
    """Return a call that can be started, and then repeats itself.

    The clock is an IReactorTime, but mypy cannot match an interface of zope with a class.
    """
    loop = LoopingCall(function)
    loop.clock = clock
    return loop
