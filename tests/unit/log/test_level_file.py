"""The level of a log changes while its agent runs."""

import subprocess
import sys

import pytest

from ocsd.log.level_file import LevelFile, level_of


@pytest.fixture
def set_levels():
    return []


@pytest.fixture
def file(tmp_path, set_levels):
    return LevelFile(tmp_path / "a.log.level", set_levels.append)


def test_without_a_file_the_level_stays(file, set_levels):
    file.apply()
    assert set_levels == []


def test_the_level_follows_the_file_until_it_is_gone(file, set_levels, tmp_path):
    for level in ("debug", "warn"):
        new = tmp_path / "new"
        new.write_text(f"{level}\n")
        new.replace(tmp_path / "a.log.level")
        file.apply()
        file.apply()
    (tmp_path / "a.log.level").unlink()
    file.apply()
    file.apply()
    assert set_levels == ["debug", "warn", None]


@pytest.mark.parametrize(
    ("text", "level"),
    [("debug", "debug"), (" INFO\n", "info"), ("", None), ("loud", None), ("\0\ufffd", None)],
)
def test_only_the_name_of_a_level_is_one(text, level):
    assert level_of(text) == level


def test_a_folder_in_its_place_changes_nothing(file, set_levels, tmp_path):
    (tmp_path / "a.log.level").mkdir()
    file.apply()
    assert set_levels == []


LOG = """
from ocsd.bus.wamp import txaio
from ocsd.log import logs
log = txaio.make_logger()
for level in LEVELS:
    if level == "start":
        logs.start("info")
    else:
        logs.set_level(level)
    log.debug("detail")
"""


@pytest.mark.parametrize(
    ("levels", "lines"),
    [
        (
            ["start", "debug", None],
            ["the level of this log is debug", "detail", "the level of this log is info"],
        ),
        (["debug", "start"], ["detail"]),
    ],
)
def test_the_log_has_the_lower_levels_as_long_as_they_are_wanted(levels, lines):
    # In a process of its own, because a log is one for its process.
    command = [sys.executable, "-c", LOG.replace("LEVELS", repr(levels))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert [line.split("] ", 1)[1] for line in done.stdout.splitlines()] == lines
