"""`ocsd alarm`: what is raised, who knows of it, and what was not delivered."""

import json
import time

import pytest

from ocsd.status.alarms import alarms_of
from tests.unit.cli.stand_in_daemon import instance

NOW_AT = time.time()
WARM = {
    "name": "stage-warm",
    "severity": "critical",
    "text": "the 4 K stage is too warm",
    "when": "thermo1.temps.stage > 5 for 30s",
    "state": "raised",
    "since": 1795332781.5,
    "value": 5.31,
    "at": 1795332790.0,
    "acknowledged_by": "",
    "silenced_until": None,
}
DOME = {**WARM, "name": "dome-open", "severity": "warning", "text": "", "acknowledged_by": "vera"}
QUIET = {**WARM, "name": "pump", "state": "clear", "since": None, "value": None}
ANSWER = {
    "alarms": [QUIET, DOME, WARM],
    "incidents": [],
    "deliveries": [
        {
            "receiver": "slack",
            "state": "undeliverable",
            "attempts": 9,
            "queued_at": 1795332781.5,
            "at": NOW_AT,
            "reason": "HTTP 404",
            "title": "stage-warm",
            "key": "k",
        },
        {"receiver": "mail", "state": "delivered", "key": "k", "reason": ""},
    ],
    "as_of": NOW_AT,
    "evaluator": "running",
}


@pytest.fixture
def daemon(daemon_of):
    daemon = daemon_of("grumpy", instance("a"))
    daemon.answers["/v1/alarms"] = ANSWER
    for verb in ("ack", "silence", "unsilence", "test"):
        daemon.streams[f"/v1/alarms/{verb}"] = [{"alarm": WARM}]
    return daemon


def test_the_list_begins_with_what_needs_somebody_and_ends_with_what_was_not_delivered(
    ocsd, daemon
):
    done = ocsd("alarm", "list")
    assert (done.returncode, done.stderr) == (0, "")
    title, *rows = done.stdout.splitlines()
    assert title.split() == ["ALARM", "STATE", "SEVERITY", "SINCE", "VALUE", "TEXT"]
    assert [row.split()[0] for row in rows] == ["stage-warm", "dome-open", "pump", "not"]
    assert "2026-11-22T07:33:01Z   5.31  the 4 K stage is too warm" in rows[0]
    assert rows[1].endswith("thermo1.temps.stage > 5 for 30s; acknowledged by vera")
    assert rows[3] == (
        "not delivered to slack, stage-warm: undeliverable after 9 attempts "
        "since 2026-11-22T07:33:01Z: HTTP 404"
    )


def test_the_list_of_the_raised_leaves_out_the_others(ocsd, daemon):
    assert "pump" not in ocsd("alarm", "list", "--raised").stdout
    daemon.answers["/v1/alarms"] = {**ANSWER, "alarms": [QUIET], "deliveries": []}
    assert ocsd("alarm", "list", "--raised").stdout == "no alarm is raised, of 1\n"


def test_programs_get_the_answer_of_the_daemon(ocsd, daemon):
    assert json.loads(ocsd("alarm", "list", "--json").stdout) == ANSWER


def test_a_host_without_alarms_says_where_they_are_described(ocsd, daemon):
    daemon.answers["/v1/alarms"] = {"alarms": [], "incidents": [], "deliveries": []}
    done = ocsd("alarm", "list")
    assert done.returncode == 0
    assert done.stdout.startswith("host 'grumpy' has no alarms; the key `alarms` of the site file")
    done = ocsd("alarm", "ack", "stage-warm")
    assert done.returncode == 4
    assert "has no alarms" in done.stderr


def test_without_a_daemon_the_next_step_is_told(ocsd):
    done = ocsd("alarm", "list")
    assert done.returncode == 69
    assert "no daemon is running" in done.stderr


def test_several_alarms_are_acknowledged_with_a_comment(ocsd, daemon):
    done = ocsd("alarm", "ack", "stage-warm", "dome-open", "--comment", "rain")
    assert done.stdout == "stage-warm: acknowledged\ndome-open: acknowledged\n"
    assert daemon.requests == [
        ("/v1/alarms/ack", {"name": "stage-warm", "comment": "rain"}),
        ("/v1/alarms/ack", {"name": "dome-open", "comment": "rain"}),
    ]


def test_a_name_that_is_wrong_changes_nothing(ocsd, daemon):
    done = ocsd("alarm", "ack", "stage-warm", "dome_opn")
    assert done.returncode == 4
    assert done.stderr == "ocsd: there is no alarm 'dome_opn'; did you mean 'dome-open'?\n"
    # Nothing but whether another host has one of that name.
    assert all(body["request"] == "site" for _, body in daemon.requests)


