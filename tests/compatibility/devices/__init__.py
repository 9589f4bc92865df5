"""Simulated devices, for the agent classes that shall acquire.

Each is a few lines that answer as the agent's driver in socs expects it: written
after the drivers, not from the devices' manuals. `SIMULATORS` has one for each class.
"""

from collections.abc import Mapping

from tests.compatibility.devices import (
    files,
    http,
    lakeshore,
    modbus,
    network,
    pfeiffer,
    power,
    publishers,
    serial_lines,
    snmp,
    udp,
)
from tests.compatibility.devices.simulated import Simulator

SIMULATORS: Mapping[str, Simulator] = {
    name: simulator
    for module in (
        *(files, http, lakeshore, modbus, pfeiffer, power),
        *(network, publishers, serial_lines, snmp, udp),
    )
    for name, simulator in module.SIMULATORS.items()
}
