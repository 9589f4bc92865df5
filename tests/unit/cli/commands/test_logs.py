import json
import os
import signal
import time

import pytest

from ocsd.cli.logs.several_logs import SeveralLogs
from ocsd.log.logfile import Follower, last_lines, written_at
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


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (0, []),
        (1, ["f"]),
        (2, ["e", "f"]),
        (3, ["d", "e", "f"]),
        (5, ["b", "c", "d", "e", "f"]),
        (100, ["a", "b", "c", "d", "e", "f"]),
    ],
)
def test_the_last_lines_may_stand_in_rotated_files(tmp_path, lines, expected):
    path = tmp_path / "a.log"
    for name, text in (("a.log.2", "a\nb\n"), ("a.log.1", "c\nd\n"), ("a.log", "e\nf\n")):
        (tmp_path / name).write_text(text)
    assert last_lines(path, lines) == expected
    path.write_text("")
    assert last_lines(path, lines) == [each for each in "abcd" if lines][-lines:]
    path.unlink()
    assert last_lines(path, min(lines, 1)) == ["d"][: min(lines, 1)]


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


def test_lines_limit_what_since_shows(ocsd, daemon_of, log):
    write_rotated(log, 7200, 3600, 0)
    daemon_of("grumpy", instance("a", log_path=str(log)))
    done = ocsd("logs", "a", "--since", "2h", "-n", "3")
    assert texts(done.stdout) == ["before 0", "line 0", "more"]


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
            assert not list(both.fresh())
            writer.write("lf\n")
            assert [line.text for line in both.fresh()] == ["half"]
            writer.write("prompt> ")
            writer.flush()
            assert not list(both.fresh())
            assert [(line.name, line.text) for line in both.fresh()] == [("a", "prompt> ")]


def test_a_log_that_is_no_file_is_told_in_words(ocsd, daemon_of, log):
    daemon_of("grumpy", instance("a", log_path=str(log)))
    log.mkdir()
    done = ocsd("logs", "a")
    assert done.returncode == 1
    assert done.stderr.startswith(f"ocsd: the log {log} cannot be read: Is a directory")
    assert last_lines(log, 5) == []


def test_without_a_name_everything_on_the_host_is_shown(ocsd, daemon_of):
    written = {
        "a": "2026-11-22T12:00:01.000Z [info] first\n",
        "thermo1": "2026-11-22T12:00:03.000Z [info] third\n",
        "router": "2026-11-22T12:00:02+0000 [Router 7] second\n",
        "ocsd": "2026-11-22T12:00:04.000Z [info] fourth\n",
        "unrelated": "2026-11-22T12:00:05.000Z of another program\n",
    }
    for name, text in written.items():
        (ocsd.base / f"{name}.log").write_text(text)
    names = ("a", "thermo1", "silent")
    daemon_of("grumpy", *(instance(it, log_path=str(ocsd.base / f"{it}.log")) for it in names))
    done = ocsd("logs")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        *("a", "router", "thermo1", "ocsd")
    ]
    assert texts(ocsd("logs", "-n", "2").stdout)[0].endswith("third")
    both = ocsd("logs", "-n", "1", "a", "thermo1").stdout.splitlines()
    assert [line.split()[0] for line in both] == ["a", "thermo1"]


def test_patterns_and_classes_choose_logs(ocsd, daemon_of):
    rows = []
    for name, agent_class in (("thermo1", "Ls"), ("thermo2", "Ls"), ("pump1", "Pump")):
        path = ocsd.base / f"{name}.log"
        path.write_text(f"{stamp(5)} [info] of {name}\n")
        rows.append(instance(name, agent_class=agent_class, log_path=str(path)))
    daemon_of("grumpy", *rows)

    def shown(*words):
        return [line.split()[0] for line in ocsd("logs", *words).stdout.splitlines()]

    assert shown("thermo-*", "pump1") == []
    assert shown("thermo*") == shown("--class", "Ls") == ["thermo1", "thermo2"]
    assert shown("*1", "--class", "L*") == ["thermo1"]
    none = ocsd("logs", "thermo-*")
    assert none.returncode == 4
    assert "no instance matches 'thermo-*'; there are: thermo1, thermo2, pump1" in none.stderr
    none = ocsd("logs", "--class", "Pmup")
    assert none.returncode == 4
    assert "has no instance of class 'Pmup'; did you mean 'Pump'?" in none.stderr


def test_without_a_daemon_patterns_choose_among_the_files(ocsd, log):
    for name in ("thermo1", "thermo2", "pump1"):
        log.with_name(f"{name}.log").write_text(f"{name}\n")
    (ocsd.runtime / "grumpy").mkdir()
    assert len(ocsd("logs").stdout.splitlines()) == 3
    done = ocsd("logs", "thermo*")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["thermo1", "thermo2"]
    assert ocsd("logs", "x*").returncode == 4
    assert ocsd("logs", "--class", "Pump").returncode == 69
    (ocsd.runtime / "lab").mkdir()
    lab = ocsd.base / "log" / "lab"
    lab.mkdir()
    (lab / "pump2.log").write_text("pump2\n")
    several = ocsd("logs")
    assert (several.returncode, several.stdout) == (2, "")
    assert "several hosts have logs (grumpy, lab); add --host" in several.stderr
    assert ocsd("logs", "--host", "lab").stdout == "pump2  pump2\n"


