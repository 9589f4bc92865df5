import signal
import subprocess
import sys

from tests.unit.cli.stand_in_daemon import instance


def test_in_the_foreground_the_command_becomes_the_daemon(startable):
    startable.environment["STAND_IN"] = "foreground"
    process = startable.begin("start", "--host", "grumpy", "--site-file", "a.yaml")
    output, _ = process.communicate(timeout=30)
    assert output == f"daemon {process.pid} colour auto site file a.yaml\n"
    assert process.returncode == 0


def test_logs_as_json_need_a_daemon_that_keeps_its_stdout(startable):
    done = startable("start", "-d", "--log-format", "json")
    assert done.returncode == 2
    assert "-d lets go of stdout" in done.stderr


def test_a_detached_start_returns_when_all_is_up(startable):
    done = startable("start", "-d", "--host", "grumpy")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0].endswith("colour never site file None")
    assert lines[1:] == ["fake-data1 up", "grumpy: ok · 1 up · router up"]
    assert startable("status").returncode == 0
    stopped = startable("stop")
    assert stopped.returncode == 0
    assert stopped.stdout.startswith("grumpy: stopped in ")
    assert startable("status").returncode == 69


def test_detached_it_tells_that_something_did_not_come_up(startable):
    done = startable("start", "-d", STAND_IN="astray")
    assert done.returncode == 3
    assert "1 not in target state (fake-data1 failed)" in done.stdout


def test_a_refused_start_gives_the_daemons_message_and_exit_code(startable):
    done = startable("start", "-d", STAND_IN="refuse")
    assert done.returncode == 78
    assert done.stderr == "ocsd: no host 'grumpi' in default.yaml; did you mean 'grumpy'?\n"


def test_a_daemon_that_is_killed_while_it_starts_is_an_error(startable):
    done = startable("start", "-d", STAND_IN="die")
    assert done.returncode == 1
    assert "ended by SIGKILL while it started" in done.stderr


def test_a_daemon_that_is_stopped_while_it_starts_is_not_up(startable):
    done = startable("start", "-d", STAND_IN="stopped")
    assert done.returncode == 1
    assert "everything was stopped before all was up" in done.stderr


def test_ctrl_c_leaves_a_detached_start_going_on_and_says_so(startable):
    startable.environment["STAND_IN"] = "slow"
    process = startable.begin("start", "-d")
    assert process.stdout.readline().startswith("daemon ")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "goes on starting in the background" in errors


def test_stop_returns_only_when_the_daemon_is_gone(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("a"))
    daemon = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    server.status["pid"] = daemon.pid
    server.streams["/v1/stop"] = [
        {"event": "transition", "instance_id": "a", "state": "down", "reason": "", "at": 0.0},
        {"event": "stopped", "took_s": 0.4},
    ]
    too_early = ocsd("stop", "--timeout", "0.3")
    assert too_early.returncode == 75
    assert f"(pid {daemon.pid}) has not ended within 0.3 s" in too_early.stderr
    server.after["/v1/stop"] = daemon.stdin.close
    done = ocsd("stop")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "00:00:00.000Z  a down"
    assert daemon.wait(10) is not None


def test_a_daemon_that_dies_while_stopping_is_an_error(ocsd, daemon_of):
    daemon_of("grumpy", instance("a"))
    done = ocsd("stop")
    assert done.returncode == 69
    assert "agents may still run" in done.stderr


def test_stop_without_a_daemon_gets_exit_code_69(ocsd):
    assert ocsd("stop").returncode == 69
