"""The large example site: three hosts and fifty agents on this machine."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system

EXAMPLE = Path(__file__).parents[3] / "site-configs" / "observatory.yaml"
HOSTS = ("control", "cryostat", "platform")


@pytest.fixture
def observatory(site):
    """The example with a port of its own."""
    site.port = free_port()
    shutil.copy(EXAMPLE, site.file)
    site.file.write_text(site.file.read_text().replace("8002", str(site.port)))
    for host in HOSTS:
        begun = site.start(host)
        assert begun.returncode == 0, begun.stdout + begun.stderr
    return site


def rows(site):
    """Return the rows of all instances but the page, for which no start waits."""
    found = [row for host in HOSTS for row in site.status(host)["instances"]]
    return {row["instance_id"]: row for row in found if row["agent_class"] != "Web"}


def test_fifty_agents_come_up_and_each_of_twenty_comes_back_alone(observatory):
    before = rows(observatory)
    assert len(before) == 52  # and registry and aggregator, which have no entry
    assert {(row["state"], row["health"]) for row in before.values()} == {("up", "ok")}

    agents = [name for name, row in before.items() if row["agent_class"] == "FakeDataAgent"]
    for name in agents[:10]:
        os.kill(before[name]["pid"], signal.SIGKILL)
    restarted = agents[10:20]
    for name in restarted:
        host = next(
            host
            for host in HOSTS
            if name in {row["instance_id"] for row in observatory.status(host)["instances"]}
        )
        assert observatory.ocsd("restart", name, "--host", host).returncode == 0

    def all_up():
        after = rows(observatory)
        return all(row["state"] == "up" for row in after.values()) and after

    after = wait_until(all_up, "all to be up again")
    touched = {name for name in before if before[name]["pid"] != after[name]["pid"]}
    assert touched == set(agents[:20])
    assert {after[name]["restarts"] for name in agents[:10]} == {1}
    assert {after[name]["restarts"] for name in restarted} == {0}
