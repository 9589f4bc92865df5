"""`ocsd upgrade` waits for the new daemon and says what went on."""

import copy
import json
import subprocess

import pytest

from tests.unit.cli.stand_in_daemon import instance


@pytest.fixture
def sleeper():
    """A process in the place of the daemon's."""
    process = subprocess.Popen(["sleep", "1000"])
    yield process
    process.kill()
    process.wait()


def upgraded(host, sleeper, **changed):
    """Let the stand-in daemon answer and become another one."""
    host.status["pid"] = sleeper.pid
    host.streams["/v1/upgrade"] = [{"event": "upgrading", "from": "0.1.0", "to": "0.2.0"}]

    def become():
        status = copy.deepcopy(host.status)
        status |= {"since_at": status["since_at"] + 100, "version": "0.2.0"}
        status["instances"][0] |= changed
        host.status = status

    host.after["/v1/upgrade"] = become


def test_old_and_new_version_and_what_went_on_are_told(ocsd, daemon_of, sleeper):
    upgraded(
        daemon_of("grumpy", instance("thermo1"), instance("idle", state="down", pid=None)), sleeper
    )
    done = ocsd("upgrade")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("grumpy: ocsd 0.1.0 -> 0.2.0 in ")
    assert done.stdout.endswith("; 2 of 2 processes went on\n")  # thermo1 and the router


def test_what_ended_meanwhile_is_named(ocsd, daemon_of, sleeper):
    upgraded(daemon_of("grumpy", instance("thermo1")), sleeper, pid=5000)
    done = ocsd("upgrade")
    assert done.returncode == 1
    assert "1 of 2 processes went on" in done.stdout
    assert "these ended meanwhile: thermo1; see: ocsd why thermo1" in done.stderr


def test_a_refusal_is_passed_on(ocsd, daemon_of, sleeper):
    host = daemon_of("grumpy", instance("thermo1"))
    host.status["pid"] = sleeper.pid
    refusal = {"error": {"message": "nothing was changed, for …", "exit_code": 1}}
    host.streams["/v1/upgrade"] = [refusal]
    done = ocsd("upgrade")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing was changed" in done.stderr


def test_a_daemon_that_dies_meanwhile_is_noticed_at_once(ocsd, daemon_of, sleeper):
    host = daemon_of("grumpy", instance("thermo1"))
    host.status["pid"] = sleeper.pid
    host.streams["/v1/upgrade"] = [{"event": "upgrading", "from": "0.1.0", "to": "0.2.0"}]
    host.after["/v1/upgrade"] = sleeper.kill
    done = ocsd("upgrade")
    assert done.returncode == 69
    assert "ended while it was replaced" in done.stderr


def test_a_daemon_that_is_not_replaced_in_time_is_told(ocsd, daemon_of, sleeper):
    host = daemon_of("grumpy", instance("thermo1"))
    host.status["pid"] = sleeper.pid
    host.streams["/v1/upgrade"] = [{"event": "upgrading", "from": "0.1.0", "to": "0.2.0"}]
    done = ocsd("upgrade", "--timeout", "0.3")
    assert done.returncode == 75
    assert "has not been replaced in time" in done.stderr


def test_an_upgrade_is_foreseen_in_words_and_for_programs(ocsd, daemon_of):
    host = daemon_of("grumpy", instance("thermo1"))
    line = {"event": "would_upgrade", "from": "0.1.0", "to": "0.1.0", "new_code": True}
    host.streams["/v1/upgrade"] = [line]
    done = ocsd("upgrade", "--dry-run")
    assert (done.returncode, done.stdout) == (
        0,
        "grumpy: would upgrade ocsd 0.1.0 -> 0.1.0 (its code was changed since the daemon was "
        "started)\n",
    )
    assert json.loads(ocsd("upgrade", "--dry-run", "--json").stdout) == line
    assert host.requests[-1] == ("/v1/upgrade", {"dry_run": True})
    assert ocsd("upgrade", "--json").returncode == 2
