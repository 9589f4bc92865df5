"""OCS's command line and OCS's own agents at work in a site of ocsd."""

import pytest

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def ocs_agent(ocs):
    """OCS's own FakeDataAgent, started by hand, on ocsd's router."""
    with ocs.agent("fake_data", "fake-data3") as pid:
        yield pid


@pytest.fixture(scope="module")
def apis(ocs, ocs_agent):
    """What get_api answers: OCS's agent and ours."""
    return ocs.run("""
        def api(instance_id):
            return client(instance_id)._client.get_api()

        def runs(instance_id):
            try:
                return client(instance_id).acq.status().session['data'].get('fields')
            except Exception:
                return False

        for name in ('fake-data3', 'fake-data1'):
            until(lambda: runs(name), 30)
            client(name).delay_task(delay=0)
        result = [api('fake-data3'), api('fake-data1')]
    """)


def test_scan_with_the_registry_lists_the_site(ocs, until):
    def listed():
        return set(map(str.strip, ocs.client_cli("scan", "--use-registry").splitlines()))

    until(lambda: {"fake-data1", "fake-data2", "registry", "aggregator"} <= listed())


def test_scan_with_the_registry_shows_what_each_operation_does(ocs, until):
    def operations():
        words = (line.split() for line in detailed())
        return {tuple(pair) for pair in words if len(pair) == 3}

    def detailed():
        return ocs.client_cli("scan", "--use-registry", "--details").splitlines()

    until(lambda: ("acq", ":", "RUNNING") in operations())
    assert ("delay_task", ":", "CRASH") not in operations()


def test_scan_by_heartbeats_lists_the_site(ocs, until):
    def listed():
        # It listens for 2 s from its start, which a busy machine may need to connect.
        return set(map(str.strip, ocs.client_cli("scan", check=False).splitlines()))

    until(lambda: {"fake-data1", "fake-data2"} <= listed(), limit_s=60)


def test_a_listener_hears_the_feed_in_ocs_form(ocs):
    address = "observatory.fake-data1.feeds.false_temperatures"
    with ocs.listener(address) as events:
        heard = next(events)
    assert heard["topic"] == address
    message, feed_info = heard["message"]
    (block,) = message.values()
    assert set(block) >= {"block_name", "data", "timestamps"}
    assert sorted(block["data"]) == [f"channel_{number:02d}" for number in range(16)]
    assert {len(values) for values in block["data"].values()} == {len(block["timestamps"])}
    assert feed_info["address"] == address
    assert feed_info["agg_params"]["frame_length"] == 5
    assert feed_info["record"] is True
    assert isinstance(feed_info["session_id"], str)
    assert isinstance(feed_info["seq"], int)


def test_our_agent_describes_itself_as_ocs_agent_does(apis):
    theirs, ours = apis
    assert set(ours) >= set(theirs)
    assert ours["agent_class"] == theirs["agent_class"]
    assert [name for name, *_ in ours["tasks"]] == [name for name, *_ in theirs["tasks"]]
    assert [name for name, *_ in ours["processes"]] == [name for name, *_ in theirs["processes"]]
    assert {name for name, _ in ours["feeds"]} >= {name for name, _ in theirs["feeds"]}


@pytest.mark.parametrize("kind", ["tasks", "processes", "feeds"])
def test_every_value_of_the_api_has_the_shape_of_ocs(apis, kind):
    theirs, ours = apis
    by_name = {entry[0]: entry[1:] for entry in ours[kind]}
    for name, *parts in theirs[kind]:
        differences = list(_differences(parts, by_name[name], name))
        assert differences == []


def test_the_registry_lists_an_agent_of_ocs(ocs, ocs_agent, until):
    until(lambda: "fake-data3" in ocs.client_cli("scan", "--use-registry"))


def test_the_aggregator_takes_the_feed_of_an_ocs_agent(ocs, apis):
    providers = ocs.run("""
        record = client('aggregator').record
        address = 'observatory.fake-data3.feeds.false_temperatures'
        providers = lambda: record.status().session['data']['providers']
        until(lambda: address in providers(), 30)
        result = providers()[address]
    """)
    assert set(providers) >= {"last_refresh", "sessid", "stale", "last_block_received"}


# Free text, values that are the agent's own business, and keys that ops fill as they run.
NOT_COMPARED = {"docstring", "messages", "data", "min_privs", "end_time", "success"}


def _differences(theirs, ours, place):
    """Yield the places where `ours` has not the shape of `theirs`."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in theirs.keys() - NOT_COMPARED:
            if key not in ours:
                yield f"{place}.{key} is missing"
            else:
                yield from _differences(theirs[key], ours[key], f"{place}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list):
        for index, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from _differences(one, other, f"{place}[{index}]")
    elif type(theirs) is not type(ours) and not _both_numbers(theirs, ours):
        yield f"{place} is {ours!r}, OCS has {theirs!r}"


def _both_numbers(*values):
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
