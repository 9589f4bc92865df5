"""The numbers that OCS clients, agents and dashboards agree on."""

from enum import IntEnum

__all__ = ["ERROR", "OK", "TIMEOUT", "OpCode", "ResponseCode"]


class ResponseCode(IntEnum):
    """The outcome of a request, which is not that of the operation."""

    OK = 0
    ERROR = -1
    TIMEOUT = 1


OK = ResponseCode.OK.value
ERROR = ResponseCode.ERROR.value
TIMEOUT = ResponseCode.TIMEOUT.value


class OpCode(IntEnum):
    """The state of an operation as one number, as heartbeats carry it."""

    NONE = 1
    STARTING = 2
    RUNNING = 3
    STOPPING = 4
    SUCCEEDED = 5
    FAILED = 6
    EXPIRED = 7
    DEGRADED = 8
