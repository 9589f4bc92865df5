"""`ocsd hook`: try a hook before the night in which it is needed."""

import json

import pytest

from tests.unit.cli.stand_in_daemon import instance

END = {
    "event": "hook_ended",
    "occasion": "on-failed",
    "instance_id": "a",
    "command": ["/bin/page", "--to=night watch"],
    "failure": "",
    "printed": "paged\n\x1b[31mSimon",
    "took_s": 0.4,
}


@pytest.fixture
def daemon(daemon_of):
    return daemon_of("grumpy", instance("a"))


def test_what_the_hook_did_is_shown(ocsd, daemon):
    daemon.streams["/v1/hooks"] = [END]
    done = ocsd("hook", "on-failed", "a")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "on-failed of a: /bin/page '--to=night watch'",
        "  paged",
        "  ?[31mSimon",
        "it ended well after 0.40 s",
    ]
    assert daemon.requests == [("/v1/hooks", {"occasion": "on-failed", "instance_id": "a"})]


def test_a_hook_that_fails_has_an_exit_code(ocsd, daemon):
    daemon.streams["/v1/hooks"] = [{**END, "failure": "ended with exit code 3"}]
    done = ocsd("hook", "on-failed")
    assert done.returncode == 1
    assert "the hook failed after 0.40 s: ended with exit code 3" in done.stderr
    assert "  paged" in done.stdout


def test_a_hook_that_there_is_not_is_refused_by_the_daemon(ocsd, daemon):
    error = {"message": "the site file has no hook 'on-fail' for this host", "exit_code": 2}
    daemon.refusal = 400, json.dumps({"error": error}).encode()
    done = ocsd("hook", "on-fail")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no hook 'on-fail'" in done.stderr


@pytest.mark.parametrize(
    ("hooks", "lines"),
    [
        (
            {"on-failed": ["/bin/page", "night watch"], "on-ok": ["/bin/page"]},
            [
                "OCCASION   COMMAND",
                "on-failed  /bin/page 'night watch'",
                "on-ok      /bin/page",
            ],
        ),
        ({}, ["the site file has no hooks for this host (key `hooks`)"]),
    ],
)
def test_without_an_occasion_all_are_listed(ocsd, daemon, hooks, lines):
    daemon.status = {"hooks": hooks}
    assert ocsd("hook").stdout.splitlines() == lines