@pytest.fixture
def eventful(ocsd, daemon_of, log):
    """A log of four events, one of them with a traceback, and one a crash."""
    log.write_text(
        f"{stamp(90000)} [error] the day before yesterday\n"
        f"{stamp(300)} [info] connected to Lakeshore\n"
        f"{stamp(200)} [error] reading failed\n"
        "  Traceback (most recent call last):\n"
        "  TimeoutError: no answer\n"
        f"{stamp(100)} [warn] trying again\n"
        f"{stamp(50)} [info] ending\n"
        "Traceback (most recent call last):\n"
        "ValueError: 7 (of 5)\n"
    )
    daemon_of("grumpy", instance("a", log_path=str(log)))

    def shown(*words):
        done = ocsd("logs", "a", *words)
        assert done.returncode == 0, done.stderr
        return [line.split("] ")[-1].strip() for line in done.stdout.splitlines()]

    return shown


def test_level_filters_and_keeps_what_belongs_to_an_event(eventful):
    crash = ["Traceback (most recent call last):", "ValueError: 7 (of 5)"]
    failed = ["reading failed", crash[0], "TimeoutError: no answer"]
    assert eventful("--level", "error") == [*failed, *crash]
    assert eventful("--level", "warn") == [*failed, "trying again", *crash]
    assert eventful("--level", "error", "-n", "1") == [crash[-1]]
    assert eventful("--level", "error", "--since", "2d") == [
        *("the day before yesterday", *failed, *crash)
    ]


def test_grep_finds_events_by_any_of_their_lines(eventful):
    assert len(eventful("--grep", "no answer")) == len(eventful("--grep", "timeouterror")) == 3
    assert eventful("--grep", "lakeshore|again") == ["connected to Lakeshore", "trying again"]
    assert eventful("--grep", "LAKESHORE") == []
    assert eventful("--grep", r"\d \(of")[-1] == "ValueError: 7 (of 5)"


def test_until_ends_before_a_time(eventful):
    assert eventful("--until", "250s") == ["connected to Lakeshore"]
    assert eventful("--since", "250s", "--until", "2 min ago")[0] == "reading failed"


def test_a_search_says_how_far_back_it_goes(ocsd, eventful):
    done = ocsd("logs", "a", "--grep", "yesterday")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "ocsd: of the last 24 h; --since says how far back to search\n"


def test_json_has_an_object_for_each_event(ocsd, eventful):
    done = ocsd("logs", "a", "--json", "--since", "250s")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["level"], each["text"]) for each in events] == [
        (
            "error",
            "reading failed\n  Traceback (most recent call last):\n  TimeoutError: no answer",
        ),
        ("warn", "trying again"),
        ("info", "ending"),
        ("error", "Traceback (most recent call last):\nValueError: 7 (of 5)"),
    ]
    assert {each["instance_id"] for each in events} == {"a"}
    assert events[0]["at"] == pytest.approx(time.time() - 200, abs=20)


def test_lines_without_a_level_count_as_info_and_of_the_router_as_warnings(ocsd, daemon_of, log):
    for name in ("a", "router"):
        log.with_name(f"{name}.log").write_text(f"{stamp(5)} of {name}\n")
    daemon_of("grumpy", instance("a", log_path=str(log)))
    done = ocsd("logs", "--level", "warn")
    assert "of router" in done.stdout
    assert "of a" not in done.stdout


def test_a_log_without_times_can_be_searched(ocsd, daemon_of, log):
    log.write_text("12:03 Error: one\n12:04 two\n")
    daemon_of("grumpy", instance("a", log_path=str(log)))
    assert ocsd("logs", "a", "--grep", "error").stdout.startswith("12:03 Error")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--grep", "(of"), "is no regular expression"),
        (("-f", "--until", "1h"), "--until ends"),
        (("--since", "1h", "--until", "2h"), "no time between them"),
        (("--level", "usual"), "to log as usual again: ocsd loglevel a usual"),
        (("--level", "loud"), "is not one of"),
    ],
)
def test_what_cannot_be_shown_is_refused(ocsd, words, message):
    done = ocsd("logs", "a", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_who_used_level_to_change_it_learns_the_new_command(ocsd, eventful):
    done = ocsd("logs", "a", "--level", "debug")
    assert "to have more of them logged: ocsd loglevel a debug\n" in done.stderr


def test_following_filters_too(ocsd, daemon_of, log):
    log.write_text(f"{stamp(5)} [info] one\n{stamp(5)} [warn] two\n")
    daemon_of("grumpy", instance("a", log_path=str(log)))
    process = ocsd.begin("logs", "-f", "a", "--level", "warn")
    assert process.stdout.readline().endswith("two\n")
    with log.open("a") as writer:
        writer.write(f"{stamp(0)} [info] three\n{stamp(0)} [error] four\n  its cause\n")
    assert process.stdout.readline().endswith("four\n")
    assert process.stdout.readline() == "  its cause\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def test_a_pattern_leaves_out_what_has_written_no_log(ocsd, daemon_of):
    path = ocsd.base / "a1.log"
    path.write_text(f"{stamp(5)} [info] here\n")
    absent = {"log_path": str(ocsd.base / "absent.log")}
    daemon_of("grumpy", instance("a1", log_path=str(path)), instance("a2", **absent))
    for words in (("*",), ("--class", "Fake*")):
        done = ocsd("logs", *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert "here" in done.stdout
    none = ocsd("logs", "*2")
    assert none.returncode == 1
    assert "none of these has written a log yet: a2" in none.stderr
