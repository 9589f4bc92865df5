"""`ocsd new` makes an agent's folder; tests/system/authors/test_new_agent.py runs what it makes."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from ocsd.cli.main import main
from ocsd.cli.scaffold.making import DeviceKind, files_of
from ocsd.cli.scaffold.names import LONGEST_AGENT_NAME, names_of
from ocsd.errors import UsageError
from ocsd.site.load import load

SHORTEST, LONGEST = "x", "Very-long-names-" + "m" * (LONGEST_AGENT_NAME - 16)

every_kind = pytest.mark.parametrize("kind", list(DeviceKind))


# Names.


@pytest.mark.parametrize(
    ("given", "package", "agent", "instance"),
    [
        ("gauge", "gauge_agent", "GaugeAgent", "gauge1"),
        ("pressure-gauge", "pressure_gauge_agent", "PressureGaugeAgent", "pressure-gauge1"),
        ("pressure_gauge", "pressure_gauge_agent", "PressureGaugeAgent", "pressure-gauge1"),
        ("LakeShore372", "lakeshore372_agent", "LakeShore372Agent", "lakeshore372-1"),
        ("PSU", "psu_agent", "PSUAgent", "psu1"),
        # No doubled word.
        ("gauge-agent", "gauge_agent", "GaugeAgent", "gauge1"),
        ("GaugeAgent", "gauge_agent", "GaugeAgent", "gauge1"),
        # Words and modules of Python.
        ("class", "class_agent", "ClassAgent", "class1"),
        ("None", "none_agent", "NoneAgent", "none1"),
        ("serial", "serial_agent", "SerialAgent", "serial1"),
    ],
)
def test_all_names_follow_from_one(given, package, agent, instance):
    names = names_of(given)
    assert (names.package, names.agent, names.instance) == (package, agent, instance)
    assert names.package.isidentifier()
    assert names.agent.isidentifier()


@pytest.mark.parametrize(
    "given",
    ["", "3he", "-x", "x-", "a--b", "a b", "a.b", "gauß", "x/", "agent", "Agent", "x" * 31, "x\n"],
)
def test_a_name_that_no_agent_can_have_is_refused_with_an_example(given):
    with pytest.raises(UsageError, match=r"pressure-gauge|at most 30"):
        names_of(given)


# Files.


@every_kind
@pytest.mark.parametrize("name", [SHORTEST, LONGEST, "class"])
def test_what_is_made_is_formatted_and_passes_the_linter(tmp_path, kind, name):
    pytest.importorskip("ruff")
    for path, text in files_of(names_of(name), kind).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for command in (("format", "--diff"), ("check", "--no-cache")):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@every_kind
def test_no_file_has_a_word_of_the_templates(kind):
    for path, text in files_of(names_of("gauge"), kind).items():
        assert "$" not in f"{path}{text}", path
        assert text == "" or (text.endswith("\n") and not text.endswith("\n\n")), path


@every_kind
def test_every_file_that_a_page_of_the_folder_names_is_there(kind):
    files = {str(path): text for path, text in files_of(names_of("gauge"), kind).items()}
    told = re.findall(r"^\| `([^`]+)` \|", files["README.md"], re.MULTILINE)
    assert len(told) > 4
    for each in told:
        assert any(path.startswith(each) for path in files), each
    project = tomllib.loads(files["pyproject.toml"])
    [module] = project["project"]["entry-points"]["ocs.plugins"].values()
    assert f"{module.replace('.', '/')}.py" in files
    assert {"gauge_agent/drivers.py" in files, "gauge_agent/simulator.py" in files} == {
        kind is not DeviceKind.PLAIN
    }


@every_kind
def test_the_site_file_is_right(tmp_path, kind):
    files = {str(path): text for path, text in files_of(names_of("gauge"), kind).items()}
    file = tmp_path / "site.yaml"
    file.write_text(files["site-configs/default.yaml"])
    site = load(file)
    assert [each.instance_id for each in site.hosts["localhost"].instances] == [
        "aggregator",
        "gauge1",
    ]
    assert yaml.safe_load(file.read_text())["hosts"]["localhost"]["crossbar"] == {}


def test_a_driver_knows_nothing_of_ocsd():
    for kind in (DeviceKind.SERIAL, DeviceKind.TCP, DeviceKind.HTTP):
        files = {str(path): text for path, text in files_of(names_of("gauge"), kind).items()}
        assert not re.search(r"^(from|import) ocs", files["gauge_agent/drivers.py"], re.MULTILINE)


# The command.


def test_it_makes_the_folder_and_prints_three_commands(ocsd):
    done = ocsd("new", "agents/pressure-gauge", "--tcp")
    assert (done.returncode, done.stderr) == (0, "")
    first, *commands = done.stdout.splitlines()
    assert first == "made agents/pressure-gauge, with PressureGaugeAgent; next:"
    assert commands == [
        "  cd agents/pressure-gauge",
        f"  {sys.executable} -m pip install -e '.[test]'",
        f"  {sys.executable} -m pytest",
    ]
    folder = ocsd.base / "agents/pressure-gauge"
    made = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert made == {str(path) for path in files_of(names_of("pressure-gauge"), DeviceKind.TCP)}


def test_python_has_its_short_name_where_that_is_the_right_one(ocsd):
    folder = Path(sys.executable).parent
    done = ocsd("new", "gauge", PATH=f"{folder}:{os.environ['PATH']}")
    assert "  python -m pytest\n" in done.stdout


def test_an_existing_folder_or_file_stays_as_it_is(ocsd):
    (ocsd.base / "gauge").mkdir()
    (ocsd.base / "file").write_text("mine\n")
    (ocsd.base / "link").symlink_to("nowhere")
    for name in ("gauge", "file", "link"):
        done = ocsd("new", name)
        assert (done.returncode, done.stdout) == (78, "")
        assert f"{name} is there already and is not changed" in done.stderr
    assert list((ocsd.base / "gauge").iterdir()) == []
    assert (ocsd.base / "file").read_text() == "mine\n"


def test_a_folder_that_cannot_be_made_is_told(ocsd, as_stranger):
    (ocsd.base / "file").write_text("")
    done = ocsd("new", "file/gauge")
    assert (done.returncode, done.stderr) == (
        78,
        "ocsd: cannot make file/gauge: Not a directory\n",
    )
    locked = ocsd.base / "locked"
    locked.mkdir()
    done = as_stranger(locked, "new", str(locked / "gauge"))
    assert done.returncode == 78
    assert f"{locked}/gauge" in done.stderr
    assert "Permission denied" in done.stderr


def test_two_kinds_at_once_are_refused(ocsd):
    done = ocsd("new", "gauge", "--tcp", "--serial")
    assert done.returncode == 2
    assert "--tcp and --serial exclude each other" in done.stderr
    assert not (ocsd.base / "gauge").exists()


@pytest.mark.parametrize("name", ["fake-data", "Registry", "arduino", "AggregatorAgent"])
def test_a_class_that_there_is_already_is_refused(ocsd, name):
    done = ocsd("new", name)
    assert done.returncode == 78
    assert "already, of ocsd; choose another name" in done.stderr
    assert not (ocsd.base / name).exists()


def test_a_wrong_name_is_a_matter_of_usage(ocsd):
    done = ocsd("new", "3he")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'3he' cannot be the name of an agent: it begins with a letter" in done.stderr


# The page for authors.

PAGE = (Path(__file__).resolve().parents[4] / "docs/write/new-agent.md").read_text()


def test_every_command_of_the_page_and_of_the_help_makes_an_agent(ocsd, capsys):
    shown = re.findall(r"^    (ocsd new .*)$", PAGE, re.MULTILINE)
    assert main(["new", "--help"]) == 0
    told = re.findall(r"^ +(ocsd new [a-z].*)$", capsys.readouterr().out, re.MULTILINE)
    assert len(shown) == len(told) == 4
    assert [line.partition("#")[0].split() for line in shown] == [
        line.partition("#")[0].split() for line in told
    ]
    for line in shown:
        _, *words = line.partition("#")[0].split()
        assert ocsd(*words).returncode == 0


def test_the_page_lists_the_files_and_the_names():
    names = [names_of("pressure-gauge"), names_of("LakeShore372")]
    made = {str(path) for path in files_of(names[0], DeviceKind.SERIAL)}
    listed = re.findall(r"^\| `([^`]+)` \| ", PAGE.split("## Names")[0], re.MULTILINE)
    silent = {".gitignore", "pressure_gauge_agent/__init__.py", "pressure_gauge_agent/py.typed"}
    assert {path for path in made if not path.startswith("tests/")} == {*listed, *silent} - {
        "tests/"
    }
    rows = dict(re.findall(r"^\| (\w[^|]*) \| (.*) \|$", PAGE.split("## Names")[1], re.MULTILINE))
    for row, key in {
        "agent class": "agent",
        "package": "package",
        "package, for pip": "distribution",
        "first instance-id": "instance",
    }.items():
        assert re.findall("`(.*?)`", rows[row]) == [getattr(each, key) for each in names]
    assert f"at most {LONGEST_AGENT_NAME} characters" in PAGE
