"""Instances that name one device."""

import pytest

from ocsd.site.sharing import shared_devices


@pytest.mark.parametrize(
    ("first", "second", "device"),
    [
        ({"port": "/dev/ttyUSB0"}, {"port": "/dev/ttyUSB0"}, "/dev/ttyUSB0"),
        ({"port": "/dev/ttyUSB0"}, {"serial_device": "/dev/ttyUSB0", "x": 1}, "/dev/ttyUSB0"),
        ({"ip_address": "h", "port": 161}, {"address": "h", "port": "161"}, "h:161"),
        ({"psu_ip": "h", "psu_port": 5025}, {"host": "h", "port": 5025}, "h:5025"),
    ],
)
def test_two_instances_of_one_device_are_told(first, second, device):
    (warning,) = shared_devices({"b": first, "a": second, "c": {"port": "/dev/ttyUSB9"}})
    assert warning.startswith(f"'a' and 'b' name {device}; ")
    assert ("only one of them can use it" in warning) == device.startswith("/dev")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"port": "/dev/ttyUSB0"}, {"port": "/dev/ttyUSB1"}),
        ({"ip_address": "h", "port": 4001}, {"ip_address": "h", "port": 4002}),
        ({"ip_address": "h"}, {"ip_address": "h"}),
        ({"port": 8086}, {"port": 8086}),
        ({"mode": "acq", "num_channels": 4}, {"mode": "acq", "num_channels": 4}),
        ({"ip_address": "", "port": 0}, {"ip_address": "", "port": 0}),
    ],
)
def test_what_may_be_different_devices_is_not_told(first, second):
    assert list(shared_devices({"a": first, "b": second})) == []


def test_an_instance_that_names_its_device_twice_is_one():
    assert list(shared_devices({"a": {"port": "/dev/x", "backup": "/dev/x"}})) == []
