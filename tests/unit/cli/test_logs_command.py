import signal

import pytest
from stand_in_daemon import instance

from ocsd.cli.logfile import Follower, last_lines


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
