"""Agents of the published package socs, unmodified, with simulated devices.

The whole package is examined by `make compatibility`; these few are quick.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.compatibility import environment

pytestmark = pytest.mark.interop

# Files, a web page, Modbus, a serial line, TCP, datagrams with numpy's numbers.
ACQUIRING = (
    "BlueforsAgent",
    "FlowmeterAgent",
    "Hi6200Agent",
    "Lakeshore240Agent",
    "PfeifferAgent",
    "HWPBBBAgent",
)
EXAMINE = """
import json, sys
from tests.compatibility import acquire, classes, fleet

names = tuple(sys.argv[1:])
with fleet.scratch() as folder:
    found = acquire.acquisition(classes.published_classes(names), folder, limit_s=60)
result = {name: [each.ok, each.note, each.outcome.operations] for name, each in found.items()}
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def packages():
    """A folder with the code of socs and of the published OCS."""
    try:
        return environment.few()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"socs cannot be installed: {error}")


@pytest.fixture(scope="module")
def python(packages):
    """Run a Python that has ocsd, OCS and socs; return what it prints."""

    def run(*words):
        path = os.pathsep.join([str(environment.FOLDER.parent), str(packages)])
        done = subprocess.run(
            [sys.executable, *words],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def results(python):
    """What the agents did, by class."""
    return json.loads(python("-c", EXAMINE, *ACQUIRING))


@pytest.mark.parametrize("name", ACQUIRING)
def test_an_agent_of_socs_acquires_from_a_simulated_device(results, name):
    acquires, note, _ = results[name]
    assert acquires, note


def test_an_agent_of_socs_registers_its_operations(results):
    operations = results["Lakeshore240Agent"][2]
    assert operations == ["acq", "get_values", "init_lakeshore", "set_values", "upload_cal_curve"]


def test_classes_of_the_published_ocs_that_ocsd_lacks_are_found(python):
    code = "from ocsd.site_config import agent_class; print(agent_class('InfluxDBAgent').module)"
    assert python("-c", code).strip() == "ocs.agents.influxdb_publisher.agent"


def test_what_those_classes_import_from_ocs_is_ocsd(python):
    code = (
        "from ocsd import compat; compat.use();"
        "import ocs.agents.access_director.agent as agent; print(agent.ocs_agent.__name__)"
    )
    assert python("-c", code).strip() == "ocsd.ocs_agent"
