import os
import signal
import time

import pytest

from ocsd.cli.logs import log_level
from ocsd.cli.logs.logfile import Follower, last_lines, written_at
from ocsd.cli.logs.several_logs import SeveralLogs
from ocsd.log.level_file import LevelFile
from ocsd.log.lines import LEVEL_RANKS
from tests.unit.cli.stand_in_daemon import instance


@pytest.fixture
def log(ocsd):
    path = ocsd.base / "log" / "grumpy" / "a.log"
    path.parent.mkdir(parents=True)
    return path


def fresh(follower):
    return "".join(follower.fresh())


@pytest.mark.parametrize("lines", [0, 1, 2, 3, 5, 1000, 20_000, 30_000])
@pytest.mark.parametrize("end", ["\n", ""])
def test_the_last_lines_are_exactly_those(tmp_path, lines, end):
    written = [f"line {number} {'x' * (number % 97)}" for number in range(20_000)]
    path = tmp_path / "a.log"
    path.write_text("\n".join(written) + end)
    assert last_lines(path, lines) == (written[-lines:] if lines else [])


def test_only_a_line_feed_ends_a_line(tmp_path):
    path = tmp_path / "thermo1.log"
    path.write_bytes("one\u2028two\x85three\r\n\nfour\n".encode())
    assert last_lines(path, 3) == ["one\u2028two\x85three", "", "four"]


def test_a_missing_or_empty_log_has_no_last_lines(tmp_path):
    assert last_lines(tmp_path / "none.log", 5) == []
    (tmp_path / "empty.log").touch()
    assert last_lines(tmp_path / "empty.log", 5) == []


def test_following_loses_nothing_over_a_rotation(tmp_path):
    path = tmp_path / "a.log"
    path.write_text("old\none\n")
    with Follower(path, 1) as follower:
        assert fresh(follower) == "one\n"
        with path.open("a") as writer:
            writer.write("two\n")
            writer.flush()
            path.rename(tmp_path / "a.log.1")
            assert fresh(follower) == "two\n"
            path.write_text("four\n")
            assert fresh(follower) == ""
            # The writer has not yet seen that its file has another name.
            writer.write("three\n")
        assert fresh(follower) == "three\nfour\n"
        with path.open("a") as writer:
            writer.write("five\n")
        assert fresh(follower) == "five\n"


def test_following_survives_a_log_that_is_emptied_in_place(tmp_path):
    path = tmp_path / "a.log"
    path.write_text("a long line\n")
    with Follower(path, 1) as follower:
        assert fresh(follower) == "a long line\n"
        path.write_text("new\n")
        assert fresh(follower) == ""
        assert fresh(follower) == "new\n"


def test_following_waits_for_a_log_that_does_not_exist_yet(tmp_path):
    path = tmp_path / "a.log"
    with Follower(path, 10) as follower:
        assert fresh(follower) == ""
        path.write_text("first\n")
        assert fresh(follower) == "first\n"


def test_a_character_that_arrives_in_two_parts_is_one(tmp_path):
    path = tmp_path / "a.log"
    path.write_bytes(b"\xc2")
    with Follower(path, 10) as follower:
        assert fresh(follower) == ""
        with path.open("ab") as writer:
            writer.write(b"\xb5 \xff\n")
        assert fresh(follower) == "\u00b5 \ufffd\n"


def test_logs_prints_the_end_of_the_file_that_the_daemon_names(ocsd, daemon_of, log):
    elsewhere = ocsd.base / "elsewhere.log"
    elsewhere.write_bytes(b"one\ntwo\nthree \xff\n")
    daemon_of("grumpy", instance("a", log_path=str(elsewhere)))
    done = ocsd("logs", "a", "-n", "2")
    assert (done.returncode, done.stdout) == (0, "two\nthree \ufffd\n")


def test_logs_finds_the_log_when_no_daemon_runs(ocsd, log):
    log.write_text("last words\n")
    (ocsd.runtime / "grumpy").mkdir()
    assert ocsd("logs", "a").stdout == "last words\n"
    assert ocsd("logs", "a", "--host", "grumpy").stdout == "last words\n"
    none = ocsd("logs", "b")
    assert none.returncode == 69
    assert f"There is no log of 'b' in {log.parent}" in none.stderr


def test_logs_shows_the_daemons_own_log_beside_the_others(ocsd, daemon_of):
    (ocsd.base / "ocsd.log").write_text("started\n")
    daemon_of("grumpy", instance("a", log_path=str(ocsd.base / "a.log")))
    assert ocsd("logs", "ocsd").stdout == "started\n"


