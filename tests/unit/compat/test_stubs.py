"""Type checkers find ocsd's types under the names of OCS."""

import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STUBS = ROOT / "ocsd" / "compat" / "stubs"
GUIDE = ROOT / "docs" / "write" / "writing-an-agent.md"

SCRIPT = """
from ocs import OK, agent_cli, client_http, ocs_agent, ocs_feed, ocsbow, site_config
from ocs.ocs_client import OCSClient
from ocs.ocs_twisted import Pacemaker, TimeoutLock

site, host, instance = site_config.get_config(site_config.parse_args("A"), "A")
reveal_type(OK)
reveal_type(site.hub.data)
reveal_type(host.instances)
reveal_type(site_config.SiteConfig.from_yaml("x.yaml").hosts)
reveal_type(ocs_agent.init_site_agent(site_config.parse_args("A"))[0])
reveal_type(OCSClient("a").instance_id)
reveal_type(client_http.ControlClientError().reason)
reveal_type(agent_cli.build_agent_list())
ocsbow.main(["status"])
TimeoutLock().no_such_method()
"""


PROGRAMS = {
    "checkdata": "ocsd.data.checkdata",
    **{
        name: f"ocsd.compat.{name}" for name in ("agent_cli", "client_cli", "ocs_systemd", "ocsbow")
    },
}


def modules():
    return sorted(file.stem for file in STUBS.glob("[a-z]*.pyi"))


@pytest.mark.parametrize("name", modules())
def test_a_stub_offers_the_public_names_of_the_module(name):
    place = PROGRAMS.get(name, f"ocsd.{name}")
    assert (STUBS / f"{name}.pyi").read_text() == f"from {place} import *\n"
    module = importlib.import_module(place)
    assert hasattr(module, "__all__") or hasattr(module, "main")


def test_the_stub_of_the_package_offers_all_of_its_names():
    ocsd = importlib.import_module("ocsd")
    text = (STUBS / "__init__.pyi").read_text()
    assert re.findall(r"import (\w+) as \1$", text, re.M) == ocsd.__all__


def test_every_face_has_a_stub():
    faces = {file.stem for file in (ROOT / "ocsd").glob("*.py")}
    no_face = {"__init__", "__main__", "errors"}
    assert faces - no_face <= set(modules())


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What mypy says of a script and of the agent of the guide, by file."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("author")
    (folder / "script.py").write_text(SCRIPT)
    for name, text in guide_files().items():
        (folder / name).write_text(text)
    files = ["script.py", "agent.py", "drivers.py"]
    # Without the libraries below ocsd, whose types are not asked for, it takes seconds.
    options = ["--follow-imports=silent", "--no-site-packages", "--ignore-missing-imports"]
    cache = ROOT / ".mypy_cache" / "stubs"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, f"--cache-dir={cache}", *files],
        cwd=folder,
        env={"MYPYPATH": str(ROOT / ".typing"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    lines = [line for line in done.stdout.splitlines() if re.match(r"\w+\.py:", line)]
    return {name: [line for line in lines if line.startswith(name)] for name in files}


@pytest.fixture(scope="module")
def checked_by_pyright(tmp_path_factory):
    """What pyright says of the script, where it is installed (npm or pip install pyright)."""
    pyright = shutil.which("pyright")
    if pyright is None:
        pytest.skip("optional: pyright is not on PATH")
    folder = tmp_path_factory.mktemp("pyright")
    (folder / "script.py").write_text(SCRIPT)
    settings = {"include": ["script.py"], "extraPaths": [str(ROOT / ".typing")]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [pyright, "--outputjson", "--pythonpath", sys.executable],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)["generalDiagnostics"]


def guide_files():
    """Return agent.py and drivers.py of the guide."""
    blocks = re.findall(
        r"^`lab-agents/thermometer/(\w+\.py)`(?: goes on)?:\n\n```python\n(.*?)^```",
        GUIDE.read_text(),
        re.M | re.S,
    )
    files = {}
    for name, text in blocks:
        files[name] = f"{files[name]}\n{text}" if name in files else text
    return files


def test_a_type_checker_knows_what_comes_from_ocs(checked):
    types = [
        re.sub(r"[\w.]+\.(\w+)", r"\1", line.partition('"')[2].rstrip('"'))
        for line in checked["script.py"]
        if "Revealed" in line
    ]
    assert types == [
        "int",
        "dict[str, Any] | Any",
        "list[dict[str, Any]] | Any",
        "dict[str, HostConfig]",
        "OCSAgent",
        "str",
        "str",
        "dict[str, dict[str, str]]",
    ]


def test_a_type_checker_finds_a_mistake_and_no_other(checked):
    errors = [line for line in checked["script.py"] if ": error:" in line]
    assert len(errors) == 1
    assert '"TimeoutLock" has no attribute "no_such_method"' in errors[0]


def test_pyright_knows_what_comes_from_ocs(checked_by_pyright):
    revealed = [
        each["message"].rpartition(" is ")[2].strip('"')
        for each in checked_by_pyright
        if each["severity"] == "information"
    ]
    assert revealed == [
        "Literal[0]",
        "dict[str, Any] | Any",
        "list[dict[str, Any]] | Any",
        "dict[str, HostConfig]",
        "OCSAgent",
        "str",
        "str",
        "dict[str, dict[str, str]]",
    ]


def test_pyright_finds_a_mistake_and_no_other(checked_by_pyright):
    errors = [each["message"] for each in checked_by_pyright if each["severity"] == "error"]
    assert len(errors) == 1
    assert '"no_such_method" for class "TimeoutLock"' in errors[0]


def test_the_agent_of_the_guide_has_no_type_error(checked):
    assert [line for line in checked["agent.py"] if ": error:" in line] == []
