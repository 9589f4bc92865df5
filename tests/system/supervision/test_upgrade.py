"""An upgrade replaces the daemon and nothing else, or changes nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.system.conftest import a_site
from tests.system.invariants import Watch
from tests.system.survivors import Lab
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def kept_lab():
    """A lab with a router of its own, for the tests in which the upgrade is of this ocsd."""
    with a_site(free_port()) as site:
        yield Lab(site)


@pytest.fixture
def lab(kept_lab):
    """The lab, as it is when everything has just been started."""
    kept_lab.renew()
    return kept_lab


def subscribed(site):
    """Start a listener; return its process and the file that it writes."""
    path = site.folder / "heard.jsonl"
    hub = f"ws://localhost:{site.port}/ws"
    words = ["--site=none", "--site-hub", hub, "--instance-id", "listener"]
    listener = subprocess.Popen(
        [sys.executable, str(Path(__file__).parents[1] / "feed_listener.py"), path, *words],
        env=site.environment,
        cwd=site.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return listener, path


def heard(path):
    """Return the numbers of each feed's messages, and when its last sample was taken."""
    numbers, last_at = {}, {}
    for line in path.read_text().splitlines() if path.exists() else ():
        data, feed = json.loads(line)
        address = feed["address"]
        if "thermo" not in address:
            continue  # the registry's begin anew with each daemon
        numbers.setdefault(address, []).append(feed["seq"])
        last_at[address] = max(t for block in data.values() for t in block["timestamps"])
    return numbers, last_at


def test_no_other_daemon_gets_in_during_an_upgrade(lab):
    upgrading = subprocess.Popen(
        [sys.executable, "-m", "ocsd", "upgrade"],
        env=lab.site.environment,
        cwd=lab.site.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    codes = set()
    while upgrading.poll() is None:
        started = lab.site.ocsd("start", "-d", "--site-file", lab.site.file, "--host", "lab")
        codes.add(started.returncode)
    assert upgrading.returncode == 0
    assert codes <= {1}
    lab.is_as_it_was()


def test_an_upgrade_with_a_broken_site_file_changes_nothing(lab):
    since_at = lab.status()["since_at"]
    lab.site.file.write_text("hub: [\n")
    refused = lab.site.ocsd("upgrade")
    assert refused.returncode == 1
    assert "nothing was changed" in refused.stderr
    assert "site.yaml" in refused.stderr
    assert lab.status()["since_at"] == since_at
    lab.is_as_it_was()


def test_an_upgrade_keeps_the_agents_and_loses_no_sample(lab):
    listener, path = subscribed(lab.site)
    try:
        wait_until(lambda: len(heard(path)[0]) == 3, "all feeds")
        daemon, before = lab.status()["pid"], lab.status()["since_at"]
        with Watch(lab.site):
            done = lab.site.ocsd("upgrade")
            assert done.returncode == 0, done.stderr
            assert "ocsd 0.1.0 -> 0.1.0" in done.stdout
            assert "5 of 5 processes went on" in done.stdout
        upgraded_at = time.time()
        assert lab.status()["pid"] == daemon
        assert lab.status()["since_at"] > before
        lab.is_as_it_was()
        wait_until(
            lambda: min(heard(path)[1].values()) > upgraded_at,
            "samples after the upgrade",
        )
    finally:
        listener.send_signal(signal.SIGINT)
        listener.wait(30)
    for numbers in heard(path)[0].values():
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert lab.site.ocsd("stop").returncode == 0
    assert lab.site.processes() == []


def test_an_upgrade_to_a_version_that_cannot_be_imported_changes_nothing(site):
    broken = site.folder / "broken"
    broken.mkdir()
    path = os.pathsep.join([str(broken), os.environ.get("PYTHONPATH", "")])
    site.extra_environment = {"PYTHONPATH": path.rstrip(os.pathsep)}
    lab = Lab(site)
    since_at = lab.status()["since_at"]
    (broken / "twisted.py").write_text("raise ImportError('half installed')\n")
    refused = lab.site.ocsd("upgrade")
    assert refused.returncode == 1
    assert "half installed" in refused.stderr
    (broken / "twisted.py").unlink()
    assert lab.status()["since_at"] == since_at
    lab.is_as_it_was()
    assert lab.site.ocsd("restart", "thermo1").returncode == 0