def test_unknown_names_and_missing_logs_are_told_apart(ocsd, daemon_of):
    daemon_of("grumpy", instance("a", log_path=str(ocsd.base / "a.log")))
    assert ocsd("logs", "b").returncode == 4
    assert ocsd("logs", "../a").returncode == 4
    unwritten = ocsd("logs", "a")
    assert unwritten.returncode == 1
    assert "has written no log yet" in unwritten.stderr


def test_a_log_that_may_not_be_read_gets_exit_code_77(ocsd, daemon_of, log, as_stranger):
    log.write_text("secret\n")
    daemon_of("grumpy", instance("a", log_path=str(log)))
    done = as_stranger(log.parent, "logs", "a")
    assert done.returncode == 77, done.stderr
    assert f"may not read the log {log}" in done.stderr


def test_following_ends_on_ctrl_c_with_130(ocsd, daemon_of, log):
    log.write_text("one\n")
    daemon_of("grumpy", instance("a", log_path=str(log)))
    process = ocsd.begin("logs", "-f", "a")
    assert process.stdout.readline() == "one\n"
    log.rename(log.with_suffix(".log.1"))
    log.write_text("two\n")
    assert process.stdout.readline() == "two\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("line", "at"),
    [
        (b"2026-11-22T12:02:48.238Z [info] up", 1795348968.238),
        (b"2026-11-22T12:02:48+0000 up", 1795348968.0),
        (b"2026-11-22T13:02:48.5+01:00 up", 1795348968.5),
        (b"2026-13-22T12:02:48Z up", None),
        (b"  2026-11-22T12:02:48Z up", None),
        (b"Traceback", None),
    ],
)
def test_the_time_of_a_line_is_the_one_at_its_beginning(line, at):
    assert written_at(line) == at


def stamp(age_s):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - age_s))


def write_rotated(log, *ages_s):
    """Write a line of each age to a file of its own; the last one to the log itself."""
    for number, age_s in enumerate(reversed(ages_s)):
        path = log.with_name(f"{log.name}.{number}") if number else log
        path.write_text(
            f"{stamp(age_s + 60)} before {age_s}\n{stamp(age_s)} line {age_s}\n  more\n"
        )
        os.utime(path, (time.time() - age_s,) * 2)


def texts(output):
    return [line.removeprefix(line.split(" ")[0]).strip() for line in output.splitlines()]


def test_since_begins_at_a_time_in_rotated_files_too(ocsd, daemon_of, log):
    write_rotated(log, 9000, 7200, 3600, 0)
    daemon_of("grumpy", instance("a", log_path=str(log)))
    done = ocsd("logs", "a", "--since", "7230s")
    assert done.returncode == 0
    assert texts(done.stdout) == [
        *("line 7200", "more", "before 3600", "line 3600", "more"),
        *("before 0", "line 0", "more"),
    ]
    # A date without a time zone is in UTC, as the log is.
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 30))
    assert texts(ocsd("logs", "a", "--since", date).stdout) == ["line 0", "more"]
    assert ocsd("logs", "a", "--since", "0s").stdout == ""
    assert texts(ocsd("logs", "a", "--since", "1d").stdout)[0] == "before 9000"


def test_following_since_a_time_goes_on_with_what_is_appended(tmp_path):
    log = tmp_path / "a.log"
    write_rotated(log, 3600, 0)
    with Follower(log, 0, time.time() - 3630) as follower:
        assert texts(fresh(follower)) == ["line 3600", "more", "before 0", "line 0", "more"]
        assert fresh(follower) == ""
        log.rename(tmp_path / "a.log.1")
        log.write_text("next\n")
        assert fresh(follower) == ""
        assert fresh(follower) == "next\n"


def test_since_shows_rotated_files_while_there_is_no_new_log(tmp_path):
    log = tmp_path / "a.log"
    write_rotated(log, 10)
    log.rename(tmp_path / "a.log.1")
    with Follower(log, 0, time.time() - 30) as follower:
        assert follower.exists
        assert texts(fresh(follower)) == ["line 10", "more"]


@pytest.mark.parametrize("since", ["7x", "last week", "2026-22-11"])
def test_since_refuses_what_is_no_time(ocsd, since):
    done = ocsd("logs", "a", "--since", since)
    assert done.returncode == 2
    assert "is not a time; write an age" in done.stderr


def test_since_and_lines_are_refused_together(ocsd):
    done = ocsd("logs", "a", "--since", "1h", "-n", "3")
    assert done.returncode == 2
    assert "give one of them" in done.stderr


