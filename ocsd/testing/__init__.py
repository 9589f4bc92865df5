"""For those who write agents: devices that fail on demand, a router, agents in processes.

`SerialDevice`, `TcpDevice` and `HttpDevice` need nothing of pytest, so a simulator runs without
it. What needs pytest, or the router's part of ocsd, is loaded when it is asked for:
this package is imported by every run of pytest on a machine that has ocsd.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ocsd.testing.http_device import HttpDevice
from ocsd.testing.serial_device import SerialDevice
from ocsd.testing.tcp_device import TcpDevice

if TYPE_CHECKING:
    from ocsd.testing.agent_process import RunningProgram
    from ocsd.testing.emulator import DeviceEmulator, create_device_emulator
    from ocsd.testing.fixtures import (
        SIGINT_TIMEOUT,
        check_crossbar_connection,
        create_agent_runner_fixture,
        create_client_fixture,
    )
    from ocsd.testing.fixtures import _AgentRunner as _AgentRunner
    from ocsd.testing.patience import wait_until
    from ocsd.testing.router import LocalRouter

__all__ = [
    "SIGINT_TIMEOUT",
    "DeviceEmulator",
    "HttpDevice",
    "LocalRouter",
    "RunningProgram",
    "SerialDevice",
    "TcpDevice",
    "check_crossbar_connection",
    "create_agent_runner_fixture",
    "create_client_fixture",
    "create_device_emulator",
    "wait_until",
]

_HOMES = {
    "SIGINT_TIMEOUT": "fixtures",
    "_AgentRunner": "fixtures",
    "RunningProgram": "agent_process",
    "DeviceEmulator": "emulator",
    "LocalRouter": "router",
    "check_crossbar_connection": "fixtures",
    "create_agent_runner_fixture": "fixtures",
    "create_client_fixture": "fixtures",
    "create_device_emulator": "emulator",
    "wait_until": "patience",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
