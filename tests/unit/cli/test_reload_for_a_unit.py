"""`ocsd reload --unit`, which systemd runs as ExecReload."""

from stand_in_daemon import instance

ANSWER = {"added": ["b"], "removed": [], "changed": {}, "kept": {}, "unchanged": 1}


def test_the_daemon_of_the_unit_is_meant_where_several_run(ocsd, daemon_of):
    other = daemon_of("dopey", instance("a"))
    other.status["pid"] = 4122
    server = daemon_of("grumpy", instance("a"))
    server.status["pid"] = 4121
    server.streams["/v1/reload"] = [ANSWER]
    done = ocsd("reload", "--unit", "ocsd.service", MAINPID="4121")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "starts         b\n1 instances are not touched\nsee how they do: ocsd status\n"
    )
    assert (server.requests, other.requests) == ([("/v1/reload", {"dry_run": False})], [])


def test_a_daemon_that_does_not_answer_is_named_and_no_other_one_reloads(ocsd, daemon_of):
    other = daemon_of("dopey", instance("a"))
    done = ocsd("reload", "--unit", "ocsd.service", MAINPID="4121")
    assert done.returncode == 69
    assert "the daemon (pid 4121) does not answer" in done.stderr
    assert other.requests == []
