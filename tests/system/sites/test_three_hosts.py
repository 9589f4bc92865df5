"""A site of three hosts, each with own network, processes and files; open, and closed."""

import json
from subprocess import PIPE

import pytest

from tests.system import namespaces
from tests.system.namespaces import OCSD
from tests.system.sites.three_hosts import CLOSED, HOSTS, OPEN, ThreeHosts, answer, content, usual
from tests.system.waiting import wait_until

_OBSTACLE = namespaces.obstacle()
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(_OBSTACLE is not None, reason=str(_OBSTACLE)),
]

FEED = "false_temperatures"
SHORT_FRAMES = ["--initial-state", "record", "--time-per-file", "20"]


def instances():
    """An agent on each host, and frames that are on the disk soon."""
    rows = usual()
    recorder = {"agent-class": "AggregatorAgent", "instance-id": "aggregator"}
    rows["hub"].append({**recorder, "arguments": SHORT_FRAMES})
    return rows


@pytest.fixture(scope="module", params=[OPEN, CLOSED], ids=["open", "closed"])
def site(request):
    with namespaces.network() as network:
        site = ThreeHosts(network, content(request.param, instances()))
        site.make()
        if request.param is CLOSED:
            site.close()
        site.bring_up()
        yield site


def test_people_on_each_host_operate_the_agents_of_the_others(site):
    for host in site.network.hosts.values():
        for name in set(HOSTS) - {host.name}:
            done = answer(host, f"fake-{name}", "delay_task", "delay=0.01")
            assert done["session"]["success"], done


def test_the_registry_knows_the_agents_of_all_hosts(site):
    def known():
        data = answer(site.network.hosts["lab-2"], "registry", "main", "status")["session"]["data"]
        return {f"observatory.fake-{name}" for name in HOSTS} <= set(data)

    wait_until(known, "the registry to know all")


def test_feeds_are_heard_on_another_host(site):
    lab = site.network.hosts["lab-1"]
    listening = lab.begin(*OCSD, "listen", f"fake-hub.{FEED}", "--json", stdout=PIPE, text=True)
    try:
        assert json.loads(listening.stdout.readline())["message"]
    finally:
        listening.kill()
        listening.communicate()


def test_what_all_publish_is_recorded_also_over_a_cut(site):
    lab = site.network.hosts["lab-1"]
    [hub_feed, lab_feed, _] = feeds = [f"observatory.fake-{name}.feeds.{FEED}" for name in HOSTS]

    def once(condition):
        def rows():
            rows = site.recorded()
            return set(feeds) <= set(rows) and condition(rows) and rows

        return rows

    wait_until(once(lambda rows: True), "the data of all hosts")
    lab.cut()
    before = site.recorded()

    def since(rows, feed):
        return rows[feed] - before[feed]

    during = wait_until(once(lambda rows: since(rows, hub_feed) > 50), "5 s without lab-1")
    assert since(during, lab_feed) < 30
    lab.mend()
    caught_up = once(lambda rows: since(rows, lab_feed) > since(rows, hub_feed) - 30)
    wait_until(caught_up, "lab-1 to catch up")
    gaps = json.loads(site.hub.checked_ocsd("data", "gaps", "--json", *site.of_the_hub))["gaps"]
    assert [gap for gap in gaps if gap["feed"] in feeds] == []
