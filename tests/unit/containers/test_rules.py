"""From what is seen of a container to what has happened, and why."""

from dataclasses import replace

import pytest

from ocsd.containers import rules
from ocsd.containers.inspected import Container
from ocsd.containers.rules import RunBegan, RunEnded, end_of, is_left_to_engine, steps

UP = Container("c1", "one", "running", pid=42, started_at="1970-01-01T00:00:10Z")
DEAD = replace(UP, status="exited", pid=0, exit_code=3, finished_at=100.0)
RUN = UP.run


def test_a_container_that_runs_on_is_no_news():
    assert steps(RUN, UP) == []
    assert steps(RUN, replace(UP, status="paused")) == []


def test_a_container_that_was_not_known_has_begun():
    assert steps(None, UP) == [RunBegan(UP)]


def test_a_container_that_docker_has_started_again_has_ended_and_begun():
    again = replace(UP, started_at="1970-01-01T00:00:20Z")
    assert steps(RUN, again, 7) == [
        RunEnded(7, "Docker has started it again since then"),
        RunBegan(again),
    ]


def test_a_container_that_does_not_run_has_ended_once():
    assert steps(RUN, DEAD) == [RunEnded(3)]
    assert steps(None, DEAD) == []
    assert steps(None, None) == []


def test_a_container_that_is_gone_was_removed():
    assert steps(RUN, None) == [RunEnded(None, "its container was removed")]
    assert steps(RUN, replace(DEAD, container_id="c2"), 1) == [
        RunEnded(1, "its container was removed")
    ]


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ({"exit_code": 0}, RunEnded(0)),
        ({"exit_code": 3, "last_words": "no port"}, RunEnded(3, "no port")),
        ({"exit_code": 0, "last_words": "bye"}, RunEnded(0)),
        ({"exit_code": 137}, RunEnded(137, "killed by SIGKILL")),
        ({"exit_code": 143, "last_words": "x"}, RunEnded(143, "killed by SIGTERM: x")),
        ({"exit_code": 255}, RunEnded(255)),
        (
            {"exit_code": 0, "error": "exec: not found"},
            RunEnded(1, "Docker could not start it: exec: not found"),
        ),
    ],
)
def test_the_end_has_a_cause(more, end):
    assert end_of(replace(DEAD, **more)) == end


def test_a_container_that_needed_too_much_memory_is_told_with_its_limit():
    killed = replace(DEAD, exit_code=137, was_killed_for_memory=True, last_words="x")
    assert end_of(killed).detail.startswith("it needed more memory than its limit (OOM); raise")
    limited = replace(killed, memory_limit=64 << 20)
    assert "its limit of 64M (OOM)" in end_of(limited).detail


@pytest.mark.parametrize(
    ("more", "left"),
    [
        ({"restart": ""}, False),
        ({"restart": "no"}, False),
        ({"restart": "always"}, True),
        ({"restart": "unless-stopped"}, True),
        ({"restart": "always", "finished_at": 80.0}, False),
        ({"restart": "always", "status": "restarting", "finished_at": 0.0}, True),
        ({"restart": "always", "status": "created"}, False),
        ({"restart": "on-failure"}, True),
        ({"restart": "on-failure", "exit_code": 0}, False),
        ({"restart": "on-failure", "most_restarts": 2, "restarts": 1}, True),
        ({"restart": "on-failure", "most_restarts": 2, "restarts": 2}, False),
    ],
)
def test_docker_restarts_what_the_compose_file_tells_it_to(more, left):
    assert is_left_to_engine(replace(DEAD, **more), 100.5) is left


def test_no_container_is_left_to_nobody():
    assert not is_left_to_engine(None, 0.0)


@pytest.mark.parametrize(
    ("more", "ready", "status"),
    [
        ({}, "1", ""),
        ({"health": "healthy"}, "1", ""),
        ({"health": "starting"}, "0", "its HEALTHCHECK has not passed yet: it prints nothing"),
        (
            {"health": "unhealthy", "failing_streak": 3, "health_words": "no answer"},
            "1",
            "its HEALTHCHECK has failed 3 times: no answer",
        ),
        ({"status": "paused"}, "1", "it is paused; docker unpause one lets it go on"),
    ],
)
def test_a_running_container_reports_as_an_agent_does(more, ready, status):
    told = rules.report(replace(UP, **more))
    assert told == {"READY": ready, "WATCHDOG": "1", "STATUS": status, "X_CALL": ""}


def test_while_docker_does_not_answer_that_is_reported_and_nothing_else_changes():
    assert rules.silence("it hangs", True) == {"READY": "1", "WATCHDOG": "1", "X_CALL": "it hangs"}
    assert rules.silence("it hangs", False)["READY"] == "0"


def test_the_begin_of_a_run_is_known():
    assert rules.began_at(UP) == 10.0
