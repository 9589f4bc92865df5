"""Each feed has one recorder, by the site file alone."""

from itertools import product

import pytest

from ocsd.daemon.instances.plan import plan
from ocsd.errors import SiteFileError
from ocsd.site import recording
from ocsd.site.model import Crossbar, Host, Hub, Instance, Manage, Site

HUB = Hub(wamp_server="ws://localhost:8001/ws", wamp_http="http://localhost:8001/call")
NAMES = ("hub", "lab", "dome")


def agent(name, agent_class="FakeDataAgent", **more):
    return Instance(instance_id=name, agent_class=agent_class, **more)


def aggregator(name, **more):
    return agent(name, "AggregatorAgent", **more)


def site(**hosts):
    return Site(hub=HUB, hosts=hosts)


def host(name, *instances, **more):
    return Host(name=name, instances=instances, **more)


def every_site():
    """Yield all sites of three hosts with a router, a key `record` and an aggregator, or not."""
    for router, keys, listed in product(
        NAMES, product((None, "local"), repeat=3), product((False, True), repeat=3)
    ):
        hosts = {}
        for name, key, lists in zip(NAMES, keys, listed, strict=True):
            entries = [agent(f"fake-{name}"), agent(f"by-hand-{name}", manage=Manage.IGNORE)]
            if lists:
                entries.append(aggregator(f"agg-{name}"))
            crossbar = Crossbar() if name == router else None
            hosts[name] = host(name, *entries, record=key, crossbar=crossbar)
        yield site(**hosts)


def recorders(a_site):
    """Return what each host's aggregator takes: `None` stands for what is left to the site's."""
    takes = {}
    for name, entry in a_site.hosts.items():
        for each in plan(a_site, entry, "/data").instances:
            if each.agent_class == "AggregatorAgent":
                words = each.arguments
                takes[name] = (
                    words[words.index("--recorded-by") + 1] if "--recorded-by" in words else None
                )
    return takes


def stamp(a_site, name):
    """Return what the agents of a host say of their messages."""
    return name if recording.records_itself(a_site, a_site.hosts[name]) else None


def test_each_feed_has_the_recorders_of_the_rule_and_one_unless_it_is_told():
    sites = list(every_site())
    assert len(sites) == 192
    for each in sites:
        check_rule(each)


def check_rule(a_site):
    takes = recorders(a_site)
    several = len(recording.site_hosts(a_site)) > 1
    assert bool(list(recording.twice(a_site))) == several
    for name in NAMES:
        found = {h for h, taken in takes.items() if taken == stamp(a_site, name)}
        told = recording.recorders_of(a_site, f"observatory.fake-{name}.feeds.temperatures")
        assert found == set(told)
        assert len(found) == 1 or several
    plans = [plan(a_site, entry, "/data") for entry in a_site.hosts.values()]
    ids = [each.instance_id for one in plans for each in one.instances if each.instance_id != "web"]
    assert ids.count("registry") == 1
    assert len(ids) == len(set(ids))
    left = {h for h, taken in takes.items() if taken is None}
    for stranger in ("nobody", *(f"by-hand-{name}" for name in NAMES), "registry"):
        assert set(recording.recorders_of(a_site, f"observatory.{stranger}.feeds.f")) == left
    assert left


def test_the_key_at_the_hub_changes_nothing_if_no_other_aggregator_is_listed():
    keys = {"crossbar": Crossbar(), "record": "local"}
    found = site(hub=host("hub", agent("a"), **keys), lab=host("lab", agent("b")))
    assert recorders(found) == {"hub": None}


def test_an_agent_on_the_published_ocs_is_left_to_the_aggregator_of_the_site():
    entries = agent("a"), agent("old", runtime="ocs")
    found = site(hub=host("hub", crossbar=Crossbar()), lab=host("lab", *entries, record="local"))
    assert recording.recorders_of(found, "observatory.a.feeds.f") == ("lab",)
    assert recording.recorders_of(found, "observatory.old.feeds.f") == ("hub",)


def test_an_aggregator_that_ocsd_does_not_run_cannot_be_told_and_that_is_a_warning():
    entry = aggregator("agg", manage=Manage.DOCKER_UP)
    found = site(hub=host("hub", crossbar=Crossbar()), lab=host("lab", entry, record="local"))
    assert recorders(found) == {"hub": None, "lab": "lab"} or "agg" in str(recorders(found))
    (told,) = recording.twice(found)
    assert "'agg' is not run by ocsd" in told


def test_the_name_of_a_built_in_aggregator_that_an_agent_has_is_refused():
    entries = host("lab", agent("a"), record="local"), host("dome", agent("aggregator-lab", line=9))
    found = site(hub=host("hub", crossbar=Crossbar()), lab=entries[0], dome=entries[1])
    with pytest.raises(SiteFileError) as caught:
        plan(found, found.hosts["lab"], "/data")
    assert "9: instance-id 'aggregator-lab' is the name of the aggregator of host 'lab'" in str(
        caught.value
    )


def test_the_hub_gets_an_aggregator_if_the_only_one_that_is_listed_records_its_host():
    lab = host("lab", aggregator("aggregator"), record="local")
    found = site(hub=host("hub", crossbar=Crossbar()), lab=lab)
    ids = [each.instance_id for each in plan(found, found.hosts["hub"], "/data").instances]
    assert "aggregator-hub" in ids
    assert recorders(found) == {"hub": None, "lab": "lab"}


def test_two_aggregators_of_one_host_are_told():
    found = site(hub=host("hub", aggregator("one"), aggregator("two", line=7)))
    (told,) = recording.twice(found)
    assert "7: 'one' and 'two' record the same feeds" in told
