"""A site of three hosts, each with own network, processes and files: open, and then closed.

Between the two it is closed step by step as docs/run/security.md says, and loses nothing.
"""

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
FEEDS = {f"observatory.fake-{name}.feeds.{FEED}" for name in HOSTS}
SHORT_FRAMES = ["--initial-state", "record", "--time-per-file", "20"]


def instances():
    """An agent on each host, and frames that are on the disk soon."""
    rows = usual()
    recorder = {"agent-class": "AggregatorAgent", "instance-id": "aggregator"}
    rows["hub"].append({**recorder, "arguments": SHORT_FRAMES})
    return rows


@pytest.fixture(scope="module")
def running():
    """The site, open at first."""
    with namespaces.network() as network:
        site = ThreeHosts(network, content(OPEN, instances()))
        site.make()
        site.bring_up()
        yield site


@pytest.fixture(scope="module", params=["open", "closed"])
def site(request, running):
    if request.param == "closed":
        close_by_the_steps_of_the_page(running)
    return running


def close_by_the_steps_of_the_page(site):
    """Close the site that runs."""
    hosts = site.network.hosts.values()
    told = site.hub.ocsd("access", "check", "--host", "hub")
    assert told.returncode in (5, 78), told.stdout
    assert "ocsd access init" in told.stdout
    site.close()  # steps 1 and 2
    words = ("user", "add", "otto", "--role", "operator", "--password-file", "-")
    site.hub.checked_ocsd("access", *words, "--host", "hub", input="a long password")
    for host in hosts:
        assert host.is_well()  # nothing has changed for what runs
    before = wait_until(lambda: set(site.recorded()) >= FEEDS and site.recorded(), "the data")
    site.write(content(CLOSED, instances()))
    for host in hosts:
        host.checked_ocsd("check", "--host", host.name)
    for host in hosts:
        host.stop()
        host.bring_up()
    checked = site.hub.ocsd("access", "check", "--host", "hub")
    assert checked.returncode == 0, checked.stdout
    wait_until(
        lambda: all(site.recorded()[feed] > before[feed] for feed in FEEDS), "more of all data"
    )
    # The time in which a host was stopped is a silence.
    assert [gap for gap in gaps(site) if gap[0] == "hole"] == []


def gaps(site):
    """Return kind, feed, begin and end [ms] of the times without data of the hosts' agents."""
    listed = json.loads(site.hub.checked_ocsd("data", "gaps", "--json", *site.of_the_hub))["gaps"]
    # The files of the recorder hold times to some 10 ns, its journal those of the messages.
    return [
        (gap["kind"], gap["feed"], round(gap["from_at"] * 1000), round(gap["until_at"] * 1000))
        for gap in listed
        if gap["feed"] in {*FEEDS, "*"}
    ]


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
    hub_feed, lab_feed = (f"observatory.fake-{name}.feeds.{FEED}" for name in ("hub", "lab-1"))

    def once(condition):
        def rows():
            rows = site.recorded()
            return set(rows) >= FEEDS and condition(rows) and rows

        return rows

    wait_until(once(lambda rows: True), "the data of all hosts")
    earlier = gaps(site)
    lab.cut()
    before = site.recorded()

    def since(rows, feed):
        return rows[feed] - before[feed]

    during = wait_until(once(lambda rows: since(rows, hub_feed) > 50), "5 s without lab-1")
    assert since(during, lab_feed) < 30
    lab.mend()
    caught_up = once(lambda rows: since(rows, lab_feed) > since(rows, hub_feed) - 30)
    wait_until(caught_up, "lab-1 to catch up")
    assert gaps(site) == earlier
