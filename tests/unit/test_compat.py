"""`import ocs` is ocsd in what ocsd starts, and stands aside elsewhere."""

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


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("ocs", "ocsd"),
        ("ocs.ocs_agent", "ocsd.ocs_agent"),
        ("ocs.site_config", "ocsd.site_config"),
        ("ocs.base", "ocsd.base"),
        ("ocs.agents.registry.agent", "ocsd.registry.agent"),
        ("ocs.agents.aggregator.agent", "ocsd.aggregator.agent"),
        ("ocs.agents.fake_data.agent", "ocsd_agents.fake_data.agent"),
        ("ocs.agents.host_manager.agent", "ocsd.compat.host_manager"),
    ],
)
def test_a_module_of_ocs_is_the_very_module_of_ocsd(theirs, ours, tmp_path):
    code = (
        "import importlib\n"
        f"ours, theirs = map(importlib.import_module, ({ours!r}, {theirs!r}))\n"
        "print(ours is theirs, theirs.__spec__.name)"
    )
    assert python(code, tmp_path) == f"True {ours}"


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
