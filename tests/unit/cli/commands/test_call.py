"""`ocsd call`, `ops` and `listen` against a stand-in for the router's HTTP bridge."""

import json
import os
import pty
import signal
import subprocess
import threading

import pytest
import yaml

from tests.unit.cli.stand_in_daemon import instance
from tests.unit.client.stand_in_bridge import NO_SUCH, Bridge, StandInAgent


@pytest.fixture
def agent():
    return StandInAgent()


@pytest.fixture
def bridge(agent):
    bridge = Bridge(agent)
    yield bridge
    bridge.shutdown()
    bridge.server_close()


@pytest.fixture
def site_file(ocsd, bridge):
    """A site file whose hub is the stand-in, and that lists one more agent."""
    hub = {"wamp_server": "ws://127.0.0.1:9/ws", "wamp_http": bridge.url}
    instances = [{"agent-class": "Dev", "instance-id": name} for name in ("dev1", "dev2")]
    path = ocsd.base / "site.yaml"
    path.write_text(yaml.safe_dump({"hub": hub, "hosts": {"lab": {"agent-instances": instances}}}))
    return str(path)


@pytest.fixture
def run(ocsd, site_file):
    """Run a command with the site file."""
    return lambda *words: ocsd(*words, "--site-file", site_file)


def hub_of(bridge, root="observatory"):
    """Return what the daemon's status says of the router."""
    addresses = {"wamp_server": "ws://x/ws", "wamp_http": bridge.url}
    return {**addresses, "wamp_realm": "test_realm", "address_root": root}


def requests(bridge):
    return [args for procedure, args, _ in bridge.calls if procedure.endswith(".ops")]


def test_a_task_is_run_to_its_end_and_told_of(run, bridge):
    done = run(
        "call", "dev1", "init", "delay=2.5", "mode=a", "tags=[1, 2]", "note=a=b", "n=NaN", "m=1e999"
    )
    assert done.returncode == 0, done.stderr
    assert [args[0] for args in requests(bridge)] == ["start", "wait"]
    assert requests(bridge)[0][2] == {
        "delay": 2.5,
        "mode": "a",
        "tags": [1, 2],
        "note": "a=b",
        "n": "NaN",
        "m": "1e999",
    }
    lines = done.stdout.splitlines()
    assert lines[0] == "OK: wait init"
    assert lines[1].startswith("  init  succeeded after 1.50 s, started 2026-")
    assert "    steps: 3" in lines
    assert lines[-1].endswith('Status is now "starting".')
    assert "\x1b" not in done.stdout


def test_a_process_shows_its_status(run, bridge):
    done = run("call", "dev1", "acq")
    assert (done.returncode, done.stdout) == (0, "OK: No session active.\n")
    assert [args[0] for args in requests(bridge)] == ["status"]


@pytest.mark.parametrize("action", ["start", "stop", "wait", "status", "abort"])
def test_each_action_is_asked_for(run, bridge, action):
    assert run("call", "dev1", "init", action).returncode == 0
    assert [args[0] for args in requests(bridge)] == [action]


def test_a_level_takes_its_password_from_the_file_of_passwords(ocsd, run, bridge):
    file = ocsd.base / "passwords.yaml"
    file.touch(0o600)
    file.write_text("- {default: true, password_2: two}\n")
    ocsd.environment["OCS_PASSWORDS_FILE"] = str(file)
    assert run("call", "dev1", "init", "start", "--level", "2").returncode == 0
    assert bridge.calls[-1][2] == {"password": "two"}
    file.chmod(0o644)
    refused = run("call", "dev1", "init", "start", "--level", "2")
    assert refused.returncode == 78
    assert f"chmod 600 {file}" in refused.stderr


def test_json_is_one_document(run):
    done = run("call", "dev1", "init", "--json")
    answer = json.loads(done.stdout)
    assert {key: answer[key] for key in ("agent", "operation", "action", "status", "message")} == {
        "agent": "dev1",
        "operation": "init",
        "action": "start",
        "status": "OK",
        "message": "wait init",
    }
    assert answer["session"]["data"] == {"steps": 3}


def test_a_failed_operation_that_was_waited_for_is_exit_code_1(run, agent):
    agent.success = False
    assert run("call", "dev1", "init").returncode == 1
    assert run("call", "dev1", "init", "wait").returncode == 1
    assert run("call", "dev1", "init", "status").returncode == 0
    assert run("call", "dev1", "init", "abort", "--wait").returncode == 0


