"""`ocsd reload`: what it changes, and what became of that."""

import json
import subprocess

import pytest

from tests.unit.cli.answers import result, transition
from tests.unit.cli.stand_in_daemon import instance

ANSWER = {"added": ["b"], "removed": [], "changed": {}, "kept": {}, "unchanged": 1}


def test_the_daemon_of_the_unit_is_meant_where_several_run(ocsd, daemon_of):
    other = daemon_of("dopey", instance("a"))
    other.status["pid"] = 4122
    server = daemon_of("grumpy", instance("a"))
    server.status["pid"] = 4121
    server.streams["/v1/reload"] = [ANSWER]
    done = ocsd("reload", "--no-wait", "--unit", "ocsd.service", MAINPID="4121")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "starts         b\n1 instance not touched\nsee how they do: ocsd status\n"
    )
    assert (server.requests, other.requests) == ([("/v1/reload", {"dry_run": False})], [])


def test_a_host_that_is_new_in_the_file_is_told_with_its_start(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("a"))
    server.streams["/v1/reload"] = [{**ANSWER, "added": [], "new_hosts": ["lab-2"]}]
    assert ocsd("reload", "--no-wait").stdout == (
        "is new         host lab-2; on its machine: ocsd start --host lab-2\n"
        "nothing to do: the site file says what runs (1 instance)\n"
    )


def test_a_silent_daemon_is_named_and_no_other_one_reloads(ocsd, daemon_of):
    other = daemon_of("dopey", instance("a"))
    done = ocsd("reload", "--no-wait", "--unit", "ocsd.service", MAINPID="4121")
    assert done.returncode == 69
    assert "the daemon (pid 4121) does not answer" in done.stderr
    assert other.requests == []


def test_what_becomes_of_each_is_told(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("a"))
    server.streams["/v1/reload"] = [
        {**ANSWER, "waits_for": ["b"]},
        transition("b", "up"),
        result("b"),
    ]
    done = ocsd("reload", "--timeout", "7")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "starts         b",
        "1 instance not touched",
        "07:33:01.250Z  b up",
        "b: up after 0.05 s",
    ]
    assert server.requests == [("/v1/reload", {"dry_run": False, "timeout_s": 7.0})]


