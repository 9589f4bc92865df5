"""Sixty agents on three hosts, of which one has a wrong clock: faults, and what is recorded then.

All tests share one site; the last one stops it and accounts for each sample.
`python -m benchmarks.site.faults` does the same for longer.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from subprocess import DEVNULL

import pytest

from ocsd.cli.talk.control import DaemonClient
from ocsd.errors import OcsdError
from tests.system import namespaces
from tests.system.namespaces import OCSD
from tests.system.site import faults
from tests.system.site.counting_site import AGENTS, CLAIMED, NOBODYS, CountingSite
from tests.system.waiting import wait_until

_OBSTACLE = namespaces.obstacle("cc", "iptables", "tc")
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


def on_each_host(site, work):
    """Return what comes of a work on all hosts at the same time."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(work, site.hosts))


def test_the_hub_is_cut_off(site):
    faults.cut_off(site, site.hub, CUT_S)


def test_the_router_of_the_hub_is_killed(site):
    faults.kill_router(site, site.hub)


def test_the_router_of_another_host_is_killed(site):
    faults.kill_router(site, site.own_router)


def test_the_bridge_is_killed(site):
    faults.kill_bridge(site, site.own_router)


def test_each_daemon_is_killed_and_leaves_its_agents_alone(site):
    on_each_host(site, lambda host: faults.kill_daemon(site, host))
    site.settles()


def test_links_lose_every_second_packet_and_are_slow(site):
    faults.worsen_links(site, site.hosts[1:], 0.5, "500kbit", BAD_LINK_S)


def test_each_host_shows_the_whole_site_a_wrong_clock_and_a_host_that_nobody_has(site):
    for seen in on_each_host(site, lambda host: host.ocsd("status", "--site").stdout):
        assert "3 of 5 hosts answer" in seen
        assert re.search(rf"^{NOBODYS}: no answer · no daemon of host '{NOBODYS}'", seen, re.M)
        assert re.search(r"its clock is (5m00s|4m59s|5m01s) (ahead|behind)", seen)


COMMANDS = [
    (("why", "{name}"), "up (target up)"),
    (("logs", "{name}", "-n", "50"), "count:0"),
    (("history", "{host}:{name}", "-n", "1"), "{name}"),
    (("values", "{name}", "--wait", "4"), "{name}.quick.number"),
    (("data", "ls", "{recorder}:"), "observatory.{name}.feeds.quick"),
    (("call", "{name}", "count", "status"), "running"),
    (("reload", "{host}:", "--dry-run"), "nothing to do"),
    (("down", "{name}"), "{name}: down"),
    (("up", "{name}"), "{name}: up"),
    (("restart", "{host}:{name}"), "{name}: up"),
]


@pytest.mark.parametrize(("words", "told"), COMMANDS, ids=[words[0] for words, _ in COMMANDS])
def test_a_command_for_an_agent_of_another_host_from_each_host(site, words, told):
    def command(host):
        other = site.hosts[site.hosts.index(host) - 1]
        recorder = other if other is site.own_router else site.hub
        named = {"host": other.name, "name": f"{other.name}-{AGENTS:02}", "recorder": recorder.name}

        def answered():
            done = host.ocsd(*(word.format(**named) for word in words))
            # On a busy machine a daemon may take longer than the command waits.
            return done.returncode not in (69, 75) and done

        done = wait_until(answered, f"the answer to {words[0]} of {host.name}")
        assert done.returncode == 0, (done.args, done.stdout, done.stderr)
        assert told.format(**named) in done.stdout

    on_each_host(site, command)


def test_two_machines_that_claim_one_host_are_told_and_the_others_are_untouched(site):
    first, second = site.hosts[1:]
    before = {host.name: site.pids(host) for host in site.hosts}

    def start(host):
        words = ("start", "-d", "--site-file", host.site_file, "--host", CLAIMED)
        return host.begin(*OCSD, *words, stdout=DEVNULL)

    def told(host, *words):
        try:
            status = DaemonClient(
                CLAIMED, host.runtime.with_name(CLAIMED) / "control.sock"
            ).status()
        except OcsdError:
            return False
        return all(word in f"{status['instances'][0]}" for word in words)

    starting = [start(first)]
    try:
        wait_until(lambda: told(first, "'up'"), "the host on the first machine")
        starting.append(start(second))
        words = ("registered by another process", f"on {first.name}")
        wait_until(lambda: told(second, *words), "the second machine to be told")
        assert told(first, "'up'")
    finally:
        for host in (second, first):
            host.ocsd("stop", "--host", CLAIMED)
        for process in starting:
            process.communicate()
    assert {host.name: site.pids(host) for host in site.hosts} == before


def test_at_last_every_sample_is_in_the_files_once(site):
    site.stop()
    found = site.verdict()
    assert found.violations == []
    assert found.holes == []
    assert found.recorded == found.published > 3 * AGENTS