def test_a_pattern_means_those_for_which_the_request_makes_sense(ocsd, daemon):
    done = ocsd("alarm", "ack", "*")
    assert done.stdout == "stage-warm: acknowledged\n"
    done = ocsd("alarm", "silence", "*e*", "--for", "1h")
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [
        "stage-warm",
        "dome-open",
    ]
    assert "no alarm of 'pu*' can be given to ack" in ocsd("alarm", "ack", "pu*").stderr
    assert ocsd("alarm", "ack", "zz*").stderr == (
        "ocsd: there is no alarm 'zz*'; there are: stage-warm, dome-open, pump\n"
    )


def test_a_silence_has_an_end_in_one_of_two_forms(ocsd, daemon):
    assert ocsd("alarm", "silence", "pump").returncode == 2
    begun_at = time.time()
    done = ocsd("alarm", "silence", "pump", "--for", "1h30m")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pump: silenced until 20")
    [(path, body)] = daemon.requests
    assert path == "/v1/alarms/silence"
    assert begun_at + 5400 <= body["until"] <= time.time() + 5400
    done = ocsd("alarm", "silence", "pump", "--until", "2020-01-01")
    assert done.returncode == 2
    assert "'2020-01-01' is over: 2020-01-01T00:00:00Z" in done.stderr


@pytest.mark.parametrize("duration", ["-5m", "0s", "5 min ago"])
def test_a_silence_that_is_over_before_it_begins_is_refused(ocsd, daemon, duration):
    done = ocsd("alarm", "silence", "pump", "--for", duration)
    assert done.returncode == 2
    assert f"'{duration}' is over" in done.stderr
    assert daemon.requests == []


def test_a_silence_ends(ocsd, daemon):
    assert ocsd("alarm", "unsilence", "pump").stdout == "pump: not silenced any more\n"
    assert daemon.requests == [("/v1/alarms/unsilence", {"name": "pump"})]


def test_a_test_tells_what_became_of_it_at_each_receiver(ocsd, daemon):
    daemon.streams["/v1/alarms/test"] = [{"key": "k", "receivers": ["slack", "mail"]}]
    done = ocsd("alarm", "test", "stage-warm")
    assert done.returncode == 1
    assert done.stdout == "slack: undeliverable: HTTP 404\nmail: delivered\n"
    assert daemon.requests == [("/v1/alarms/test", {"name": "stage-warm"})]
    ocsd("alarm", "test", "slack")
    assert daemon.requests[-1] == ("/v1/alarms/test", {"receiver": "slack"})
    daemon.streams["/v1/alarms/test"] = [{"key": "other", "receivers": []}]
    assert "tells nobody" in ocsd("alarm", "test", "dome-open").stdout


def test_a_refusal_keeps_the_words_and_the_exit_code_of_the_daemon(ocsd, daemon):
    error = {"message": "vera has the role viewer; this takes an operator", "exit_code": 77}
    body = json.dumps({"error": error}).encode()
    daemon.refusal = 403, body
    done = ocsd("alarm", "list")
    assert (done.returncode, done.stderr) == (
        77,
        "ocsd: vera has the role viewer; this takes an operator\n",
    )


def test_names_are_completed(ocsd, daemon):
    done = ocsd(_OCSD_COMPLETE="bash_complete", COMP_WORDS="ocsd alarm ack s", COMP_CWORD="3")
    assert done.stdout.splitlines() == ["plain,stage-warm"]


def test_a_silence_that_is_over_is_none_and_an_evaluator_that_does_not_run_is_told():
    over = {**WARM, "silenced_until": NOW_AT - 1, "silenced_by": "otto"}
    still = {**WARM, "silenced_until": NOW_AT + 1000, "silenced_by": "otto"}
    unseen = {**QUIET, "state": "unseen"}
    told = {"alarms": [over, still, unseen], "as_of": 1795332781.5, "evaluator": "down"}
    beats = {"watchdog": {"failure": "HTTP 500"}, "other": {"failure": ""}}
    found = alarms_of({**told, "heartbeats": beats, "unwell": "recorder"})
    first, second, third = found.alarms
    assert first.waits
    assert not second.waits
    assert "silenced until" in second.words
    assert second.words.endswith("by otto")
    assert "nothing came yet" in third.words
    assert found.troubles == [
        "heartbeat watchdog: HTTP 500",
        "no heartbeats are sent: recorder",
        "alarms are not judged now, this is of 2026-11-22T07:33:01Z: down",
    ]
