"""What docs/data/reading.md says is what happens."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

import ocsd.data
from ocsd.cli.commands.look.data import data
from ocsd.cli.main import main
from ocsd.data import meaning
from ocsd.data.gaps import GapKind
from tests.unit.data import recorded
from tests.unit.data.recorded import OPENED, every, hole, samples, sound

PAGE = (Path(__file__).parents[3] / "docs" / "data" / "reading.md").read_text()
# `push`, which needs a database, is tried in tests/system/recording/test_push.py.
COMMANDS = re.findall(r"^    (ocsd data (?!push).*?)(?:   .*)?$", PAGE, re.MULTILINE)
# Of the help; but what only some machine has: folders, and programs behind a pipe.
EXAMPLES = [
    line.strip()
    for command in (data, *data.commands.values())
    for line in (command.epilog or "").splitlines()
    if line.startswith("  ocsd data") and not {"|", "push"} & set(line.split())
]
FEED = "observatory.fake-data1.feeds.false_temperatures"
OTHER = "observatory.fake-data2.feeds.false_temperatures"
HOLES = "observatory.aggregator.feeds.holes"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """What the example site records: 16 channels of one thermometer, two of another."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("OCS_CONFIG_DIR", raising=False)
    for opened in (OPENED, OPENED + 3600):
        frames = (
            samples(every(1, 60, opened), address=FEED, **channels(16)),
            recorded.holes(1, hole(opened + 5, opened + 6, feed=FEED)),
            samples(every(1, 60, opened), 2, OTHER, **channels(2)),
        )
        sound(tmp_path / "data", *frames, opened=opened, addresses=(FEED, HOLES, OTHER))
    shutil.copytree(tmp_path / "data", tmp_path / "archive" / "lab")


def channels(count):
    return {f"channel_{number:02}": [0.5] * 60 for number in range(count)}


def test_the_page_has_every_command():
    assert {command.split()[2] for command in COMMANDS} == {
        *("ls", "info", "gaps", "verify", "export", "plot", "trend", "sync")
    }


@pytest.mark.parametrize("command", dict.fromkeys([*COMMANDS, *EXAMPLES]))
def test_every_command_of_the_page_and_of_the_help_works(command, capsys):
    # The time that the page was written is no present of ours.
    words = re.sub(r"--since \S+", "--since 2026-11-01", command)
    words = re.sub(r"--until \S+", "--until 2026-12-01", words)
    assert main(shlex.split(words)[1:]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out


def python_with(word):
    """Return the Python of the page that has a word."""
    [code] = [each for each in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if word in each]
    return code


def test_the_python_of_the_page_reads_what_it_says():
    answering, building, reading = map(python_with, ("import Archive\n", "Builder", "load_range"))
    names = {}
    exec(answering, names)
    assert names["found"].n.sum() == 60
    assert [gap.cause for gap in names["window"].holes if gap.kind == GapKind.HOLE] == [
        "the disk was full"
    ]
    exec(building, names)
    assert [*Path("data/ocsd/trend").rglob("*.trend")]
    exec(reading, names)
    assert len(names["times"]) == len(names["values"]) == 60
    assert list(names["found"][f"{HOLES}.cause"][1]) == ["the disk was full"]


def test_the_python_of_the_page_reads_several_folders_as_one(capsys):
    exec(python_with("Archives"), {})
    assert capsys.readouterr().out == "60\n"


def test_the_units_of_systemd_on_the_page_run_a_command_that_exists():
    (started,) = re.findall(r"^ExecStart=ocsd (.*)$", PAGE, re.MULTILINE)
    words = started.replace("/archive/", "archive/").replace("/data/hk", "data")
    assert main(shlex.split(words)) == 0
    assert len([*Path("archive/lab/ocsd/sync").glob("*.json")]) == 1


def test_the_units_of_the_page_are_read_as_it_says(monkeypatch):
    of_units = python_with("import units")
    field = "observatory.thermo1.feeds.temperatures.channel_00"
    declared = meaning.Meaning("K", "cold plate")
    monkeypatch.setattr(meaning, "units", lambda folder: {field: declared})
    asked = of_units.replace("units(", "asked = units(", 1)
    names = {}
    exec(asked, names)
    assert f"# {names['asked']!r}\n" in of_units


def test_the_page_explains_every_kind_of_gap():
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(map(str, GapKind))


def test_the_files_of_the_page_are_where_files_are(tmp_path):
    listed = re.findall(r"\d{5}/\d{10}\.g3", PAGE)
    found = [path.relative_to(tmp_path / "data") for path in (tmp_path / "data").glob("1*/*.g3")]
    assert listed == sorted(map(str, found))


def test_the_page_names_what_the_package_gives_to_programs():
    for name in ocsd.data.__all__:
        assert getattr(ocsd.data, name).__doc__, name
    told = {"Archive", "Builder", "units", "window"}
    assert all(f"{name}(" in PAGE for name in told)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ocsd.data.nothing  # noqa: B018 # the access is the test
