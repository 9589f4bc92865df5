import json

import pytest

from tests.unit.cli.answers import result, transition
from tests.unit.cli.stand_in_daemon import instance


@pytest.fixture
def server(daemon_of):
    return daemon_of("grumpy", instance("a"), instance("b"))


def test_each_transition_and_the_result_are_told(ocsd, server):
    server.streams["/v1/instances/restart"] = [
        transition("a", "stopping"),
        transition("a", "starting", "asked for"),
        result("a"),
    ]
    done = ocsd("restart", "a", "a")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "07:33:01.250Z  a stopping",
        "07:33:01.250Z  a starting: asked for",
        "a: up after 0.05 s",
    ]
    body = {"names": ["a"], "timeout_s": 60.0}
    assert server.requests == [("/v1/instances/restart", body)]


def test_all_is_asked_for_as_such_and_summed_up(ocsd, server):
    server.streams["/v1/instances/down"] = [result("a", state="down"), result("b", state="down")]
    done = ocsd("down", "--all", "--timeout", "7")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "down: 2 of 2 done in 0.05 s"
    assert server.requests == [("/v1/instances/down", {"all": True, "timeout_s": 7.0})]


def test_a_restart_of_all_names_the_instances_that_it_leaves_out(ocsd, server):
    left_out = {"event": "left_out", "instance_id": "b", "reason": "put down by bob"}
    server.streams["/v1/instances/restart"] = [left_out, result("a")]
    done = ocsd("restart", "--all")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["b: stays down, put down by bob", "a: up after 0.05 s"]


def test_a_failure_gets_exit_code_1_its_reason_and_where_to_look(ocsd, server):
    server.streams["/v1/instances/up"] = [
        result("a", ok=False, state="failed", reason="no such class\nX"),
        result("b", ok=False, state="starting", timed_out=True, took_s=60.0),
    ]
    done = ocsd("up", "a", "b")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "a: failed after 0.05 s: no such class X (see: ocsd status a; ocsd logs a)",
        "b: timed out after 60.00 s, still starting (see: ocsd status b; ocsd logs b)",
        "up: 0 of 2 done in 60.00 s; not done: a, b",
    ]


def test_a_time_out_alone_gets_exit_code_75(ocsd, server):
    server.streams["/v1/instances/up"] = [
        result("a"),
        result("b", ok=False, state="starting", timed_out=True),
    ]
    assert ocsd("up", "a", "b").returncode == 75


def test_json_prints_the_lines_as_they_come(ocsd, server):
    lines = [transition("a", "starting"), result("a"), {"event": "from a newer release"}]
    server.streams["/v1/instances/up"] = lines
    done = ocsd("up", "--json", "a")
    assert [json.loads(line) for line in done.stdout.splitlines()] == lines
    assert done.returncode == 0


def test_an_unknown_name_is_refused_with_exit_code_4(ocsd, server):
    server.refusal = (404, b'{"error": {"message": "no instance \'x\'", "exit_code": 4}}')
    done = ocsd("restart", "x")
    assert (done.returncode, done.stdout, done.stderr) == (4, "", "ocsd: no instance 'x'\n")


def test_an_answer_that_breaks_off_is_no_success(ocsd, server):
    server.streams["/v1/instances/restart"] = [result("a"), transition("b", "starting")]
    done = ocsd("restart", "--all")
    assert done.returncode == 69
    assert "before it reported what became of b" in done.stderr


@pytest.mark.parametrize("verb", ["up", "down", "restart"])
@pytest.mark.parametrize("arguments", [(), ("--all", "a"), ("a", "--timeout", "0")])
def test_wrong_use_gets_exit_code_2_and_asks_nothing(ocsd, server, verb, arguments):
    done = ocsd(verb, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("ocsd: ")
    assert server.requests == []


def test_no_daemon_gets_exit_code_69(ocsd):
    assert ocsd("up", "a").returncode == 69


def test_patterns_and_classes_stand_for_instances(ocsd, daemon_of):
    rows = [instance(name, agent_class="Ls") for name in ("thermo1", "thermo2")]
    server = daemon_of("grumpy", *rows, instance("pump", agent_class="Pump"))
    server.streams["/v1/instances/down"] = [result("thermo1", state="down"), result("thermo2")]
    for words in (("thermo*",), ("--class", "Ls"), ("*1", "thermo[2]"), ("t*", "--class", "L?")):
        assert ocsd("down", *words).returncode == 0
        assert server.requests.pop()[1]["names"] == ["thermo1", "thermo2"]
    for words in (("x*",), ("--class", "Lss"), ("pump", "--class", "Ls")):
        done = ocsd("down", *words)
        changes = [each for each in server.requests if each[0] != "/v1/site/grumpy"]
        assert (done.returncode, changes) == (4, [])
        assert done.stderr.startswith("ocsd: ")


def test_up_of_all_leaves_what_was_put_down_singly_unless_told(ocsd, server):
    left_out = {"event": "left_out", "instance_id": "b", "reason": "put down by bob"}
    server.streams["/v1/instances/up"] = [left_out, result("a")]
    done = ocsd("up", "--all")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "b: stays down, put down by bob",
        "a: up after 0.05 s",
        "1 left down; to start these too: ocsd up --all --also-put-down",
    ]
    body = {"all": True, "timeout_s": 60.0}
    assert server.requests.pop()[1] == {**body, "leave_put_down": True}
    ocsd("up", "--all", "--also-put-down")
    assert server.requests.pop()[1] == body


def test_a_reason_is_printed_once(ocsd, server):
    server.streams["/v1/instances/up"] = [
        transition("a", "failed", "no such class"),
        result("a", ok=False, state="failed", reason="no such class"),
    ]
    assert ocsd("up", "a").stdout.count("no such class") == 1


@pytest.mark.parametrize("words", [("--all",), ("*",), ("a", "b", "--class", "Fake*")])
def test_before_all_go_down_a_person_at_a_terminal_is_asked(server, at_terminal, words):
    server.streams["/v1/instances/down"] = [result("a", state="down"), result("b", state="down")]
    code, screen = at_terminal("n\n", "down", *words)
    assert code == 1
    assert "grumpy: bring down all 2 instances? [y/N]" in screen
    assert "nothing was done" in screen
    assert server.requests == []
    assert at_terminal("y\n", "down", *words)[0] == 0
    code, screen = at_terminal("", "down", "--yes", *words)
    assert (code, "?" in screen) == (0, False)
    assert len(server.requests) == 2


def test_one_of_several_goes_down_unasked(server, at_terminal):
    server.streams["/v1/instances/down"] = [result("a", state="down")]
    code, screen = at_terminal("", "down", "a")
    assert (code, "?" in screen) == (0, False)


def test_before_everything_is_stopped_a_person_at_a_terminal_is_asked(server, at_terminal):
    code, screen = at_terminal("\n", "stop")
    assert code == 1
    assert "grumpy: stop 2 instances, the router and the daemon? [y/N]" in screen
    assert server.requests == []


@pytest.mark.parametrize(("verb", "right"), [("stop", "down"), ("start", "up")])
def test_names_are_for_other_commands(ocsd, server, verb, right):
    done = ocsd(verb, "a", "b")
    assert (done.returncode, server.requests) == (2, [])
    assert f"did you mean `ocsd {right} a b`?" in done.stderr


def test_what_belongs_to_all_is_refused_beside_names(ocsd, server):
    done = ocsd("up", "a", "--also-put-down")
    assert done.returncode == 2
    assert "--also-put-down belongs to --all" in done.stderr
    assert server.requests == []
