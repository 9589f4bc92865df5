"""`ocsd loglevel`: change how much agents log, or show it."""

import os

import pytest

from ocsd.cli.logs import log_level
from ocsd.log.level_file import LevelFile
from ocsd.log.lines import LEVEL_RANKS
from tests.unit.cli.stand_in_daemon import instance


@pytest.fixture
def log(ocsd):
    path = ocsd.base / "log" / "grumpy" / "a.log"
    path.parent.mkdir(parents=True)
    path.write_text("one\n")
    return path


def test_the_level_is_written_where_agents_look_for_it(ocsd, daemon_of, log):
    daemon_of("grumpy", instance("a", log_path=str(log)))
    seen = []
    agent = LevelFile(log.with_name("a.log.level"), seen.append)
    for level, heard in (("debug", "debug"), ("error", "error"), ("usual", None), ("usual", None)):
        done = ocsd("loglevel", "a", level)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"a: level {level} from now on\n"
        agent.apply()
        assert seen[-1] == heard
        assert ocsd("loglevel", "a").stdout == f"a: {level}\n"
    assert sorted(path.name for path in log.parent.iterdir()) == ["a.log"]


def test_agents_are_asked_to_look_at_once(ocsd, daemon_of, log):
    daemon_of("grumpy", instance("a", log_path=str(log)))
    socket = ocsd.runtime / "grumpy" / "notify.sock"
    socket.touch()
    os.utime(socket, (1.0, 1.0))
    assert ocsd("loglevel", "a", "debug").returncode == 0
    assert socket.stat().st_mtime > 1.0


def test_patterns_change_several(ocsd, daemon_of, log):
    rows = [instance(it, log_path=str(log.with_name(f"{it}.log"))) for it in ("a1", "a2", "b")]
    daemon_of("grumpy", *rows)
    assert ocsd("loglevel", "a*", "debug").returncode == 0
    shown = ocsd("loglevel", "*").stdout.splitlines()
    assert shown == ["a1: debug", "a2: debug", "b: usual"]


def test_a_disk_that_takes_nothing_is_named_with_the_file(ocsd, daemon_of, log):
    daemon_of("grumpy", instance("a", log_path=str(log)))
    log.with_name("a.log.level.new").mkdir()
    done = ocsd("loglevel", "a", "debug")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"ocsd: the level was not changed: cannot write {log}.level: Is a directory; make room on "
        "its disk, or make it writable\n"
    )
    assert ocsd("loglevel", "a").stdout == "a: usual\n"


def test_every_level_that_agents_know_may_be_asked_for():
    assert set(log_level.LEVEL_CHOICES) == {*LEVEL_RANKS, log_level.USUAL}


@pytest.mark.parametrize("name", ["router", "ocsd"])
def test_only_agents_have_a_level(ocsd, daemon_of, log, name):
    log.with_name(f"{name}.log").write_text("one\n")
    daemon_of("grumpy", instance("a", log_path=str(log)))
    done = ocsd("loglevel", name, "debug")
    assert done.returncode == 2
    assert f"only agents have a level that can be changed; '{name}' is none" in done.stderr


@pytest.mark.parametrize("words", [(), ("debug",)])
def test_without_a_name_it_is_refused(ocsd, words):
    done = ocsd("loglevel", *words)
    assert done.returncode == 2
    assert "needs the names of agents" in done.stderr


def test_a_wrong_level_gets_the_nearest_one(ocsd, daemon_of, log):
    daemon_of("grumpy", instance("a", log_path=str(log)))
    done = ocsd("loglevel", "a", "debgu")
    assert done.returncode == 2
    assert "'debgu' is neither a level nor an instance; did you mean 'debug'?" in done.stderr
    assert ocsd("loglevel", "a", "thermo").returncode == 4
    assert not log.with_name("a.log.level").exists()


def test_a_level_that_may_not_be_written_gets_exit_code_77(ocsd, daemon_of, log, as_stranger):
    daemon_of("grumpy", instance("a", log_path=str(log)))
    done = as_stranger(log.parent, "loglevel", "a", "debug")
    assert done.returncode == 77, done.stderr
    assert f"may not write {log}.level" in done.stderr


def test_a_word_that_is_neither_gets_the_levels(ocsd, daemon_of, log):
    daemon_of("grumpy", instance("a", log_path=str(log)))
    done = ocsd("loglevel", "a", "loud")
    assert done.returncode == 4
    assert "'loud' is neither a level nor an instance; levels are critical, error" in done.stderr
    assert ocsd("loglevel", "loud", "debug").returncode == 4
