"""Lake Shore: 240, 425 and 370 on serial lines, 336 and 372 on the network."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocsd.testing import SerialDevice
from tests.compatibility.devices.simulated import DeviceAt, Simulated, replies


@contextmanager
def model_240(_: Path) -> Iterator[Simulated]:
    """Two channels of a diode."""
    table = {"*IDN?": "LSCI,MODEL240-2P,LSA240S,1.3", "MODNAME?": "lab"}
    for channel in ("1", "2"):
        table[f"INTYPE? {channel}"] = "1,1,0,0,1,1"
        table[f"INNAME? {channel}"] = f"Channel {channel}"
        table[f"KRDG? {channel}"] = f"+{76.5 + int(channel)}"
        table[f"SRDG? {channel}"] = "+1.0276"
    with SerialDevice(replies(table)) as device:
        arguments = ["--port", device.port, "--mode", "acq", "--sampling-frequency", 2]
        # Two old options that it takes and does not use, written as site files have them.
        arguments += ["--fake-data", False, "--num-channels", None]
        values = {"Channel_1_T": 77.5, "Channel_2_T": 78.5, "Channel_1_V": 1.0276}
        yield Simulated(arguments, "temperatures", values)


@contextmanager
def model_425(_: Path) -> Iterator[Simulated]:
    """A gaussmeter."""
    table = {"*IDN?": "LSCI,MODEL425,LSA425,1.0", "RDGFIELD?": "+1.0E-01"}
    with SerialDevice(replies(table)) as device:
        arguments = ["--port", device.port, "--mode", "acq", "--sampling-frequency", 2]
        yield Simulated(arguments, "mag_field", {"Bfield": 0.1})


@contextmanager
def model_370(_: Path) -> Iterator[Simulated]:
    """A resistance bridge that stays on channel 1."""
    table = {
        "*IDN?": "LSCI,MODEL370,LSA370,1.0",
        "SCAN?": "01,0",
        "RDGK? 1": "+0.1",
        "RDGR? 1": "+2000.0",
        "RDGK? 01": "+0.1",
        "RDGR? 01": "+2000.0",
        "CMODE?": "4",
        "CPOL?": "0",
        "CSET?": "1,1,1,10,2,8,100,0",
        "HTRRNG?": "0",
    }
    for channel in range(1, 17):
        table[f"INSET? {channel}"] = "1,010,003,00,1"
        table[f"RDGRNG? {channel}"] = "0,08,11,1,0"
    with SerialDevice(replies(table)) as device:
        arguments = ["--port", device.port, "--serial-number", "LSA370"]
        yield Simulated(arguments, "temperatures", {"Channel_1_T": 0.1, "Channel_1_R": 2000.0})


@contextmanager
def model_372(_: Path) -> Iterator[Simulated]:
    """The same with a control input."""
    table = {
        "*IDN?": "LSCI,MODEL372,LSA372,1.3",
        "SCAN?": "01,0",
        "KRDG? 1": "+0.1",
        "SRDG? 1": "+2000.0",
        "RANGE? 0": "0",
        "RANGE? 2": "0",
        "STILL?": "+10.0",
    }
    for channel in ("A", *map(str, range(1, 17))):
        table[f"INSET? {channel}"] = "1,010,003,00,1"
        table[f"INNAME? {channel}"] = f"Channel {int(channel):02d}" if channel != "A" else "Control"
        table[f"INTYPE? {channel}"] = "1,6,0,1,0,1" if channel == "A" else "0,07,1,10,0,1"
        table[f"TLIMIT? {channel}"] = "+0.0"
    for output in ("0", "2"):
        table[f"OUTMODE? {output}"] = "2,6,1,0,0,001"
        table[f"HTRSET? {output}"] = "+120.0,8,+0.0,1"
    with DeviceAt("127.0.0.2", 7777, replies(table), terminator=b"\r\n") as device:
        arguments = ["--ip-address", device.host, "--serial-number", "LSA372", "--mode", "acq"]
        yield Simulated(arguments, "temperatures", {"Channel_01_T": 0.1, "Channel_01_R": 2000.0})


@contextmanager
def model_336(_: Path) -> Iterator[Simulated]:
    """Four inputs."""
    table = {
        "*IDN?": "LSCI,MODEL336,LSA336,2.9",
        "KRDG? 0": "+77.1,+77.2,+77.3,+77.4",
        "SRDG? 0": "+1.1,+1.2,+1.3,+1.4",
    }
    for number, channel in enumerate("ABCD", 1):
        table[f"INTYPE? {channel}"] = "1,1,0,0,1"
        table[f"INNAME? {channel}"] = f"Input {channel}"
        table[f"INCRV? {channel}"] = "02"
        table[f"TLIMIT? {channel}"] = "+0.0"
        table[f"KRDG? {channel}"] = f"+77.{number}"
        table[f"SRDG? {channel}"] = f"+1.{number}"
    for output in ("1", "2"):
        table[f"OUTMODE? {output}"] = "2,1,0"
        table[f"HTRSET? {output}"] = "1,0,+1.0,2"
        table[f"RANGE? {output}"] = "0"
        table[f"PID? {output}"] = "+50.0,+20.0,+0.0"
        table[f"SETP? {output}"] = "+77.0"
        table[f"HTR? {output}"] = "+0.0"
        table[f"HTRST? {output}"] = "0"
        table[f"MOUT? {output}"] = "+0.0"
        table[f"RAMP? {output}"] = "0,+0.0"
        table[f"RAMPST? {output}"] = "0"
    with DeviceAt("127.0.0.3", 7777, replies(table), terminator=b"\r\n") as device:
        arguments = ["--ip-address", device.host, "--serial-number", "LSA336", "--f-sample", 1]
        yield Simulated(arguments, "temperatures", {"Input_A_T": 77.1, "Input_D_T": 77.4})


SIMULATORS = {
    "Lakeshore240Agent": model_240,
    "Lakeshore336Agent": model_336,
    "Lakeshore370Agent": model_370,
    "Lakeshore372Agent": model_372,
    "Lakeshore425Agent": model_425,
}
