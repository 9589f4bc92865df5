"""What the pages on devices, units and packages show is what `ocsd new` makes, and runs."""

import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path, PurePath

import pytest

from ocsd.cli.main import main as command_line
from ocsd.cli.scaffold.making import DeviceKind, files_of
from ocsd.cli.scaffold.names import names_of
from ocsd.site.load import load
from tests.unit.agent.conftest import agent, link, reactor  # noqa: F401 - fixtures
from tests.unit.site.site_text import HUB

PAGES = Path(__file__).parents[3] / "docs" / "write"
DEVICES = [DeviceKind.SERIAL, DeviceKind.TCP, DeviceKind.HTTP]
every_device = pytest.mark.parametrize("kind", DEVICES)


def page(name):
    return (PAGES / f"{name}.md").read_text()


def shown(name):
    """Return the files of a page by name."""
    blocks = re.findall(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```", page(name), re.M | re.S)
    return {PurePath(file): text for file, text in blocks}


def made(kind):
    return files_of(names_of("thermometer"), kind)


def module(kind, name, folder):
    """Return the names of a module of a page."""
    file = folder / f"{name}.py"
    file.write_text(shown(kind.value)[PurePath("thermometer_agent", file.name)])
    return runpy.run_path(str(file))


@every_device
def test_the_page_of_a_device_shows_what_ocsd_new_makes_with_lines_left_out(kind):
    assert f"    ocsd new thermometer --{kind.value}\n" in page(kind.value)
    files = [file for file in shown(kind.value) if file.parent == PurePath("thermometer_agent")]
    assert {file.name for file in files} == {"drivers.py", "simulator.py"}
    for file in files:
        lines = iter(made(kind)[file].splitlines())
        for line in shown(kind.value)[file].splitlines():
            assert not line or line in lines, f"{file}: {line}"  # in this order


@every_device
@pytest.mark.parametrize("fault", ["garbled", "cut short", "unplugged"])
def test_the_driver_of_a_page_reads_its_simulator_and_survives_its_faults(kind, fault, tmp_path):
    drivers = module(kind, "drivers", tmp_path)
    with module(kind, "simulator", tmp_path)["simulate"]() as simulation:
        option, place = simulation.arguments
        assert re.search(rf"\boption\sis `{option}`", page(kind.value))
        driver = drivers["Driver"](place)
        assert driver.temperatures() == pytest.approx((4.2, 77.0), abs=0.1)
        simulation.device.fail(fault)
        with pytest.raises(drivers["DeviceError"]):
            driver.temperatures()
        simulation.device.normal()
        simulation.device.replug()
        assert driver.temperatures() == pytest.approx((4.2, 77.0), abs=0.1)
        driver.close()


@every_device
def test_the_entry_of_a_page_is_right_and_has_the_option_of_the_agent(kind, tmp_path):
    [entry] = re.findall(r"```yaml\n(.*?)```", page(kind.value), re.DOTALL)
    file = tmp_path / "site.yaml"
    file.write_text(f"{HUB}hosts:\n  localhost:\n    agent-instances:\n{entry}")
    [instance] = load(file).hosts["localhost"].instances
    assert (instance.agent_class, instance.instance_id) == ("ThermometerAgent", "thermometer1")
    source = made(kind)[PurePath("thermometer_agent/agent.py")]
    assert f'"{instance.arguments[0]}",' in source
    assert "class ThermometerAgent:" in source


def test_the_example_of_units_publishes_them(agent, link, tmp_path):  # noqa: F811
    file = tmp_path / "thermometer.py"
    file.write_text(shown("units")[PurePath("thermometer.py")])
    runpy.run_path(str(file))["Thermometer"](agent).publish(4.2, 0.25)
    [(_, (blocks, info))] = link.published
    assert blocks["temperatures"]["data"] == {"channel_00": [4.2], "heater": [0.25]}
    assert info["units"] == {"channel_00": "K", "heater": "W"}
    assert info["labels"] == {"channel_00": "cold plate"}


@pytest.mark.parametrize("name", ["units", "publishing"])
def test_every_command_of_a_page_is_understood(name, capsys):
    commands = re.findall(r"^    ocsd (.*)$|`ocsd ([^`]*)`", page(name), re.MULTILINE)
    for command in filter(None, sum(commands, ())):
        assert command_line([*command.split(), "--help"]) == 0, command
        assert "Usage" in capsys.readouterr().out


def test_the_package_of_the_page_becomes_the_wheel_that_the_page_names(tmp_path):
    """Without isolation, because that would fetch setuptools."""
    for file, text in shown("publishing").items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    folder = tmp_path / "package/lab_agents"
    (folder / "thermometer").mkdir()
    for file in ("__init__.py", "thermometer/__init__.py", "thermometer/agent.py"):
        (folder / file).touch()
    [words] = re.findall(r"^    python3 -m (pip wheel .*)$", page("publishing"), re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-m", *words.split(), "--no-build-isolation"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    [named] = re.findall(r"pip install (dist/.*)$", page("publishing"), re.MULTILINE)
    with zipfile.ZipFile(tmp_path / named) as wheel:
        assert "lab_agents/thermometer/agent.py" in wheel.namelist()
        entries = wheel.read("lab_agents-1.0.dist-info/entry_points.txt").decode()
    assert "[ocs.plugins]\nlab-agents = lab_agents.plugin" in entries