def test_several_logs_are_put_in_order_of_time_with_their_names(ocsd, daemon_of):
    one, two = ocsd.base / "a.log", ocsd.base / "thermo1.log"
    one.write_text(
        "2026-11-22T12:00:01.000Z [info] first\n"
        "2026-11-22T12:00:03.000Z [error] third\n  its traceback\n"
    )
    two.write_text("2026-11-22T12:00:02.000Z [info] second\n2026-11-22T12:00:04+0000 fourth, half")
    daemon_of(
        "grumpy",
        instance("a", log_path=str(one)),
        instance("thermo1", log_path=str(two)),
        instance("silent", log_path=str(ocsd.base / "silent.log")),
    )
    done = ocsd("logs", "thermo1", "a", "thermo1")
    assert done.stdout.splitlines() == [
        "a        2026-11-22T12:00:01.000Z [info] first",
        "thermo1  2026-11-22T12:00:02.000Z [info] second",
        "a        2026-11-22T12:00:03.000Z [error] third",
        "a          its traceback",
        "thermo1  2026-11-22T12:00:04+0000 fourth, half",
    ]
    unwritten = ocsd("logs", "a", "silent")
    assert unwritten.returncode == 1
    assert "'silent' has written no log yet" in unwritten.stderr
    assert ocsd("logs", "a", "b").returncode == 4


def test_following_several_logs_names_each_line(ocsd, daemon_of):
    one, two = ocsd.base / "a.log", ocsd.base / "b.log"
    one.write_text("one\n")
    daemon_of("grumpy", instance("a", log_path=str(one)), instance("b", log_path=str(two)))
    process = ocsd.begin("logs", "-f", "a", "b")
    assert process.stdout.readline() == "a  one\n"
    two.write_text("two\n")
    assert process.stdout.readline() == "b  two\n"
    one.rename(one.with_suffix(".log.1"))
    one.write_text("three\n")
    assert process.stdout.readline() == "a  three\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130


def test_half_a_line_waits_one_round_for_its_other_half(tmp_path):
    paths = {name: tmp_path / f"{name}.log" for name in "ab"}
    for path in paths.values():
        path.touch()
    with Follower(paths["a"], 0) as a, Follower(paths["b"], 0) as b:
        both = SeveralLogs({"a": a, "b": b}, follow=True)
        with paths["a"].open("a", buffering=1) as writer:
            writer.write("ha")
            writer.flush()
            assert fresh(both) == ""
            writer.write("lf\n")
            assert fresh(both) == "a  half\n"
            writer.write("prompt> ")
            writer.flush()
            assert fresh(both) == ""
            assert fresh(both) == "a  prompt> \n"


def test_the_level_is_written_where_agents_look_for_it(ocsd, daemon_of, log):
    log.write_text("one\n")
    daemon_of("grumpy", instance("a", log_path=str(log)))
    seen = []
    agent = LevelFile(log.with_name("a.log.level"), seen.append)
    for level, heard in (("debug", "debug"), ("error", "error"), ("usual", None), ("usual", None)):
        done = ocsd("logs", "--level", level, "a")
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == f"a: level {level} from now on\n"
        agent.apply()
        assert seen[-1] == heard
    assert sorted(path.name for path in log.parent.iterdir()) == ["a.log"]


def test_every_level_that_agents_know_may_be_asked_for():
    assert set(log_level.LEVEL_CHOICES) == {*LEVEL_RANKS, log_level.USUAL}


@pytest.mark.parametrize("name", ["router", "ocsd"])
def test_only_agents_have_a_level(ocsd, daemon_of, log, name):
    log.with_name(f"{name}.log").write_text("one\n")
    daemon_of("grumpy", instance("a", log_path=str(log)))
    done = ocsd("logs", "--level", "debug", name)
    assert done.returncode == 2
    assert "--level is for agents" in done.stderr


def test_a_level_that_may_not_be_written_gets_exit_code_77(ocsd, daemon_of, log, as_stranger):
    log.write_text("one\n")
    daemon_of("grumpy", instance("a", log_path=str(log)))
    done = as_stranger(log.parent, "logs", "--level", "debug", "a")
    assert done.returncode == 77, done.stderr
    assert f"may not write {log}.level" in done.stderr


def test_a_log_that_is_no_file_is_told_in_words(ocsd, daemon_of, log):
    daemon_of("grumpy", instance("a", log_path=str(log)))
    log.mkdir()
    done = ocsd("logs", "a")
    assert done.returncode == 1
    assert done.stderr.startswith(f"ocsd: the log {log} cannot be read: Is a directory")
    assert last_lines(log, 5) == []
