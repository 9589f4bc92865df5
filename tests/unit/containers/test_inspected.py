"""Containers, as Docker's HTTP API describes them."""

import pytest

from ocsd.containers.inspected import Container, ListedContainer, container, row, unix_time

LABELS = {
    "com.docker.compose.service": "ocs-one",
    "com.docker.compose.project.working_dir": "/srv",
    "com.docker.compose.project.config_files": "compose.yml,/etc/more.yml",
    "com.docker.compose.oneoff": "False",
}


def listed(**more):
    return {"Id": "c1", "State": "running", "Status": "Up 3 minutes", "Labels": LABELS, **more}


def test_a_container_of_a_service_knows_its_files_wherever_they_are_named():
    assert row(listed(ImageID="sha256:1")) == ListedContainer(
        "c1", "ocs-one", ("/srv/compose.yml", "/etc/more.yml"), "running", "", "sha256:1", 127
    )


def test_a_row_changes_with_state_health_and_container():
    sick = row(listed(Status="Up 3 minutes (unhealthy)"))
    assert sick.mark == ("c1", "running", "unhealthy")
    assert row(listed(Status="Exited (3) 2 hours ago", State="exited")).exit_code == 3


@pytest.mark.parametrize("labels", [None, {}, {**LABELS, "com.docker.compose.oneoff": "True"}])
def test_what_docker_compose_has_not_made_for_a_service_is_no_matter(labels):
    assert row(listed(Labels=labels)) is None


def test_a_container_is_read_with_all_that_matters():
    inspected = {
        "Id": "c1",
        "Name": "/srv_ocs-one_1",
        "RestartCount": 2,
        "State": {
            "Status": "running",
            "Pid": 42,
            "StartedAt": "2026-11-30T00:00:00.123456789Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
            "ExitCode": 0,
            "OOMKilled": False,
            "Error": "",
            "Health": {
                "Status": "unhealthy",
                "FailingStreak": 3,
                "Log": [{"Output": "old"}, {"Output": "no\nanswer "}],
            },
        },
        "Config": {"Tty": True, "StopTimeout": 3},
        "HostConfig": {
            "Memory": 1 << 20,
            "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 5},
        },
    }
    seen = container(inspected)
    assert seen == Container(
        container_id="c1",
        name="srv_ocs-one_1",
        status="running",
        pid=42,
        started_at="2026-11-30T00:00:00.123456789Z",
        health="unhealthy",
        health_words="no answer",
        failing_streak=3,
        restart="on-failure",
        most_restarts=5,
        restarts=2,
        memory_limit=1 << 20,
        is_terminal=True,
        stop_limit_s=3.0,
    )
    assert seen.is_running
    assert seen.run == ("c1", "2026-11-30T00:00:00.123456789Z")


def test_a_container_of_which_little_is_told_is_read_as_well():
    seen = container({"Id": "c1", "State": {"Health": {"Status": "none"}}})
    assert (seen.health, seen.stop_limit_s, seen.is_running) == ("", 10.0, False)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:02.5Z", 2.5),
        ("1970-01-01T00:00:02.123456789+00:00", 2.123456),
        ("0001-01-01T00:00:00Z", 0.0),
        ("", 0.0),
        ("soon", 0.0),
    ],
)
def test_times_of_docker_are_read(text, at):
    assert unix_time(text) == at
