"""Every public name of the published OCS is ocsd's too, or stands here with the reason.

The names are read from the source of the package, so nothing of it runs.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ocsd import compat
from tests.interop.public_names import modules_of, names_of, public

pytestmark = pytest.mark.interop

RULES = "the inside of OCS's access control; ocsd's is in ocsd.access and ocsd.director"
PUBLISHER = "an agent for InfluxDB: ocsd's own has other insides, and the same options"
INSIDE = "the inside of OCS's own agent; ocsd's is another one, with the same operations"
HELP = "the text of its help, which is ocsd's own"
STEPS = "a step of the program, which does the same in other steps"
ROUTER = "the daemon runs the router and makes its configuration"
LEFT_OUT = {
    "ocs._version": "ocs.__version__ has it",
    "ocs.agents.access_director.agent": INSIDE,
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
    "ocs.common": PUBLISHER,
    "ocs.common.influxdb_drivers": PUBLISHER,
    "ocs.plugin": "the list of OCS's own agent classes; ocsd's is ocsd_agents.plugin",
}
"""The modules that ocsd lacks, or has with another inside, and why that is so."""

_RULES = """
    AccessDirectorConfig AccessPasswordItem AccessRule ActionContext AgentAccessRules AgentSpec
    DistributedAccessGrant GrantConfigItem HASHFUNCS HashedPass ScopeSpec agent_filter_rules
    agent_get_creds agent_get_policy_default agent_rejection_message director_get_access_rules
    director_parse_config
"""

NAMES_LEFT_OUT = {
    "ocs.access": dict.fromkeys(_RULES.split(), RULES),
    "ocs.agent_cli": {"DESCRIPTION": HELP},
    "ocs.checkdata": {"DataChecker.scan_files": STEPS, "DataChecker.process_files": STEPS},
    "ocs.client_cli": {"DESCRIPTION": HELP},
    "ocs.ocs_client": {"logger": "ocsd's clients do not log"},
    "ocs.ocs_systemd": {
        "SERVICE_DEFAULT": "ocsd install finds the folder",
        "SYSTEMD_TEMPLATE": "the unit is that of ocsd install",
        "LAUNCHER_TEMPLATE": "ocsd's unit needs no launcher",
    },
    "ocs.ocsbow": {
        **dict.fromkeys(("DESCRIPTION", "EPILOG", "LOCAL_DESCRIPTION", "LOCAL_EPILOG"), HELP),
        **dict.fromkeys(
            ("get_args_and_site_config", "get_status", "print_status", "print_config"), STEPS
        ),
        **dict.fromkeys(("decode_exception", "crossbar_test"), STEPS),
        **dict.fromkeys(
            ("HostManagerManager", "LocalSupports", "render_crossbar_config_example"), STEPS
        ),
        **dict.fromkeys(("CrossbarManager", "generate_crossbar_config"), ROUTER),
    },
}
"""The names that ocsd lacks in the other modules; that of a class stands for its methods."""

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "names.md"
NAME = r"^\| `([\w.]+)"
ON_NO_PAGE = {"ocs.ocs_agent": {"OCSAgent.onConnect", "OCSAgent.onChallenge"}}
"""The methods that an agent of ocsd inherits from autobahn."""

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
    unexplained = {
        name: sorted(set(map(of_class, lacks or [name])) - set(NAMES_LEFT_OUT.get(name, {})))
        for name, lacks in missing.items()
        if name not in LEFT_OUT
    }
    assert {name: lacks for name, lacks in unexplained.items() if lacks} == {}


def test_a_reason_belongs_to_a_name_that_ocsd_lacks(missing):
    assert set(LEFT_OUT) - set(missing) == set()
    for name, reasons in NAMES_LEFT_OUT.items():
        assert set(reasons) - set(map(of_class, missing.get(name) or [])) == set(), name


def test_a_name_that_both_have_stands_on_the_page_of_names(theirs, missing):
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    listed = {f"ocs.{part.split()[0]}": set(re.findall(NAME, part, re.M)) for part in sections}
    of_both = {
        module: set(names) - set(missing.get(module) or [])
        for module, names in theirs.items()
        if module not in LEFT_OUT and ".agents" not in module
    }
    unlisted = {module: names - listed.get(module, set()) for module, names in of_both.items()}
    assert {module: names for module, names in unlisted.items() if names} == ON_NO_PAGE


def of_class(name):
    """Return the name that stands for it in the list: a class which is there has its methods."""
    first = name.partition(".")[0]
    return first if first in CLASSES_LEFT_OUT else name


CLASSES_LEFT_OUT = {name for reasons in NAMES_LEFT_OUT.values() for name in reasons}
