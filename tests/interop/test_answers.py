"""Every answer of docs/reference/wire.md, asked of our agent and of OCS's own.

Both run the same file. The answers are compared as one table, asked by OCS's client;
OCS's agent is asked by our client as well.
"""

import json
import re
import subprocess
import sys

import pytest

from tests.interop.conftest import PROBE, QUESTIONS

pytestmark = pytest.mark.interop

OK, ERROR, TIMEOUT = 0, -1, 1

# The answers that differ from those of OCS, code and text of each, and why.
IMPROVEMENTS = {
    "task: stop": (
        [ERROR, 'Cannot "stop" "move" because it is a "{op_type}".'],
        [ERROR, 'Cannot "stop" "move" because it is a "task".'],
        "OCS prints the name of a variable",
    ),
    "process: abort": (
        [ERROR, 'Cannot "abort" "idle" because it is a "{op_type}".'],
        [ERROR, 'Cannot "abort" "idle" because it is a "process".'],
        "OCS prints the name of a variable",
    ),
    "in progress: abort what cannot be aborted": (
        [OK, 'Requested abort on task hold".'],
        [ERROR, 'Task "hold" has no function to abort it.'],
        "OCS says OK and does nothing",
    ),
    **{
        f"{question}: {action}": (
            [OK, f'Requested {action} on {kind} {op}".'],
            [OK, f'Requested {action} on {kind} "{op}".'],
            "OCS forgets a quotation mark",
        )
        for question, action, kind, op in [
            ("abort", "abort", "task", "move"),
            ("stop", "stop", "process", "acq"),
            ("run", "stop", "process", "run"),
            ("degrade", "stop", "process", "degrade"),
        ]
    },
    "bad params after a run: status": (
        [OK, "No session active."],
        [OK, "Session active."],
        "OCS forgets the last run when a start is refused",
    ),
    "data, infinity: wait": (
        {"error": "wamp.error.runtime_error"},
        [OK, 'Operation "store" is currently not running (FAILED).'],
        "OCS cannot answer because of one infinity",
    ),
    "data, infinity: status": (
        {"error": "wamp.error.runtime_error"},
        [OK, "Session active."],
        "OCS cannot answer because of one infinity",
    ),
    "data, infinity: get_api": (
        {"error": "wamp.error.runtime_error"},
        ["access_control", "agent_class"],
        "no client can connect to OCS's agent because of one infinity",
    ),
}

# Keys of a description and of a session that ocsd adds.
ADDED = {"params", "started_by", "ended_by"}

WIRE = [
    ("unknown operation: start", ERROR, 'No task or process called "nonsense"'),
    ("unknown operation: status", ERROR, 'No task or process called "nonsense"'),
    ("unknown operation: wait", ERROR, 'Unknown operation "nonsense".'),
    ("unknown operation: stop", ERROR, 'No operation called "nonsense".'),
    ("unknown operation: abort", ERROR, 'No operation called "nonsense".'),
    ("unknown operation: dance", ERROR, 'No implementation for "nonsense"'),
    ("known operation: dance", ERROR, 'No implementation for "acq"'),
    ("process that never ran: wait", OK, "Idle."),
    ("process that never ran: status", OK, "No session active."),
    ("process that never ran: stop", ERROR, "No session active."),
    ("task that never ran: abort", ERROR, "No session active."),
    ("success: start", OK, 'Started task "succeed".'),
    ("success: wait", OK, 'Operation "succeed" is currently not running (SUCCEEDED).'),
    ("success: status", OK, "Session active."),
    ("failure: wait", OK, 'Operation "fail" is currently not running (FAILED).'),
    ("crash: wait", OK, 'Operation "crash" is currently not running (FAILED).'),
    ("bad params, missing", ERROR, "Param 'level' is required and must not be None"),
    (
        "bad params, None for what is required",
        ERROR,
        "Param 'level' is required and must not be None",
    ),
    (
        "bad params, text for a number",
        ERROR,
        "Param 'level'=high is not of required type (<class 'float'>)",
    ),
    (
        "bad params, fraction for an int",
        ERROR,
        "Param 'count'=1.5 is not of required type (<class 'int'>)",
    ),
    ("bad params, check", ERROR, "Param 'count' failed validity check (see docs?)."),
    ("bad params, choice", ERROR, "Param 'mode'=maybe is not in allowed set (['on', 'off'])"),
    (
        "bad params, cast",
        ERROR,
        "Param 'scale'=wide could not be cast to <class 'float'>.",
    ),
    (
        "bad params, text for a tuple",
        ERROR,
        "Param 'pair'=ab is not of required type (<class 'tuple'>)",
    ),
    ("bad params, strays", ERROR, "params included unexpected values: ['b', 'a']"),
    ("bad params, any", ERROR, "params included unexpected values: ['a']"),
    ("in progress: start again", ERROR, 'Operation "hold" already in progress.'),
    ("in progress: status", OK, "Session active."),
    (
        "in progress: wait a little",
        TIMEOUT,
        'Operation "hold" still running; wait timed out.',
    ),
    ("in progress: wait 0", TIMEOUT, 'Operation "hold" still running; wait timed out.'),
    ("in progress: wait -1", TIMEOUT, 'Operation "hold" still running; wait timed out.'),
    (
        "in progress: wait for ever",
        OK,
        'Operation "hold" is currently not running (SUCCEEDED).',
    ),
    ("stop: start", OK, 'Started process "acq".'),
    ("stop: stop", OK, 'Requested stop on process "acq".'),
    ("stop: again", ERROR, "The operation is already stopping"),
    ("stop: start meanwhile", ERROR, 'Operation "acq" already in progress.'),
    ("stop: when done", ERROR, "The operation is already done"),
    ("abort: again", ERROR, "The operation is already stopping"),
    ("abort: when done", ERROR, "The operation is already done"),
]

