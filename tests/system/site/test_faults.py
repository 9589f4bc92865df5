"""Sixty agents on three hosts, of which one has a wrong clock: faults, and what is recorded then.

All tests share one site; the last one stops it and accounts for each sample.
`python -m benchmarks.site_faults` does the same for longer.
"""

import re

import pytest

from tests.system import namespaces
from tests.system.namespaces import OCSD
from tests.system.site import faults
from tests.system.site.counting_site import CLAIMED, CLOCK_OFF_S, CountingSite
from tests.system.sites.three_hosts import answer
from tests.system.waiting import wait_until

_OBSTACLE = namespaces.obstacle()
pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(600),
    pytest.mark.skipif(_OBSTACLE is not None, reason=str(_OBSTACLE)),
]
CUT_S = 20.0
BAD_LINK_S = 10.0


@pytest.fixture(scope="module")
def site():
    with namespaces.network() as network:
        site = CountingSite(network)
        site.make()
        site.bring_up()
        site.settles()
        yield site


def test_the_hub_is_cut_off(site):
    faults.cut_off(site, site.hub, CUT_S)


def test_the_router_of_the_hub_is_killed(site):
    faults.kill_router(site, site.hub)


def test_each_daemon_is_killed_and_leaves_its_agents_alone(site):
    for host in site.hosts:
        faults.kill_daemon(site, host)
    site.settles()


def test_links_lose_every_second_packet_and_are_slow(site):
    faults.worsen_links(site, site.hosts[1:], 0.5, "500kbit", BAD_LINK_S)


def test_agents_of_a_host_whose_clock_is_wrong_can_be_called_from_each_host(site):
    wrong = site.hosts[-1]
    for host in site.hosts:
        started = answer(host, f"{wrong.name}-01", "count", "status")["session"]["start_time"]
        assert started > float(site.hub.checked("date", "+%s")) - CLOCK_OFF_S
    ahead_s = int(wrong.checked("date", "+%s")) - int(site.hub.checked("date", "+%s"))
    assert abs(ahead_s - CLOCK_OFF_S) < 5
