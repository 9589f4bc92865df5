"""Power supplies, clocks and generators that speak SCPI."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocsd.testing import TcpDevice
from tests.compatibility.devices.simulated import DeviceAt, Simulated, replies

PROLOGIX_PORT = 1234


@contextmanager
def psu(_: Path) -> Iterator[Simulated]:
    """A power supply of three channels behind a GPIB converter."""
    table = {"*idn?": "KEITHLEY,2230G-30-1,1,1.0", "CHAN:OUTP:STAT?": "1"}
    for channel in (1, 2, 3):
        table[f"MEAS:VOLT? CH{channel}"] = f"{channel}.5"
        table[f"MEAS:CURR? CH{channel}"] = f"0.{channel}"
    with DeviceAt("127.0.0.4", PROLOGIX_PORT, replies(table)) as device:
        arguments = ["--ip-address", device.host, "--gpib-slot", 1, "--mode", "acq"]
        yield Simulated(arguments, "psu_output", {"Voltage_1": 1.5, "Current_3": 0.3})


@contextmanager
def clock(_: Path) -> Iterator[Simulated]:
    """SRS CG635 behind a GPIB converter."""
    table = {"*idn?": "SRS,CG635,1,1", "FREQ?;STDC?;RUNS?;TIMB?": "122880000.0;3;1;3"}
    with DeviceAt("127.0.0.5", PROLOGIX_PORT, replies(table)) as device:
        arguments = ["--ip-address", device.host, "--gpib-slot", 2, "--mode", "acq"]
        values = {"Frequency": 122880000.0, "Standard_CMOS_Output": 3, "Timebase": 3}
        yield Simulated(arguments, "srs_clock", values)


@contextmanager
def waveform_generator(_: Path) -> Iterator[Simulated]:
    """Tektronix AFG behind a GPIB converter; it publishes what it is told."""
    table = {"*idn?": "TEKTRONIX,AFG3021C,1,1"}
    with DeviceAt("127.0.0.6", PROLOGIX_PORT, replies(table)) as device:
        arguments = ["--ip-address", device.host, "--gpib-slot", 3]
        told = [("set_frequency", {"frequency": 10.0})] * 2
        yield Simulated(arguments, "awg", {"AWG_frequency_cmd": 10.0}, told)


@contextmanager
def heater(_: Path) -> Iterator[Simulated]:
    """Kikusui PCR500MA."""
    table = {
        "*IDN?": "KIKUSUI,PCR500MA,1,1",
        "MEAS:CURR:AC?": "0.25",
        "MEAS:VOLT:AC?": "40.5",
        "MEAS:POW:AC?": "10.1",
        "MEAS:FREQ?": "50.0",
        "OUTP?": "1",
        "OUTP:COUP?": "AC",
        "CURR?": "5",
        "CURR:OFFS?": "5",
        "FREQ?": "50",
        "VOLT?": "40.5",
    }
    with TcpDevice(replies(table)) as device:
        arguments = ["--ip-address", device.host, "--port", device.port]
        yield Simulated(arguments, "heater_source", {"V_AC": 40.5, "I_AC": 0.25, "output": 1})


@contextmanager
def motor_supply(_: Path) -> Iterator[Simulated]:
    """Kikusui PMX of the half-wave plate."""
    table = {
        "meas:curr?": "0.5",
        "meas:volt?": "12.25",
        "volt:ext:sour?": "NONE",
        ":system:error?": '+0,"No error"',
        "stat:ques?": "0",
        "output?": "1",
    }
    with TcpDevice(replies(table)) as device:
        arguments = ["--ip", device.host, "--port", device.port]
        yield Simulated(arguments, "hwppmx", {"current": 0.5, "voltage": 12.25, "source": "NONE"})


@contextmanager
def wiregrid_supply(_: Path) -> Iterator[Simulated]:
    """Kikusui PMX of the wire grid, behind a Moxa converter."""
    table = {"OUTP?": "1", "MEAS:VOLT?": "12.25", "MEAS:CURR?": "0.5", "VOLT?": "12", "CURR?": "3"}
    with TcpDevice(replies(table), terminator=b"\n") as device:
        arguments = ["--kikusui-ip", device.host, "--kikusui-port", device.port]
        arguments += ["--encoder-agent", "wiregridencoderagent"]
        yield Simulated(arguments, "kikusui_psu", {"kikusui_volt": 12.25, "kikusui_curr": 0.5})


SIMULATORS = {
    "HWPPMXAgent": motor_supply,
    "PCR500MAAgent": heater,
    "SRSCG635Agent": clock,
    "ScpiPsuAgent": psu,
    "TektronixAWGAgent": waveform_generator,
    "WiregridKikusuiAgent": wiregrid_supply,
}
