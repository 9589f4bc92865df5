"""What is asked of all, of a class and of a pattern is done to these, and told afterwards."""

import json

import pytest

from tests.system.conftest import fake_agent

pytestmark = pytest.mark.system


@pytest.fixture
def running(site):
    site.write(fake_agent("a1"), fake_agent("a2"), fake_agent("b"))
    site.start()
    return site


def states(site):
    found = {row["instance_id"]: row["state"] for row in site.status()["instances"]}
    return {name: found[name] for name in ("a1", "a2", "b")}


def test_what_was_put_down_by_its_name_stays_down_when_all_go_up(running):
    assert running.ocsd("down", "a?").returncode == 0
    assert states(running) == {"a1": "down", "a2": "down", "b": "up"}
    assert running.ocsd("up", "a1").returncode == 0
    assert running.ocsd("down", "--all").returncode == 0
    done = running.ocsd("up", "--all")
    assert done.returncode == 0, done.stderr
    assert "\na2: stays down, put down on " in f"\n{done.stdout}"
    assert "1 left down; to start these too: ocsd up --all --also-put-down" in done.stdout
    assert states(running) == {"a1": "up", "a2": "down", "b": "up"}
    assert running.ocsd("up", "--all", "--also-put-down").returncode == 0
    assert running.ocsd("restart", "--class", "FakeDataAgent").returncode == 0
    assert set(states(running).values()) == {"up"}

    entries = json.loads(running.ocsd("history", "a2", "--json").stdout)["entries"]
    asked = [entry["by"] for entry in entries if entry["after"] == "stopping"]
    assert asked
    assert all(asked)
    table = running.ocsd("history").stdout.split("\n\n")[1]
    assert "instances up whenever wanted" in table

    logs = running.ocsd("logs", "-n", "500").stdout.splitlines()
    assert {line.split()[0] for line in logs} >= {"a1", "a2", "b", "ocsd"}
