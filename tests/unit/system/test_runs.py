"""Runs of operations on their way from an agent to the daemon."""

import pytest

from ocsd.system.runs import MOST_RUNS, PROCESS, TASK, Run, decode_runs, encode_runs, run_state

ACQ = Run("acq", PROCESS, "running", 1795332781.25, startup=True)
INIT = Run("init", TASK, "failed", 1795332780.5, reason='no answer: "b\xe4d"\nline')


def test_runs_come_back_as_they_went_in_flight_first():
    text = encode_runs([INIT, ACQ])
    assert "\n" not in text
    assert decode_runs(text) == (ACQ, INIT)
    assert encode_runs([]) == ""
    assert decode_runs("") == ()


def test_a_report_of_an_agent_with_many_operations_is_bounded():
    many = [Run(f"op{number}", TASK, "succeeded", 1.0) for number in range(100)]
    runs = decode_runs(encode_runs([*many, Run("acq", PROCESS, "stopped", 1.0, reason="x" * 999)]))
    assert len(runs) == MOST_RUNS
    assert runs[0].name == "acq"
    assert len(runs[0].reason) < 200
    assert runs[0].reason.endswith("…")


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "7",
        '{"a": 1}',
        "[1]",
        '[["a", "task", "failed", NaN, 0, ""]]',
        '[["acq"]]',
        "[[1,2,3,[],5,6]]",
    ],
)
def test_what_nobody_would_send_is_no_run(text):
    assert decode_runs(text) == ()


@pytest.mark.parametrize(
    ("kind", "status", "success", "degraded", "asked", "state"),
    [
        (PROCESS, "starting", None, False, False, "starting"),
        (PROCESS, "running", None, False, False, "running"),
        (PROCESS, "running", None, True, False, "degraded"),
        (PROCESS, "stopping", None, True, True, "stopping"),
        (PROCESS, "done", True, False, True, "stopped"),
        (PROCESS, "done", True, False, False, "ended"),
        (PROCESS, "done", False, False, True, "failed"),
        (TASK, "done", True, False, False, "succeeded"),
        (TASK, "done", True, False, True, "stopped"),
        (TASK, "done", False, False, False, "failed"),
    ],
)
def test_a_session_has_one_state(kind, status, success, degraded, asked, state):
    assert run_state(kind, status, success, degraded=degraded, asked=asked) == state
