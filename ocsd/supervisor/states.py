"""The states of an instance, for the programs that only read them.

They stand apart from the events, so that a command loads neither these nor their rules.
"""

from enum import StrEnum


class State(StrEnum):
    """The present activity of an instance, in the words that operators see."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"
    BACKOFF = "backoff"
    FAILED = "failed"


class Target(StrEnum):
    """The state in which the operator wants an instance."""

    UP = "up"
    DOWN = "down"