def test_a_refusal_is_exit_code_1_and_shows_the_right_spelling(run, agent):
    agent.refusal = "params included unexpected values: ['dely']"
    done = run("call", "dev1", "init", "dely=1")
    assert done.returncode == 1
    assert done.stdout == f"ERROR: {agent.refusal}\n"
    assert "did you mean 'delay'?" in done.stderr


def test_words_of_python_get_those_of_json(run, agent):
    agent.refusal = "Param 'delay'=None is not of required type (<class 'float'>)"
    done = run("call", "dev1", "init", "delay=None")
    assert done.returncode == 1
    assert "'None' is text; did you mean delay=null?" in done.stderr


def test_what_does_not_end_in_time_is_exit_code_75(run, agent):
    agent.running = threading.Event()
    done = run("call", "dev1", "init", "--timeout", "0.2")
    assert done.returncode == 75
    assert done.stdout.startswith("TIMEOUT: still running")
    agent.running.set()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["init", "strat"], "did you mean 'start'?"),
        (["init", "delay=1", "delay=2"], "parameter 'delay' is given twice"),
        (["acq", "rate=2"], "'acq' is a process; to run it, write: acq start"),
        (["init", "stop", "delay=1"], "parameters (delay) are for start, not for stop"),
        (["init", "status", "--wait"], "--wait does not go with status"),
        (["init", "start", "--timeout", "3"], "start without --wait does not wait"),
    ],
)
def test_a_call_that_makes_no_sense_starts_nothing(run, bridge, words, text):
    done = run("call", "dev1", *words)
    assert done.returncode == 2
    assert text in done.stderr
    assert requests(bridge) == []


def test_unknown_names_are_exit_code_4_with_the_nearest_name(run):
    done = run("call", "dev11", "init")
    assert (done.returncode, done.stdout) == (4, "")
    assert "no agent 'dev11' is connected" in done.stderr
    assert "did you mean 'dev1'?" in done.stderr
    done = run("call", "dev1", "inti")
    assert done.returncode == 4
    assert "agent 'dev1' has no operation 'inti'; did you mean 'init'?" in done.stderr
    assert run("ops", "dev1", "inti").returncode == 4


def test_an_agent_that_is_not_connected_is_exit_code_69(run):
    done = run("call", "dev2", "init")
    assert done.returncode == 69
    assert "'dev2' is not connected to the router; see: ocsd status dev2" in done.stderr


@pytest.mark.parametrize("error", ["wamp.error.canceled", None], ids=["gone", "router gone"])
def test_an_agent_or_router_lost_in_a_call_is_exit_code_69(run, bridge, agent, error):
    lost = {**NO_SUCH, "error": error} if error else None
    bridge.answer = lambda *call: lost if "wait" in call[1] else agent(*call)
    done = run("call", "dev1", "init")
    assert done.returncode == 69, done.stderr
    assert "dev1" in done.stderr or "router" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_router_is_that_of_the_running_daemon(ocsd, bridge, daemon_of):
    for host in ("grumpy", "sleepy"):
        daemon = daemon_of(host, instance("dev1"))
        daemon.status["hub"] = hub_of(bridge)
    assert ocsd("call", "dev1", "init").returncode == 0
    daemon.status["hub"] = hub_of(bridge, "other")
    done = ocsd("call", "dev1", "init")
    assert done.returncode == 2
    assert "say which is meant with --host" in done.stderr
    assert ocsd("call", "dev1", "init", "--host", "grumpy").returncode == 0
    assert ocsd("call", "dev1", "init", "--host", "sleepy").returncode == 69


def test_the_site_file_of_the_environment_beats_the_daemon(ocsd, site_file, daemon_of):
    daemon_of("grumpy", instance("dev1"))
    os.rename(site_file, ocsd.base / "default.yaml")
    assert ocsd("call", "dev1", "init", OCS_CONFIG_DIR=str(ocsd.base)).returncode == 0


def test_without_daemon_and_site_file_the_exit_code_is_78(ocsd):
    done = ocsd("call", "dev1", "init")
    assert done.returncode == 78
    # Other daemons of this machine would be named in between.
    assert "no daemon is running" in done.stderr
    assert "no site file found" in done.stderr


def test_ctrl_c_tells_that_the_operation_goes_on(ocsd, site_file, bridge, agent):
    agent.running = threading.Event()
    call = ocsd.begin("call", "dev1", "init", "--site-file", site_file)
    while len(requests(bridge)) < 2:
        assert call.poll() is None
    call.send_signal(signal.SIGINT)
    _, errors = call.communicate(timeout=20)
    assert call.returncode == 130
    assert "'init' goes on; see: ocsd call dev1 init status" in errors
    agent.running.set()


