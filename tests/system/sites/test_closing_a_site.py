"""An open site that runs is closed, step by step as docs/security.md says, and loses nothing."""

import json

import pytest
import yaml

from tests.system import namespaces
from tests.system.sites.three_hosts import CLOSED, OPEN, ThreeHosts, answer, content, usual
from tests.system.waiting import wait_until

_OBSTACLE = namespaces.obstacle()
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(_OBSTACLE is not None, reason=str(_OBSTACLE)),
]


def test_a_running_site_is_closed_by_the_steps_of_the_page():
    with namespaces.network() as network:
        site = ThreeHosts(network, content(OPEN, usual()))
        site.make()
        site.bring_up()
        before = wait_until(lambda: len(site.recorded()) >= 3 and site.recorded(), "the data")
        told = site.hub.ocsd("access", "check", "--host", "hub")
        assert told.returncode in (5, 78), told.stdout
        assert "ocsd access init" in told.stdout

        site.close()  # steps 1 and 2
        given = ("--role", "operator", "--password-file", "-")
        words = ("access", "user", "add", "otto", *given, "--host", "hub")
        site.hub.checked_ocsd(*words, input="a long password")
        for host in network.hosts.values():
            assert host.is_well()  # nothing has changed for what runs
        site.write(content(CLOSED, usual()))
        for host in network.hosts.values():
            host.checked_ocsd("check", "--host", host.name)
        for host in network.hosts.values():
            host.stop()
            host.bring_up()

        checked = site.hub.ocsd("access", "check", "--host", "hub")
        assert checked.returncode == 0, checked.stdout
        for host in network.hosts.values():
            answer(host, "fake-lab-2", "delay_task", "delay=0.01")
        wait_until(
            lambda: all(site.recorded()[feed] > number for feed, number in before.items()),
            "more of all data",
        )
        gaps = json.loads(site.hub.checked_ocsd("data", "gaps", "--json", "--host", "hub"))["gaps"]
        assert [gap for gap in gaps if gap["kind"] == "hole"] == []
        assert yaml.safe_load(site.text)["hub"]["access"] == "closed"