def test_what_does_not_get_there_is_a_failure(ocsd, daemon_of):
    failed = result("b", ok=False, state="failed", reason="no such class")
    server = daemon_of("grumpy", instance("a"))
    server.streams["/v1/reload"] = [{**ANSWER, "waits_for": ["b"]}, failed]
    done = ocsd("reload", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {**ANSWER, "waits_for": ["b"], "results": [failed]}


def test_an_answer_that_breaks_off_is_no_success(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("a"))
    server.streams["/v1/reload"] = [{**ANSWER, "waits_for": ["b"]}]
    done = ocsd("reload")
    assert done.returncode == 69
    assert "what became of b" in done.stderr


def test_the_answer_of_an_older_release_is_understood(ocsd, daemon_of):
    daemon_of("grumpy", instance("a")).streams["/v1/reload"] = [ANSWER]
    done = ocsd("reload")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "see how they do: ocsd status"


def test_instances_are_listed_by_effect_not_by_kind_of_change(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("a"))
    server.streams["/v1/reload"] = [
        {
            "added": ["n", "off"],
            "removed": ["g"],
            "changed": {"c": ["arguments"], "d": ["arguments"]},
            "kept": {"e": ["manage"], "r": ["after"], "s": ["restart"]},
            "unchanged": 1,
            "effects": {
                "n": "starts",
                "off": "stays down",
                "c": "restarts",
                "d": "stays down",
                "e": "ends",
                "r": "goes on",
                "s": "starts",
                "g": "ends",
            },
        }
    ]
    assert ocsd("reload", "--dry-run").stdout.splitlines() == [
        "would start    n",
        "would start    s (restart changed)",
        "would end      g",
        "would end      e (manage changed)",
        "would restart  c (arguments changed)",
        "would leave running r (after changed)",
        "would leave down off",
        "would leave down d (arguments changed)",
        "1 instance not touched",
    ]
    assert ocsd("reload", "--no-wait").stdout.splitlines()[5:] == [
        "goes on        r (after changed)",
        "stays down     off",
        "stays down     d (arguments changed)",
        "1 instance not touched",
        "see how they do: ocsd status",
    ]


def test_a_dry_run_shows_old_and_new_values_and_those_of_many_once(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("a"))
    hub = {"wamp_server": ["ws://a:1/ws", "ws://b:1/ws"]}
    server.streams["/v1/reload"] = [
        {
            **ANSWER,
            "added": [],
            "changed": {"a": ["arguments"], "b": ["wamp_server"], "c": ["wamp_server"]},
            "kept": {"d": ["manage"]},
            "values": {
                "a": {"arguments": [["--mode", "acq", "--rate", "4"], ["--mode", "acq"]]},
                "b": hub,
                "c": hub,
                "d": {"manage": ["up", "down"]},
            },
        }
    ]
    assert ocsd("reload", "--dry-run").stdout.splitlines() == [
        "would restart  a (arguments changed)",
        "                 arguments: --rate 4 -> (none)",
        "would restart  b (wamp_server changed)",
        "                 wamp_server: ws://a:1/ws -> ws://b:1/ws",
        "would restart  c (wamp_server changed)",
        "would leave running d (manage changed)",
        "                 manage: up -> down",
        "1 instance not touched",
    ]
    assert "->" not in ocsd("reload", "--no-wait").stdout


def test_a_dry_run_tries_the_arguments_of_what_would_be_started(ocsd, daemon_of):
    site = ocsd.base / "site.yaml"
    site.write_text(
        "hub: {wamp_server: 'ws://localhost:8001/ws'}\nhosts:\n  grumpy:\n    agent-instances:\n"
        "      - {agent-class: FakeDataAgent, instance-id: a, arguments: [--mode, acqq]}\n"
        "      - {agent-class: FakeDataAgent, instance-id: b, arguments: [--num-chanels, 3]}\n"
    )
    server = daemon_of("grumpy", instance("a"))
    server.status["site_file"] = str(site)
    server.streams["/v1/reload"] = [{**ANSWER, "effects": {"b": "starts"}}]
    done = ocsd("reload", "--dry-run")
    assert done.returncode == 78
    assert done.stdout.startswith("would start    b\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ocsd: FakeDataAgent refuses the arguments of 'b' ({site}:6): ")
    assert "--num-chanels 3; did you mean '--num-channels'?" in line


def test_a_site_file_that_this_user_cannot_read_is_told_and_no_failure(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("a"))
    server.status["site_file"] = str(ocsd.base / "gone.yaml")
    server.streams["/v1/reload"] = [{**ANSWER, "effects": {"b": "starts"}}]
    done = ocsd("reload", "--dry-run")
    assert done.returncode == 0
    assert "arguments of agents were not tried: cannot read site file" in done.stderr


def test_a_hook_that_changes_is_no_nothing(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("a"))
    hooks = {"on-ok": [None, ["/opt/clear"]], "on-down": [["/opt/old"], ["/opt/new", "-v"]]}
    server.streams["/v1/reload"] = [{**ANSWER, "added": [], "hooks": hooks}]
    assert ocsd("reload", "--dry-run").stdout.splitlines() == [
        "would change   hook on-down: /opt/old -> /opt/new -v",
        "would change   hook on-ok: (none) -> /opt/clear",
        "1 instance not touched",
    ]
    assert ocsd("reload", "--no-wait").stdout.startswith("changes        hook on-down: ")


@pytest.mark.parametrize("count", [3, 4])
def test_before_many_are_interrupted_a_person_at_a_terminal_is_asked(
    ocsd, daemon_of, at_terminal, count
):
    names = [f"a{number}" for number in range(count)]
    plan = {**ANSWER, "added": [], "changed": {name: ["arguments"] for name in names}}
    server = daemon_of("grumpy", *map(instance, names))
    server.streams["/v1/reload"] = [{**plan, "effects": dict.fromkeys(names, "restarts")}]
    code, screen = at_terminal("n\n", "reload", "--no-wait")
    asked = "grumpy: interrupt 4 instances? [y/N]" in screen
    assert (code, asked) == (int(count > 3), count > 3)
    assert at_terminal("", "reload", "--no-wait", "--yes")[0] == 0


def test_a_file_from_the_input_is_only_tried(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("a"))
    server.status["site_file"] = None
    server.streams["/v1/reload"] = [ANSWER]
    tried = ocsd.begin("reload", "--dry-run", "--stdin", "--json", stdin=subprocess.PIPE)
    out, err = tried.communicate("hub: {}\n", timeout=30)
    assert (tried.returncode, err) == (0, "")
    assert json.loads(out)["added"] == ["b"]
    assert server.requests == [("/v1/reload", {"dry_run": True, "text": "hub: {}\n"})]
    refused = ocsd("reload", "--stdin")
    assert refused.returncode == 2
    assert "belongs to --dry-run" in refused.stderr
