"""The reckoning of large sites: what gives out first, and how a storm of sessions ends."""

import pytest

from benchmarks.site.scale import Costs, Shape, demands, simulate, table

SMALL = Shape(hosts=10, agents=50)
LARGE = Shape(hosts=100, agents=50)


def shares(shape):
    return {each.part: each.share for each in demands(shape, Costs())}


def test_what_grows_with_the_hosts_grows_in_proportion():
    small, large = shares(SMALL), shares(LARGE)
    router = "CPU of the hub's router"
    assert large[router] == pytest.approx(10 * small[router])
    part = next(each for each in demands(LARGE, Costs()) if each.part == router)
    assert part.gives_out_at(100) == pytest.approx(100 / part.share)


def test_recorders_on_each_host_take_messages_off_the_hub():
    own = shares(Shape(hosts=100, agents=50, local_recorders=True))
    name = "CPU of the hub's aggregator"
    assert own[name] < shares(LARGE)[name]
    assert own["CPU of the hub's router"] < shares(LARGE)["CPU of the hub's router"]


def test_routers_of_their_own_leave_the_hub_a_connection_for_each_host():
    own = shares(Shape(hosts=100, agents=50, local_routers=True))
    name = "connections of the hub's router"
    assert own[name] == pytest.approx(shares(LARGE)[name] / 51)
    assert own["CPU of a host's bridge"] > 0


def test_a_storm_of_sessions_ends_where_the_router_has_time_left():
    hour = simulate(SMALL, Costs())
    assert 5 <= hour.longest_storm_s < 60
    assert hour.storm_since_s is None
    assert hour.words().startswith("all is well again")


def test_a_router_that_has_too_much_to_do_never_catches_up():
    hour = simulate(Shape(hosts=200, agents=50), Costs())
    assert hour.most_waiting_s > 60
    assert "cannot keep up" in hour.words()


def test_the_table_begins_with_what_gives_out_first():
    rows = table(LARGE, Costs()).splitlines()[2:]
    assert rows[0].startswith("| CPU of the hub's router")
