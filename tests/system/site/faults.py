"""What is done to the site of counting agents; each ends when the site is well again."""

import time

from tests.system.waiting import wait_until


def cut_off(site, host, lasts_s):
    """Cut a host off; meanwhile people on all hosts see their own, and nothing stops.

    On hosts with a router of their own, people call their agents, too.
    """
    before = {each.name: site.pids(each) for each in site.hosts}
    end_s = time.monotonic() + lasts_s
    host.cut()
    try:
        for each in site.hosts:
            seen = each.ocsd("status")
            assert seen.returncode in (0, 5), seen.stdout + seen.stderr
            assert f"{each.name}-01" in seen.stdout
        for each in (site.hub, site.own_router):
            each.checked_ocsd("call", f"{each.name}-01", "count", "status")
        site.goes_on_counting(*site.hosts)
        time.sleep(max(0.0, end_s - time.monotonic()))
        for each in (site.hub, site.own_router):
            each.checked_ocsd("call", f"{each.name}-01", "count", "status")
    finally:
        host.mend()
    site.settles()
    assert {each.name: site.pids(each) for each in site.hosts} == before


def kill_router(site, host):
    """Kill a host's router, controller and worker."""
    pid = host.status()["router"]["pid"]
    host.checked("kill", "-9", "--", f"-{pid}")
    site.goes_on_counting(*site.hosts)
    site.settles()
    assert host.status()["router"]["pid"] != pid


def kill_bridge(site, host):
    """Kill a host's bridge; wait for the next one."""
    pid = site.pids(host)["bridge"]
    host.checked("kill", "-9", pid)
    wait_until(lambda: site.pids(host).get("bridge", pid) != pid, "another bridge")
    site.settles()


def kill_daemon(site, host):
    """Kill a host's daemon, and start another, as systemd does."""
    before = site.pids(host)
    host.checked("kill", "-9", host.status()["pid"])
    site.goes_on_counting(host)
    host.bring_up()
    assert site.pids(host) == before


def worsen_links(site, hosts, loss, rate, lasts_s):
    """Let links lose packets and be slow for some time."""
    end_s = time.monotonic() + lasts_s
    for host in hosts:
        host.worsen(loss, rate)
    try:
        site.goes_on_counting(*hosts)
        time.sleep(max(0.0, end_s - time.monotonic()))
    finally:
        for host in hosts:
            host.improve()
    site.settles()
