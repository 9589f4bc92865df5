"""The level of a log changes while its agent runs."""

import io

import pytest
from twisted.logger import LogLevel

from ocsd.bus.wamp import txaio
from ocsd.log import logs
from ocsd.log.level_file import LevelFile, level_of
from ocsd.log.lines import LineObserver


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


def test_the_log_has_the_lower_levels_as_long_as_they_are_wanted(monkeypatch):
    stream = io.StringIO()
    observer = LineObserver(stream, "info")
    monkeypatch.setattr(logs._Started, "observer", observer)
    levels = []
    monkeypatch.setattr(txaio, "set_global_log_level", levels.append)
    event = {"log_time": 0.0, "log_level": LogLevel.debug, "log_format": "detail"}
    for level in ("debug", None):
        logs.set_level(level)
        observer(event)
    assert stream.getvalue() == "1970-01-01T00:00:00.000Z [debug] detail\n"
    assert levels == ["debug", "info"]


def test_a_level_that_is_wanted_before_the_log_begins_is_kept(monkeypatch):
    monkeypatch.setattr(logs._Started, "observer", None)
    monkeypatch.setattr(logs._Started, "wanted_level", None)
    logs.set_level("debug")
    assert logs._Started.wanted_level == "debug"
