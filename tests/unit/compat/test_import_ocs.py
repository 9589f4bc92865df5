"""`import ocs` is ocsd in what ocsd starts, and stands aside elsewhere."""

import json
import subprocess
import sys

import pytest

from ocsd import compat


def python(code, tmp_path, *options, path=(compat.FOLDER,)):
    """Return what a Python prints that has `path` first on its search path."""
    environment = {"PYTHONPATH": ":".join(map(str, path)), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def published(tmp_path):
    """A stand-in for an installed OCS."""
    package = tmp_path / "site-packages" / "ocs"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("__version__ = 'published'\n")
    (package / "ocs_agent.py").write_text("")
    return package.parent


THE_SAME = {
    "ocs": "ocsd",
    "ocs.ocs_agent": "ocsd.ocs_agent",
    "ocs.site_config": "ocsd.site_config",
    "ocs.base": "ocsd.base",
    "ocs.agents.registry.agent": "ocsd.registry.agent",
    "ocs.agents.aggregator.agent": "ocsd.aggregator.agent",
    "ocs.agents.fake_data.agent": "ocsd_agents.fake_data.agent",
    "ocs.agents.host_manager.agent": "ocsd.compat.host_manager",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """For each module of OCS, whether it is that of ocsd, and its name; from one interpreter."""
    code = (
        "import importlib, json\n"
        "found = {}\n"
        f"for pair in {THE_SAME!r}.items():\n"
        "    theirs, ours = map(importlib.import_module, pair)\n"
        "    found[pair[0]] = [ours is theirs, theirs.__spec__.name]\n"
        "print(json.dumps(found))"
    )
    return json.loads(python(code, tmp_path_factory.mktemp("found")))


@pytest.mark.parametrize(("theirs", "ours"), THE_SAME.items())
def test_a_module_of_ocs_is_the_very_module_of_ocsd(theirs, ours, found):
    assert found[theirs] == [True, ours]


def test_ocsd_comes_before_a_published_ocs(tmp_path, published):
    code = "import ocs, ocs.ocs_agent as a; print(ocs.__name__, a.__name__)"
    assert python(code, tmp_path, path=(compat.FOLDER, published)) == "ocsd ocsd.ocs_agent"


def test_what_ocsd_lacks_is_the_published_module_on_ocsds_own(tmp_path, published):
    folder = published / "ocs" / "agents" / "influxdb_publisher"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").write_text("")
    (folder / "agent.py").write_text("import ocs.ocs_agent as a\nprint(__name__, a.__name__)\n")
    expected = "ocs.agents.influxdb_publisher.agent ocsd.ocs_agent"
    code = "import ocs.agents.influxdb_publisher.agent"
    assert python(code, tmp_path, path=(compat.FOLDER, published)) == expected


@pytest.mark.parametrize(
    ("statement", "ours"),
    [
        ("from ocs import agents as m", "ocsd_agents"),
        ("from ocs import site_config as m", "ocsd.site_config"),
        ("from ocs import testing as m", "ocsd.testing"),
        ("from ocs.agents import registry as m", "ocsd.registry"),
        ("from ocs.agents import fake_data as m", "ocsd_agents.fake_data"),
        ("from ocs.agents.aggregator import agent as m", "ocsd.aggregator.agent"),
        ("from ocs.agents.host_manager import agent as m", "ocsd.compat.host_manager"),
        ("import ocs.agents.host_manager.agent as m", "ocsd.compat.host_manager"),
        ("import ocs; import ocs.client_t; m = ocs.client_t", "ocsd.client_t"),
        ("from ocs.testing import create_client_fixture as m", "create_client_fixture"),
    ],
)
def test_a_module_is_imported_from_its_package(statement, ours, tmp_path):
    assert python(f"{statement}; print(m.__name__)", tmp_path) == ours


@pytest.mark.parametrize("name", ["common", "agents.influxdb_publisher", "testing.more"])
def test_a_published_module_is_imported_from_its_package(name, tmp_path, published):
    folder = published / "ocs"
    for part in name.split("."):
        folder /= part
        folder.mkdir()
        (folder / "__init__.py").write_text("")
    package, _, module = f"ocs.{name}".rpartition(".")
    code = f"from {package} import {module} as m; print(m.__name__)"
    assert python(code, tmp_path, path=(compat.FOLDER, published)) == f"ocs.{name}"


def test_a_published_module_that_lacks_a_library_names_the_library(tmp_path, published):
    (published / "ocs" / "broken.py").write_text("import no_such_library")
    code = "try: from ocs import broken\nexcept ImportError as error: print(error)"
    path = (compat.FOLDER, published)
    assert python(code, tmp_path, path=path) == "No module named 'no_such_library'"


def test_what_neither_has_is_no_attribute(tmp_path):
    code = (
        "import ocs\nprint(hasattr(ocs, 'nonsense'), hasattr(ocs, '__wrapped__'))\n"
        "try: from ocs import nonsense\nexcept ImportError as error: print(error.name)"
    )
    assert python(code, tmp_path) == "False False\nocsd"


def test_a_python_without_ocsd_gets_the_published_ocs(tmp_path, published):
    code = "import ocs, ocs.ocs_agent; print(ocs.__version__)"
    # -S: no site-packages, so no ocsd.
    assert python(code, tmp_path, "-S", path=(compat.FOLDER, published)) == "published"


def test_what_neither_has_is_missing_under_its_own_name(tmp_path):
    code = "try: import ocs.nonsense\nexcept ImportError as error: print(error)"
    assert python(code, tmp_path) == "No module named 'ocs.nonsense'"


def test_an_agent_of_ocs_is_started_as_a_module(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "ocs.agents.fake_data.agent", "--help"],
        env={"PYTHONPATH": compat.FOLDER},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "--num-channels" in done.stdout


def test_use_leads_this_process_and_its_children_to_ocsd(tmp_path):
    code = (
        "import subprocess, sys\n"
        "from ocsd import compat\n"
        "compat.use(); compat.use()\n"
        "import ocs\n"
        "show = 'import ocs; print(ocs.__name__)'\n"
        "child = subprocess.check_output([sys.executable, '-c', show])\n"
        "print(ocs.__name__, child.decode().strip(), sys.path.count(compat.FOLDER))"
    )
    assert python(code, tmp_path, path=()) == "ocsd ocsd 1"


def test_a_program_runs_with_ocsd_in_place_of_a_published_ocs(tmp_path, published):
    code = "import ocs; print(ocs.__name__)"
    words = ["-m", "ocsd.compat", "python", "-c", code]
    environment = {"PYTHONPATH": str(published)}
    shown = subprocess.run(
        [sys.executable, *words], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert (shown.stdout, shown.stderr) == ("ocsd\n", "")


@pytest.mark.parametrize("words", [[], ["-c"], ["no-such-program"]])
def test_a_program_that_is_not_there_is_told(words, tmp_path):
    command = [sys.executable, "-m", "ocsd.compat", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "usage: python -m ocsd.compat" in done.stderr
