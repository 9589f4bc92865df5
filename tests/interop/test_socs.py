"""Agents of the published package socs, unmodified, with simulated devices.

The whole package is examined by `make compatibility`; these few are quick.
"""

import json
import os
import subprocess
import sys

import pytest
import yaml

from tests.compatibility import environment

pytestmark = pytest.mark.interop

LINKS = {
    "BlueforsAgent": "files",
    "FlowmeterAgent": "HTTP",
    "Hi6200Agent": "TCP, Modbus",
    "PfeifferAgent": "TCP",
    "Lakeshore240Agent": "serial",
    "HWPBBBAgent": "UDP, with numpy's numbers",
    "PysmurfMonitor": "UDP",
    "MeinbergSyncboxAgent": "SNMP",
}
"""The agents of one site, and what links each to its device."""

EXAMINE = """
import json, sys
from tests.compatibility import acquire, classes, fleet

names = tuple(sys.argv[1:])
with fleet.scratch() as folder:
    found = acquire.acquisition(classes.published_classes(names), folder, limit_s=90)
    site_file = (folder / "default.yaml").read_text()
result = {name: [each.ok, each.note, each.outcome.operations] for name, each in found.items()}
print(json.dumps([result, site_file]))
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
def ran(python):
    """What the agents did, by class, and the site file."""
    return json.loads(python("-c", EXAMINE, *LINKS))


@pytest.fixture(scope="module")
def results(ran):
    return ran[0]


def test_the_site_file_has_true_false_and_null_among_its_arguments(ran):
    entries = yaml.safe_load(ran[1])["hosts"]["compatibility"]["agent-instances"]
    words = [word for entry in entries for word in entry["arguments"]]
    assert [sum(word is value for word in words) for value in (True, False, None)] == [1, 1, 1]


@pytest.mark.parametrize("name", LINKS)
def test_an_agent_of_socs_acquires_from_a_simulated_device(results, name):
    acquires, note, _ = results[name]
    assert acquires, note


def test_an_agent_of_socs_registers_its_operations(results):
    operations = results["Lakeshore240Agent"][2]
    assert operations == ["acq", "get_values", "init_lakeshore", "set_values", "upload_cal_curve"]


def test_the_writers_to_databases_are_our_own_beside_the_published_ocs(python):
    code = "from ocsd.site_config import agent_class; print(agent_class('InfluxDBAgent').module)"
    assert python("-c", code).strip() == "ocsd.export.databases.agent"


def test_what_those_classes_import_from_ocs_is_ocsd(python):
    code = (
        "from ocsd import compat; compat.use();"
        "import ocs.agents.access_director.agent as agent; print(agent.ocs_agent.__name__)"
    )
    assert python("-c", code).strip() == "ocsd.ocs_agent"
