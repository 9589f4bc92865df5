"""A site of two daemons, of which one records the feeds of its own agents."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from so3g.hk import load_range

from ocsd.agent.spool.segment import content, records, unpacked
from ocsd.bus.unheard import UnheardFeeds
from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

FIELD = "observatory.{}.feeds.false_temperatures.channel_00"
AGENTS = {"hub": ["fake-hub"], "lab": ["fake-lab1", "fake-lab2"]}
ALL = [name for names in AGENTS.values() for name in names]


def write(site, **keys):
    """Write the site file; the keys are those of the lab."""
    site.write(*map(fake_agent, AGENTS["hub"]), host="hub", crossbar={})
    site.write(*map(fake_agent, AGENTS["lab"]), host="lab", **keys)


@pytest.fixture(scope="module")
def site(kept_router):
    if not kept_router.answers():
        kept_router.start()
    with a_site(kept_router.port) as site:
        write(site, record="local")
        site.bring_up("hub")
        site.bring_up("lab")
        yield site


def reload(site, host):
    done = site.ocsd("reload", "--host", host)
    assert done.returncode == 0, done.stdout + done.stderr


def recording(site, name, host):
    return site.instance(name, host).get("recording") or {}


def newest(site, name):
    """Return the number of messages that an agent has published until now."""
    return sum(1 for _ in published(site, name))


def published(site, name):
    """Yield the messages of an agent, as they stand in its spool."""
    host = next(host for host, names in AGENTS.items() if name in names)
    for path in sorted(Path(site.folder, "state", host, "spool", name).glob("*/*/*.spool")):
        bodies = [body for _, body, _ in records(content(path))]
        info = unpacked(bodies[0])
        yield from ((info.get("recorded_by"), unpacked(body)) for body in bodies[1:])


def goes_on(site, count=3):
    """Wait until every agent has published some more."""
    before = {name: newest(site, name) for name in ALL}
    wait_until(
        lambda: all(newest(site, name) >= before[name] + count for name in ALL), "more messages"
    )


def test_status_says_which_feeds_are_recorded_where(site):
    def lines(host, words):
        return words in site.ocsd("status", "--host", host).stdout

    wait_until(lambda: lines("lab", "recording 2 feeds of this host"), "the lab to record its own")
    wait_until(lambda: lines("hub", "2 feeds of 1 host recorded there"), "the hub to leave them")
    # The agent of the hub, and the registry.
    wait_until(lambda: recording(site, "aggregator", "hub").get("feeds") == 2, "the hub's own")
    assert recording(site, "aggregator-lab", "lab")["only_of_host"] == "lab"


def test_the_aggregator_of_a_host_hears_no_agents_of_others(site):
    spools = Path(site.folder, "state/hub/spool")
    session = max(each.name for each in (spools / "fake-hub").iterdir() if each.name[0].isdigit())
    feed = FIELD.format("fake-hub").rpartition(".")[0]
    wait_until(lambda: UnheardFeeds(spools).has(feed, session), "a feed that nobody hears")


def test_a_killed_aggregator_of_a_host_goes_on_where_it_was(site):
    pid = site.instance("aggregator-lab", "lab")["pid"]
    os.kill(pid, signal.SIGKILL)

    def records():
        row = site.instance("aggregator-lab", "lab")
        return row["pid"] != pid and (row.get("recording") or {}).get("feeds") == 2

    wait_until(records, "the next recorder of the lab")
    goes_on(site)


@pytest.mark.parametrize("order", [("lab", "hub"), ("hub", "lab")])
def test_the_key_changes_while_all_runs(site, order):
    write(site)
    for host in order:
        reload(site, host)
    wait_until(lambda: recording(site, "aggregator", "hub").get("feeds") == 4, "the hub for all")
    goes_on(site)
    assert "aggregator-lab" not in {row["instance_id"] for row in site.status("lab")["instances"]}
    write(site, record="local")
    for host in order:
        reload(site, host)
    wait_until(
        lambda: recording(site, "aggregator-lab", "lab").get("feeds") == 2, "the lab to record"
    )
    goes_on(site)


def recorded(site, host, names):
    """Return the times of all samples by agent [s], as so3g reads them from the files of a host."""
    fields = [FIELD.format(name) for name in names]
    folder = site.folder / "state" / host / "data"
    now_at = time.time()
    found = load_range(now_at - 3600, now_at + 60, fields=fields, data_dir=str(folder))
    return {
        name: np.asarray(found[FIELD.format(name)][0])
        for name in names
        if FIELD.format(name) in found
    }


def test_all_that_was_published_is_in_the_files_of_one_host_once(site):
    for host in ("lab", "hub"):
        assert site.ocsd("stop", "--host", host).returncode == 0
    shares = {host: recorded(site, host, ALL) for host in AGENTS}
    for name in ALL:
        expected = sorted(
            at for _, message in published(site, name) for at in message["temps"]["timestamps"]
        )
        found = np.sort(np.concatenate([share[name] for share in shares.values() if name in share]))
        # Files have times to 10 ns, floats of today's times to 240 ns.
        assert found == pytest.approx(expected, rel=0, abs=1e-6), name
        assert np.diff(expected).min() > 1e-3
    assert set(shares["lab"]) == set(AGENTS["lab"])
    assert all(shares["hub"][name].size for name in AGENTS["lab"])  # while the key was away
    told = site.ocsd("data", "gaps", "--json", "--folder", str(site.folder / "state/hub/data"))
    assert '"hole"' not in told.stdout
