"""Scripts that are WAMP clients, under the name that OCS gives it."""

from ocsd.system.garbage import loaded

with loaded():
    from ocsd.client.script import (
        ControlClientSession,
        OperationClient,
        ProcessClient,
        TaskClient,
        run_control_script,
    )

__all__ = [
    "ControlClientSession",
    "OperationClient",
    "ProcessClient",
    "TaskClient",
    "run_control_script",
    "run_control_script2",
]

run_control_script2 = run_control_script
"""The name that it had in old releases of OCS."""