SESSION_KEYS = {
    "session_id",
    "op_name",
    "op_code",
    "cred_level",
    "status",
    "degraded",
    "success",
    "start_time",
    "end_time",
    "data",
    "messages",
}


@pytest.fixture(scope="module")
def tables(ocs, site):
    """All answers: of OCS's agent and of ours to OCS's client, of OCS's agent to our client."""
    with _probe_of_ocs(ocs):
        theirs = ocs.ask("probe-ocs")
    ours = ocs.ask("probe")
    with _probe_of_ocs(ocs):
        command = [sys.executable, QUESTIONS, "ocsd", "probe-ocs", *site.ocs_arguments]
        asked = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert asked.returncode == 0, asked.stderr
    return theirs, ours, json.loads(asked.stdout)


def _probe_of_ocs(ocs):
    return ocs.agent(PROBE / "probe_agent.py", "probe-ocs", until_joined=True)


def test_every_answer_is_that_of_ocs_but_for_the_improvements(tables):
    theirs, ours, _ = tables
    assert list(theirs) == list(ours)
    different = {name for name in theirs if comparable(theirs[name]) != comparable(ours[name])}
    assert different == set(IMPROVEMENTS)


@pytest.mark.parametrize("name", IMPROVEMENTS)
def test_an_improvement_is_what_it_says(tables, name):
    theirs, ours, _ = tables
    before, after, reason = IMPROVEMENTS[name]
    assert (theirs[name] if isinstance(before, dict) else theirs[name][:2]) == before
    assert ours[name][:2] == after
    assert reason


def test_our_client_gets_from_an_agent_of_ocs_what_theirs_gets(tables):
    theirs, _, with_ours = tables
    assert list(with_ours) == list(theirs)
    for name, answer in theirs.items():
        assert comparable(with_ours[name]) == comparable(answer), name


@pytest.mark.parametrize(("name", "code", "text"), WIRE, ids=lambda value: str(value)[:40])
def test_the_answers_are_those_of_the_wire(tables, name, code, text):
    answer = tables[1][name]
    assert answer[:2] == [code, text]
    assert answer[2] == {} or set(answer[2]) - ADDED == SESSION_KEYS


def test_messages_tell_what_happened(tables):
    theirs, ours, _ = tables

    def messages(table, name):
        return [text for _, text in table[f"{name}: wait"][2]["messages"]]

    frame = ['Status is now "starting".', 'Status is now "running".']
    for table in (theirs, ours):
        assert messages(table, "success") == [
            *frame,
            "on the way",
            "well done",
            'Status is now "done".',
        ]
        assert messages(table, "late refusal")[2] == (
            "ERROR: Param 'level' is required and must not be None"
        )
        for name in ("crash", "wrong shape"):
            assert messages(table, name)[2].startswith("CRASH: ")
    assert re.fullmatch(
        r"CRASH: operation 'crash' raised OSError: port closed \(\S+/\w+\.py:\d+\)",
        messages(ours, "crash")[2],
    )
    assert messages(ours, "wrong shape")[2].startswith(
        "CRASH: operation 'misshape' returned str 'neither ok nor message' instead of (ok, message)"
    )
    assert messages(ours, "data, infinity")[3] == (
        "ERROR: operation 'store': session.data['a'] holds inf; store NaN or None instead"
    )


def test_odd_data_are_json(tables):
    for table in tables[:2]:
        data = {
            kind: table[f"data, {kind}: wait"][2]["data"] for kind in ("nan", "numpy", "nested")
        }
        assert data == {
            "nan": {"a": None, "b": [1.0, None]},
            "numpy": {"a": [0, 1, 2], "b": 0.5, "c": [None, 1.0]},
            "nested": {"a": {"b": [1, True, None, "x"]}, "c": []},
        }
    assert tables[1]["data, infinity: status"][2]["data"] == {"a": None, "b": 1}


def comparable(value, key=None):
    """Return an answer without what has to differ: times, pids, names of instances."""
    if key in {"start_time", "end_time", "update_timestamp"} and value is not None:
        return type(value).__name__
    if key in {"instance_pid", "instance_hostname"}:
        return type(value).__name__
    match value:
        case dict():
            return {k: comparable(v, k) for k, v in value.items() if k not in ADDED}
        case [*items] if key == "messages":
            return [[type(at).__name__, _opening(text)] for at, text in items]
        case [*items]:
            plain = [comparable(item) for item in items]
            # OCS lists feeds in the order in which they were registered.
            named = all(isinstance(item, list) and isinstance(item[0], str) for item in plain)
            return sorted(plain, key=lambda item: item[0]) if named and plain else plain
        case str() if key == "session_id":
            return float(value) > 0
        case str():
            return value.replace("probe-ocs", "probe")
    return value


def _opening(text):
    # What a crash says is free text.
    return "CRASH" if text.startswith("CRASH: ") else text
