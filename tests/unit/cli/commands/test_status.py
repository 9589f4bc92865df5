import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys

import pytest

from tests.unit.cli.stand_in_daemon import instance

FIFTY = [instance(f"an-agent-with-quite-a-long-name-{number:02d}") for number in range(50)]


def on_terminal(ocsd, *arguments, columns=80, **changed):
    """Run the command line on a pseudo-terminal and return what it shows."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ocsd.command(*arguments),
        env={**ocsd.environment, "COLUMNS": str(columns), "TERM": "xterm", **changed},
        cwd=ocsd.base,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 65536):
            shown += block
    except OSError:  # that is how the end of a pseudo-terminal looks on Linux
        pass
    os.close(ours)
    process.wait(30)
    return shown.decode().replace("\r\n", "\n")


def test_a_host_that_is_well_gets_verdict_table_and_exit_code_0(ocsd, daemon_of):
    daemon_of("grumpy", instance("fake-data1"), instance("spare", state="down", target="down"))
    done = ocsd("status")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0] == "grumpy: ok · 1 up, 1 down · router up"
    assert " ".join(lines[1].split()) == (
        "INSTANCE CLASS STATE TARGET HEALTH PID UPTIME RESTARTS CPU% MEMORY SAMPLE OPERATIONS "
        "REASON"
    )
    assert (
        " ".join(lines[2].split()) == "fake-data1 FakeDataAgent up up ok 4321 3h12m 0 1.2 7.8M - -"
    )
    assert lines[-1].startswith("router ws://localhost:8001/ws · site file /etc/ocsd/default.yaml")


def test_what_is_not_well_comes_first_with_its_reason(ocsd, daemon_of):
    daemon_of(
        "grumpy",
        instance("fine"),
        instance("sick", health="degraded", reason="acq failed"),
        instance("crashing", state="backoff", reason="exit 1:\n  no /dev/ttyUSB0", next_try_s=38.0),
    )
    done = ocsd("status")
    lines = done.stdout.splitlines()
    assert done.returncode == 3
    assert lines[0] == (
        "grumpy: attention · 2 up, 1 backoff · 1 not in target state (crashing backoff)"
        " · 1 not healthy (sick degraded) · router up"
    )
    assert [line.split()[0] for line in lines[2:5]] == ["crashing", "sick", "fine"]
    assert lines[2].endswith("exit 1: no /dev/ttyUSB0; next try in 38.0 s")


def test_bad_health_alone_is_said_but_is_no_missed_target(ocsd, daemon_of):
    daemon_of("grumpy", instance("sick", health="unstable", reason="5 exits in 2 min"))
    done = ocsd("status")
    assert done.returncode == 0
    assert done.stdout.startswith("grumpy: degraded")


def test_a_router_that_runs_but_hangs_is_trouble(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("fake-data1"))
    server.status["router"] |= {"health": "hung", "reason": "it has not answered for 12 s"}
    done = ocsd("status")
    assert done.stdout.splitlines()[0] == "grumpy: attention · 1 up · router hung"
    assert done.stdout.splitlines()[1] == "router: it has not answered for 12 s"
    assert done.returncode == 3


def test_what_is_wrong_with_the_daemon_itself_is_shown(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("fake-data1"))
    server.status["trouble"] = "12 entries wait for a full disk"
    done = ocsd("status")
    assert done.stdout.splitlines()[0] == "grumpy: degraded · 1 up · router up"
    assert done.stdout.splitlines()[1] == "trouble: 12 entries wait for a full disk"
    assert done.returncode == 0


def test_a_router_that_does_not_run_is_trouble(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("fine"))
    server.status["router"] |= {"state": "backoff", "reason": "port 8001 is held by pid 9"}
    done = ocsd("status")
    assert done.returncode == 3
    assert done.stdout.splitlines()[1] == "router: port 8001 is held by pid 9"
    assert ocsd("status", "fine").returncode == 0
    server.status["router"] = {"state": "external", "pid": None, "url": "ws://x/ws", "reason": ""}
    assert ocsd("status").returncode == 0


def test_json_is_the_object_of_the_control_api(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("fine"), instance("broken", state="failed"))
    done = ocsd("status", "--json")
    assert json.loads(done.stdout) == server.status
    assert done.returncode == 3
    named = ocsd("status", "--json", "fine")
    assert [one["instance_id"] for one in json.loads(named.stdout)["instances"]] == ["fine"]
    assert named.returncode == 0


def test_a_named_instance_is_shown_with_the_end_of_its_log(ocsd, daemon_of):
    log = ocsd.base / "broken.log"
    log.write_bytes(b"".join(b"line %d\n" % number for number in range(20)) + b"bad \xff byte\n")
    reason = "usage: agent.py [--mode MODE]\nagent.py: error: unrecognized arguments: --mod"
    daemon_of(
        "grumpy",
        instance("fine"),
        instance("broken", state="failed", reason=reason, pid=None, log_path=str(log)),
    )
    done = ocsd("status", "broken")
    assert done.returncode == 3
    assert "fine" not in done.stdout
    assert all(line in done.stdout for line in reason.splitlines())
    assert f"log       {log}" in done.stdout
    assert "    line 19\n    bad \ufffd byte" in done.stdout
    assert "line 10\n" not in done.stdout


def test_an_unknown_name_gets_exit_code_4_and_the_nearest_name(ocsd, daemon_of):
    daemon_of("grumpy", instance("fake-data1"))
    done = ocsd("status", "fake-data1", "fake-dta1")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (
        "ocsd: host 'grumpy' has no instance 'fake-dta1'; did you mean 'fake-data1'?\n"
    )


def test_piped_output_has_whole_ids_and_no_colours(ocsd, daemon_of):
    daemon_of("grumpy", *FIFTY, instance("broken", state="failed", reason="because " * 40))
    done = ocsd("status", COLUMNS="40")
    assert all(one["instance_id"] in done.stdout for one in FIFTY)
    assert ("because " * 40).strip() in done.stdout
    assert "\x1b" not in done.stdout


def test_a_terminal_gets_colours_symbols_and_the_begin_of_a_long_reason(ocsd, daemon_of):
    daemon_of("grumpy", instance("fine"), instance("broken", state="failed", reason="why " * 200))
    shown = on_terminal(ocsd, "status", columns=130)
    assert "\x1b[32m● up\x1b[0m" in shown
    assert "\x1b[31m✗ failed\x1b[0m" in shown
    lines = re.sub(r"\x1b\[\d+m", "", shown).splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("    why"))
    assert lines[begin + 1].startswith("    why")
    assert lines[begin + 2].startswith("    … why")
    assert lines[begin + 3].startswith("fine")
    assert max(map(len, lines)) <= 130


def test_a_narrow_terminal_never_cuts_an_id(ocsd, daemon_of):
    daemon_of("grumpy", *FIFTY)
    shown = on_terminal(ocsd, "status", "-a", columns=30)
    assert all(one["instance_id"] in shown for one in FIFTY)


def test_no_color_is_honoured(ocsd, daemon_of):
    daemon_of("grumpy", instance("fine"))
    assert "\x1b" not in on_terminal(ocsd, "status", NO_COLOR="1")
    assert "\x1b" not in on_terminal(ocsd, "status", TERM="dumb")


def test_ascii_is_enough_where_the_output_is_not_utf_8(ocsd, daemon_of):
    daemon_of(
        "grumpy", instance("fine"), instance("broken", state="failed", reason="\u00b5 " * 400)
    )
    plain = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    shown = on_terminal(ocsd, "status", columns=120, **plain)
    assert shown.isascii()
    assert "X failed" in shown
    assert "+ up" in shown
    assert "..." in shown


def test_no_daemon_gets_exit_code_69_and_the_next_step(ocsd):
    done = ocsd("status")
    assert done.returncode == 69
    # The daemons of other runs of the tests are named as well.
    assert done.stderr.startswith("ocsd: no daemon is running")
    assert f"(looked in {ocsd.runtime})" in done.stderr


def test_the_socket_of_a_killed_daemon_is_skipped(ocsd, daemon_of):
    import socket

    place = ocsd.runtime / "killed" / "control.sock"
    place.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
    assert stat.S_ISSOCK(place.stat().st_mode)
    assert ocsd("status").returncode == 69
    daemon_of("grumpy", instance("fine"))
    assert ocsd("status").stdout.startswith("grumpy: ok")


def test_several_daemons_are_all_shown(ocsd, daemon_of):
    daemon_of("grumpy", instance("fine"))
    daemon_of("sleepy", instance("tired"))
    done = ocsd("status")
    assert done.returncode == 0, done.stderr
    assert "grumpy: ok" in done.stdout
    assert "sleepy: ok" in done.stdout
    assert ocsd("status", "--host", "sleepy").stdout.startswith("sleepy: ok")
    other = ocsd("status", "--host", f"dopey-{os.getpid()}")
    assert other.returncode == 69
    assert "the running ones are: grumpy, sleepy" in other.stderr


def test_a_daemon_of_somebody_else_gets_exit_code_77(ocsd, daemon_of, as_stranger):
    daemon_of("grumpy", instance("fine"))
    done = as_stranger(ocsd.runtime / "grumpy", "status")
    assert done.returncode == 77, done.stderr
    assert "may not speak to the daemon" in done.stderr


def test_a_refusal_of_the_daemon_gives_its_message_and_exit_code(ocsd, daemon_of):
    server = daemon_of("grumpy")
    server.refusal = (403, b'{"error": {"message": "only the group ocs may", "exit_code": 77}}')
    done = ocsd("status")
    assert (done.returncode, done.stderr) == (77, "ocsd: only the group ocs may\n")


@pytest.mark.parametrize("answer", [(500, b"<html>"), (200, b"[1, 2]"), (200, b"nonsense")])
def test_an_unreadable_answer_is_an_error_without_traceback(ocsd, daemon_of, answer):
    daemon_of("grumpy").refusal = answer
    done = ocsd("status")
    assert done.returncode == 1
    assert done.stderr.startswith("ocsd: the daemon answered ")
    assert "Traceback" not in done.stderr


def test_a_stuck_daemon_gets_exit_code_75(ocsd, daemon_of):
    server = daemon_of("grumpy")
    server.silent.set()
    code = (
        "import sys; from ocsd.cli.talk import control; from ocsd.errors import TimedOutError\n"
        "try: control.find().status(0.1)\n"
        "except TimedOutError as error: print(error); sys.exit(error.exit_code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=ocsd.environment, capture_output=True, timeout=30
    )
    assert done.returncode == 75
    assert b"has not answered within 0.1 s" in done.stdout


def test_a_reader_that_goes_away_is_no_error(ocsd, daemon_of):
    daemon_of("grumpy", *(FIFTY * 40))
    process = ocsd.begin("status")
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(30) == 141


def test_the_router_and_the_daemon_have_names_too(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("fine"))
    server.status["router"] |= {"state": "backoff", "target": "up", "reason": "the port is taken"}
    done = ocsd("status", "router")
    assert done.returncode == 3
    assert "reason    the port is taken" in done.stdout
    assert "pid       77" in done.stdout
    server.status["trouble"] = "the disk is full"
    done = ocsd("status", "ocsd")
    assert done.returncode == 0
    assert "health    degraded" in done.stdout
    assert "reason    the disk is full" in done.stdout
    assert f"pid       {server.status['pid']}" in done.stdout


def test_a_router_that_somebody_else_runs_is_told_as_that(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("fine"))
    server.status["router"] = {"state": "external", "pid": None, "url": "ws://x/ws", "reason": ""}
    done = ocsd("status", "router")
    assert done.returncode == 0
    assert "the router at ws://x/ws is not run by this daemon" in done.stdout


def test_strict_gives_an_exit_code_for_what_is_not_well(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("sick", health="hung", reason="silent for 12 s"))
    assert ocsd("status").returncode == 0
    assert ocsd("status", "--strict").returncode == 5
    server.status["instances"][0] |= {"health": "ok"}
    assert ocsd("status", "--strict").returncode == 0
    server.status["instances"][0] |= {"state": "backoff"}
    assert ocsd("status", "--strict", "--json").returncode == 3


def test_a_watch_redraws_in_place_until_ctrl_c(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("fine"))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ocsd.command("status", "--watch"),
        env={**ocsd.environment, "COLUMNS": "80", "TERM": "xterm", "NO_COLOR": "1"},
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    read_until(ours, "grumpy: ok")
    server.status["instances"][0] |= {"health": "hung", "reason": "silent for 12 s"}
    assert "\x1b[H" in read_until(ours, "grumpy: degraded")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    os.close(ours)


def read_until(descriptor, text):
    """Return all that a terminal shows up to some text."""
    shown = ""
    while text not in shown:
        shown += os.read(descriptor, 65536).decode(errors="replace")
    return shown


def test_a_watch_needs_a_terminal(ocsd, daemon_of):
    daemon_of("grumpy", instance("fine"))
    done = ocsd("status", "--watch")
    assert done.returncode == 2
    assert "--watch is for a terminal" in done.stderr


def test_an_external_router_that_is_away_is_told_with_exit_code_3(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("fine"))
    reason = "not reachable for 20 s: no answer at ws://x/ws"
    away = {"state": "external", "pid": None, "health": "unreachable", "url": "ws://x/ws"}
    server.status["router"] = {**away, "reason": reason}
    done = ocsd("status")
    assert done.returncode == 3
    assert done.stdout.splitlines()[:2] == [
        "grumpy: attention · 1 up · router external, not reachable",
        f"router: {reason}",
    ]


def test_a_named_instance_is_shown_with_its_operations(ocsd, daemon_of):
    acq = {"name": "acq", "kind": "process", "state": "stopped", "since_at": 1795332781.0}
    operations = [{**acq, "startup": True, "reason": "a client"}]
    daemon_of("grumpy", instance("fine", operations=operations, sample_age_s=42.4))
    done = ocsd("status", "fine")
    assert "doing     acq stopped 07:33:01Z by a client" in done.stdout
    assert "sample    42 s ago" in done.stdout


def test_a_host_that_is_being_stopped_says_so(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("fine", state="down", target="down"))
    server.status["stopping"] = True
    assert ocsd("status").stdout.startswith("grumpy: stopping · 1 down")
    assert "state     stopping" in ocsd("status", "ocsd").stdout


def test_a_pattern_stands_for_instances(ocsd, daemon_of):
    daemon_of("grumpy", instance("thermo1"), instance("thermo2"), instance("pump"))
    rows = json.loads(ocsd("status", "--json", "thermo*").stdout)["instances"]
    assert [row["instance_id"] for row in rows] == ["thermo1", "thermo2"]
    assert ocsd("status", "x*").returncode == 4


def test_the_verdict_on_a_named_instance_says_why(ocsd, daemon_of):
    acq = {"name": "acq", "kind": "process", "state": "stopped", "since_at": 1795332781.0}
    operations = [{**acq, "startup": True, "reason": "a client"}]
    daemon_of("grumpy", instance("fine"), instance("idle", operations=operations))
    assert ocsd("status", "idle").stdout.splitlines()[:2] == [
        "grumpy: degraded · 1 up · router up",
        "stopped or failed: 1 operation (idle acq stopped 07:33:01Z by a client)",
    ]


def test_a_level_that_was_set_is_shown_with_the_way_back(ocsd, daemon_of):
    log = ocsd.base / "fine.log"
    daemon_of("grumpy", instance("fine", log_path=str(log)))
    assert "log level" not in ocsd("status", "fine").stdout
    log.with_name("fine.log.level").write_text("debug\n")
    line = "log level debug; as it was started: ocsd loglevel fine usual"
    assert line in ocsd("status", "fine").stdout


def test_what_something_else_runs_is_not_called_unknown(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("fine"))
    reason = "not managed here: docker runs it (manage); see: docker ps -a"
    server.status["not_managed"] = [{"instance_id": "boxed", "reason": reason}]
    for command in ("status", "why", "logs", "loglevel"):
        done = ocsd(command, "boxed")
        assert done.returncode == 4
        assert f"'boxed' is {reason}" in done.stderr
