"""The rule by which a long wait is a row of short ones."""

import pytest

from ocsd.base import ERROR, OK, TIMEOUT
from ocsd.client.waiting import LONGEST_REQUEST_S, OperationRun, run_of, waiting


def session(number, start_time=100.0):
    return {"session_id": number, "start_time": start_time}


class Agent:
    """Answers waits, each after the time that it was asked to wait."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked_s = []
        self.now_s = 0.0

    def wait(self, timeout_s, run=None):
        steps = waiting("init", timeout_s, run, lambda: self.now_s)
        asked_s = next(steps)
        try:
            while True:
                self.asked_s.append(asked_s)
                self.now_s += max(0.0, asked_s)
                asked_s = steps.send(self.answers.pop(0))
        except StopIteration as end:
            return end.value


RUNNING = [TIMEOUT, "still running", session(3)]
ENDED = [OK, "not running (SUCCEEDED).", session(3)]


def test_a_wait_without_limit_is_a_row_of_short_requests():
    agent = Agent(RUNNING, RUNNING, RUNNING, ENDED)
    assert agent.wait(None) == tuple(ENDED)
    assert agent.asked_s == [LONGEST_REQUEST_S] * 4


def test_a_limit_is_kept_over_all_requests():
    agent = Agent(RUNNING, RUNNING, RUNNING)
    assert agent.wait(25.0) == tuple(RUNNING)
    assert agent.asked_s == [10.0, 10.0, 5.0]


@pytest.mark.parametrize("limit_s", [-1.0, 0.0, 0.5])
def test_a_short_wait_is_one_request(limit_s):
    agent = Agent(RUNNING)
    assert agent.wait(limit_s) == tuple(RUNNING)
    assert agent.asked_s == [limit_s]


def test_what_never_ran_and_what_does_not_exist_is_told_at_once():
    idle, unknown = [OK, "Idle.", {}], [ERROR, 'Unknown operation "init".', {}]
    assert Agent(idle).wait(None) == tuple(idle)
    assert Agent(unknown).wait(None, run_of(session(3))) == tuple(unknown)


def test_the_run_of_somebody_else_is_not_taken_for_ones_own():
    code, text, seen = Agent([OK, "not running (SUCCEEDED).", session(4)]).wait(
        None, run_of(session(3))
    )
    assert (code, seen) == (ERROR, session(4))
    assert text == 'Run 3 of "init" has ended and its result is lost: run 4 took its place.'


def test_another_run_is_noticed_also_where_none_was_named():
    code, text, _ = Agent(RUNNING, [TIMEOUT, "still running", session(5)]).wait(None)
    assert code == ERROR
    assert "run 5 took its place" in text


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({}, "the agent was restarted."),
        (session(0, 200.0), "the agent was restarted and is at run 0."),
        (session(3, 200.0), "the agent was restarted and is at run 3."),
    ],
)
def test_the_restart_of_the_agent_ends_the_wait(seen, words):
    code, text, _ = Agent(RUNNING, [OK, "", seen]).wait(None)
    assert code == ERROR
    assert text.endswith(words)


def test_a_session_without_a_number_is_no_run():
    assert run_of({}) is run_of(None) is run_of({"status": "no_history"}) is None
    assert run_of(session(3)) == OperationRun(3, 100.0)
