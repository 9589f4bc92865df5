"""Finds instances that would talk to the same device, from the values of their options."""

import re
from collections.abc import Iterator, Mapping
from itertools import groupby

Values = Mapping[str, str | int]
"""The values of an agent's own options, by name."""

_SERIAL = re.compile(r"/dev/\S+|COM\d+")
_ADDRESS = re.compile(r"(.*_)?(ip|address|host|hostname)")
_PORT = re.compile(r"(.*_)?port")


def shared_devices(instances: Mapping[str, Values]) -> Iterator[str]:
    """Yield a warning for each device that several instances name.

    `instances` has the options of each instance that is to run. A device is a serial port, or
    an address together with a port; an address alone may stand for a gateway.
    """
    users = sorted(
        (device, instance_id)
        for instance_id, values in instances.items()
        for device in set(_devices(values))
    )
    for device, group in groupby(users, key=lambda pair: pair[0]):
        names = [instance_id for _, instance_id in group]
        if len(names) > 1:
            consequence = "most devices take one connection only"
            if _SERIAL.fullmatch(device):
                consequence = "only one of them can use it"
            yield f"{' and '.join(map(repr, names))} name {device}; {consequence}"


def _devices(values: Values) -> Iterator[str]:
    addresses = [str(value) for name, value in values.items() if _ADDRESS.fullmatch(name)]
    ports = [str(value) for name, value in values.items() if _PORT.fullmatch(name)]
    yield from (str(value) for value in values.values() if _SERIAL.fullmatch(str(value)))
    if len(addresses) == len(ports) == 1 and addresses[0] and ports[0].isdecimal():
        yield f"{addresses[0]}:{ports[0]}"
