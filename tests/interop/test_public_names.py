"""Every public name of the published OCS is ocsd's too, or stands here with the reason.

The names are read from the source of the package, so nothing of it runs.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ocsd import compat
from tests.interop.public_names import modules_of, names_of, public

pytestmark = pytest.mark.interop

NOT_YET = "ocsd has no access control yet"
PUBLISHER = "an agent for InfluxDB: the published one runs on ocsd's modules"
INSIDE = "the inside of OCS's own agent; ocsd's is another one, with the same operations"
CONSOLE = "a program: ocsd has a command of its own, docs/compatibility.md names it"
LEFT_OUT = {
    "ocs._version": "ocs.__version__ has it",
    "ocs.access": NOT_YET,
    "ocs.agent_cli": "a text, and build_agent_list: ocsd's is site_config.agent_classes",
    "ocs.agents.access_director": NOT_YET,
    "ocs.agents.access_director.agent": NOT_YET,
    "ocs.agents.aggregator.agent": INSIDE,
    "ocs.agents.aggregator.drivers": INSIDE,
    "ocs.agents.fake_data.agent": INSIDE,
    "ocs.agents.host_manager.agent": INSIDE,
    "ocs.agents.host_manager.drivers": INSIDE,
    "ocs.agents.influxdb_publisher": PUBLISHER,
    "ocs.agents.influxdb_publisher.agent": PUBLISHER,
    "ocs.agents.influxdb_publisher.drivers": PUBLISHER,
    "ocs.agents.influxdb_publisher_v2": PUBLISHER,
    "ocs.agents.influxdb_publisher_v2.agent": PUBLISHER,
    "ocs.agents.influxdb_publisher_v2.drivers": PUBLISHER,
    "ocs.agents.registry.agent": INSIDE,
    "ocs.checkdata": CONSOLE,
    "ocs.common": PUBLISHER,
    "ocs.common.influxdb_drivers": PUBLISHER,
    "ocs.ocs_client": "its one missing name is a logger",
    "ocs.ocs_systemd": CONSOLE,
    "ocs.ocsbow": CONSOLE,
    "ocs.plugin": "the list of OCS's own agent classes; ocsd's is ocsd_agents.plugin",
}
"""The modules of which ocsd lacks a name, and why that is so."""

COMPARE = """
import functools, importlib, json, sys

missing = {}
for module, names in json.load(sys.stdin).items():
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError:
        missing[module] = None
        continue
    lacks = []
    for name in names:
        try:
            functools.reduce(getattr, name.split("."), found)
        except AttributeError:
            lacks.append(name)
    if lacks:
        missing[module] = lacks
print(json.dumps(missing))
"""


@pytest.fixture(scope="module")
def theirs(ocs_python):
    """The public names of the published package, by module."""
    code = "import importlib.util as u; print(u.find_spec('ocs').submodule_search_locations[0])"
    folder = subprocess.check_output([ocs_python, "-c", code], text=True).strip()
    return {name: public(names_of(file)) for name, file in modules_of(Path(folder))}


@pytest.fixture(scope="module")
def missing(theirs, tmp_path_factory):
    """The modules and names that ocsd lacks, where the published package is not installed."""
    done = subprocess.run(
        [sys.executable, "-c", COMPARE],
        env={"PYTHONPATH": compat.FOLDER},
        cwd=tmp_path_factory.mktemp("elsewhere"),
        input=json.dumps(theirs),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_package_is_read(theirs):
    assert {"OCSAgent", "OCSAgent.register_task"} <= set(theirs["ocs.ocs_agent"])
    assert {"ocs", "ocs.agents.registry.agent"} <= set(theirs)


def test_a_name_that_ocsd_lacks_has_a_reason(missing):
    unexplained = {name: lacks for name, lacks in missing.items() if name not in LEFT_OUT}
    assert unexplained == {}


def test_a_reason_belongs_to_a_name_that_ocsd_lacks(missing):
    assert set(LEFT_OUT) - set(missing) == set()


def test_what_ocs_client_lacks_is_the_logger(missing):
    assert missing["ocs.ocs_client"] == ["logger"]
