"""Devices that are read through files."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compatibility.devices.simulated import Simulated, repeating


@contextmanager
def refrigerator(folder: Path) -> Iterator[Simulated]:
    """The logs of a Bluefors control computer, a folder per day."""

    def write_line() -> None:
        now = time.localtime()
        day = folder / time.strftime("%y-%m-%d", now)
        day.mkdir(exist_ok=True)
        with (day / f"CH8 T {day.name}.log").open("a") as log:
            log.write(time.strftime(" %d-%m-%y,%H:%M:%S", now) + ",1.250000e-02\n")

    write_line()
    with repeating(write_line, every_s=1):
        yield Simulated(["--log-directory", folder], "bluefors", {"lakeshore_ch8_t": 0.0125})


@contextmanager
def thermometers(folder: Path) -> Iterator[Simulated]:
    """A MAX31856 as the kernel shows it."""
    device = folder / "iio:device0"
    device.mkdir()
    for name, text in {
        "name": "max31856",
        "in_temp_raw": "2000",
        "in_temp_ambient_raw": "1280",
    }.items():
        (device / name).write_text(f"{text}\n")
    values = {"Channel_0_T": 15.625, "Channel_0_T_cj": 20.0}
    yield Simulated(["--paths-spinode", folder], "temperatures", values)


SIMULATORS = {"BlueforsAgent": refrigerator, "StimThermometerAgent": thermometers}