def test_on_a_terminal_the_waiting_is_shown(ocsd, site_file, agent):
    agent.running = threading.Event()
    ours, theirs = pty.openpty()
    words = ["call", "dev1", "init", "--site-file", site_file, "--timeout", "3"]
    call = subprocess.Popen(
        ocsd.command(*words), env=ocsd.environment, cwd=ocsd.base, stderr=theirs, stdout=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 4096):
            shown += block
    except OSError:  # the end of a pseudo-terminal
        pass
    os.close(ours)
    assert call.wait(20) == 75
    assert b"waiting for dev1 init: 2s" in shown
    agent.running.set()


def test_operations_are_listed_with_state_parameters_and_purpose(run):
    done = run("ops", "dev1")
    assert done.returncode == 0, done.stderr
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "dev1 Dev",
        "OPERATION KIND STATE PARAMETERS ABOUT",
        "acq process never run rate=1 Read it.",
        "init task succeeded delay=5.0 mode=STR Set the device up.",
    ]


def test_one_operation_is_told_in_full(run):
    shown = run("ops", "dev1", "init").stdout
    for part in ("Notes", "PARAMETER", "required", "a b", "steps: 3", "started 2026-"):
        assert part in shown


def test_operations_as_json_are_what_the_agent_says(run):
    document = json.loads(run("ops", "dev1", "--json").stdout)
    assert document["agent_class"] == "Dev"
    assert [each["name"] for each in document["operations"]] == ["acq", "init"]
    assert document["operations"][1]["params"][1]["required"] is True


def test_a_feed_that_does_not_exist_is_exit_code_4(run):
    done = run("listen", "dev1.valeus")
    assert done.returncode == 4
    assert "has no feed 'valeus'; did you mean 'values'?" in done.stderr


def completed(ocsd, words, begun=""):
    line = ["ocsd", *words, begun]
    done = ocsd(
        _OCSD_COMPLETE="bash_complete", COMP_WORDS=" ".join(line), COMP_CWORD=str(len(line) - 1)
    )
    return [line.partition(",")[2] for line in done.stdout.split()]


def test_names_operations_actions_and_parameters_are_completed(ocsd, bridge, daemon_of):
    daemon = daemon_of("grumpy", instance("dev1"), instance("other"))
    daemon.status["hub"] = hub_of(bridge)
    assert completed(ocsd, ["call"], "d") == ["dev1"]
    assert completed(ocsd, ["call", "dev1"]) == ["init", "acq"]
    assert completed(ocsd, ["ops", "dev1"], "a") == ["acq"]
    assert completed(ocsd, ["listen"], "d") == ["dev1"]
    assert completed(ocsd, ["listen"], "dev1.") == ["dev1.values", "dev1.heartbeat"]
    assert completed(ocsd, ["listen"], "dev1.v") == ["dev1.values"]
    assert completed(ocsd, ["listen"], "other.") == ["other.heartbeat"]
    words = ["start", "abort", "wait", "status", "delay=", "mode="]
    assert completed(ocsd, ["call", "dev1", "init"]) == words
    assert completed(ocsd, ["call", "dev1", "init", "start", "delay=2"]) == ["mode="]
    assert completed(ocsd, ["call", "other"]) == []


def test_completion_does_not_wait_for_a_silent_router(ocsd, bridge, daemon_of):
    released = threading.Event()
    bridge.answer = lambda *_: released.wait(20)
    daemon = daemon_of("grumpy", instance("dev1"))
    daemon.status["hub"] = hub_of(bridge)
    assert completed(ocsd, ["call", "dev1"]) == []
    released.set()


def test_values_have_the_types_that_the_agent_declares(run, bridge):
    run("call", "dev1", "init", "delay=.5", "mode=1.10", "note=007")
    (params,) = [args[2] for args in requests(bridge) if args[0] == "start"]
    assert params == {"delay": 0.5, "mode": "1.10", "note": "007"}


def test_a_text_in_place_of_a_number_is_told_in_words(run, agent):
    agent.refusal = "Param 'delay'=abc is not of required type (<class 'float'>)"
    done = run("call", "dev1", "init", "delay=abc")
    assert done.returncode == 1
    assert "ocsd: 'delay' has to be a number, not the text 'abc'" in done.stderr


def test_who_may_not_ask_the_daemon_is_told_so(ocsd, daemon_of, as_stranger):
    daemon_of("grumpy", instance("dev1"))
    for words in (("ops", "dev1"), ("call", "dev1", "acq"), ("listen", "dev1")):
        done = as_stranger(ocsd.runtime, *words)
        assert done.returncode == 77, done.stderr
        assert done.stderr.startswith("ocsd: this user may not speak to the daemon (")
