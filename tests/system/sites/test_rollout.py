"""One site file for three hosts: planned, pushed, applied, and put back where it goes wrong."""

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from so3g.hk import HKArchiveScanner

from ocsd.site import load
from tests import forked_commands
from tests.system.conftest import NO_PAGE, Site, fake_agent
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system

HOSTS = ("hub", "lab-1", "lab-2")
RATE_HZ = 10
RECORDER = {
    "agent-class": "AggregatorAgent",
    "instance-id": "aggregator",
    "arguments": ["--initial-state", "record", "--time-per-file", "10"],
}


def agents(host):
    """Return an agent that is changed, and one that is left alone."""
    return [fake_agent(f"{kind}-{host}", rate_hz=RATE_HZ) for kind in ("changed", "kept")]


@dataclass
class ThreeFiles(Site):
    """Three daemons on this machine, each with a site file of its own in a folder of its own."""

    def own_file(self, host):
        return self.folder / host / "site.yaml"

    @property
    def installed(self):
        """A folder before the installed packages."""
        return self.folder / "installed"

    def ocsd(self, *words, limit_s=60):
        """Run the command line: in a fork, unless it starts a daemon or something is installed."""
        environment = self.environment
        is_as_before = {each.name for each in self.installed.iterdir()} <= AS_BEFORE
        if is_as_before and words[0] != "start":
            del environment["PYTHONPATH"]
        return forked_commands.run(tuple(map(str, words)), environment, self.folder, limit_s)

    def versions(self):
        return {self.status(host)["version"] for host in HOSTS}

    def text(self, **changed):
        """Return a site file; `changed` has other entries, by instance-id."""
        rows = {host: [changed.get(row["instance-id"], row) for row in agents(host)]
                for host in HOSTS}  # fmt: skip
        rows["hub"].append(RECORDER)
        hosts = {name: {"web": NO_PAGE, "agent-instances": rows[name]} for name in HOSTS}
        hosts["hub"]["crossbar"] = {}
        url = f"localhost:{self.port}"
        hub = {"wamp_server": f"ws://{url}/ws", "wamp_http": f"http://{url}/call"}
        return yaml.safe_dump({"hub": hub, "hosts": hosts}, sort_keys=False)

    def start(self, host="lab"):
        words = ("start", "-d", "--site-file", str(self.own_file(host)), "--host", host)
        self.daemons.append(host)
        return self.ocsd(*words, limit_s=240)

    def new(self, text):
        """Write the site file that is to be rolled out; return the words for it."""
        self.file.write_text(text)
        return ("--site-file", str(self.file))

    def site(self, verb, text, *words):
        """Run a command of `ocsd site` with a new file."""
        return self.ocsd("site", verb, *self.new(text), *words, limit_s=240)

    def plan(self, text):
        """Return the plan of a file, by host."""
        done = self.site("plan", text, "--json")
        assert done.returncode in {0, 69, 78}, done.stderr
        return {row["host"]: row for row in json.loads(done.stdout)["hosts"]}

    def pids(self):
        """Return the pid of each instance on all hosts."""
        rows = (row for host in HOSTS for row in self.status(host)["instances"])
        return {row["instance_id"]: row["pid"] for row in rows if row["instance_id"] != "registry"}

    def files(self):
        """Return the site file that each host has, and the digest of that in use."""
        return {
            host: (self.own_file(host).read_text(), self.status(host)["site"]["digest"])
            for host in HOSTS
        }

    def applied(self, text):
        """Bring all hosts to a file, whatever an earlier test has left behind."""
        if set(self.files().values()) == {(text, load.digest(text.encode()))}:
            return
        done = self.site("apply", text, "--waves", "rest", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr


AS_BEFORE = {"sitecustomize.py", "__pycache__"}
"""What lies before the installed packages while they are as they were."""
VERSION = """
import pathlib
file = pathlib.Path(__file__).with_name("version")
if file.exists():
    import ocsd
    ocsd.__version__ = file.read_text()
"""
"""Gives every Python that is started another version of ocsd."""


@pytest.fixture(scope="module")
def running():
    with tempfile.TemporaryDirectory(prefix="ocsd-") as folder:
        site = ThreeFiles(Path(folder), free_port())
        site.installed.mkdir()
        (site.installed / "sitecustomize.py").write_text(VERSION)
        path = os.pathsep.join([str(site.installed), os.environ.get("PYTHONPATH", "")])
        site.extra_environment = {"PYTHONPATH": path.rstrip(os.pathsep)}
        for host in HOSTS:
            site.own_file(host).parent.mkdir()
            site.own_file(host).write_text(site.text())
        try:
            for host in HOSTS:
                site.bring_up(host)
            yield site
        finally:
            left = site.clear()
        assert left == []


@pytest.fixture
def site(running):
    """The site with its first file on all hosts, in use, and all of them known to each other."""

    def all_answer():
        rows = running.daemon("hub").ask("/v1/site/hub", {"request": "site"}, 10)["hosts"]
        return not any(row["trouble"] for row in rows)

    wait_until(all_answer, "the hosts to answer each other")
    running.applied(running.text())
    return running


def faster(host):
    return {f"changed-{host}": fake_agent(f"changed-{host}", rate_hz=2 * RATE_HZ)}


def broken(host):
    """Return an entry whose process ends at once; no check of arguments can see that."""
    row = fake_agent(f"changed-{host}", rate_hz=RATE_HZ)
    return {f"changed-{host}": {**row, "runtime": "ocs", "python": "/bin/false"}}


def test_a_plan_says_what_would_restart_where_and_changes_nothing(site):
    before = site.files(), site.pids()
    text = site.text(**faster("lab-1"))
    rows = site.plan(text)
    assert {host: row["standing"] for host, row in rows.items()} == dict.fromkeys(HOSTS, "behind")
    assert rows["lab-1"]["change"]["effects"] == {"changed-lab-1": "restarts"}
    old, new = rows["lab-1"]["change"]["values"]["changed-lab-1"]["arguments"]
    assert (str(RATE_HZ) in old, str(2 * RATE_HZ) in new) == (True, True)
    assert rows["lab-2"]["change"]["effects"] == {}
    assert all(row["version"] for row in rows.values())

    told = site.site("plan", text)
    assert told.returncode == 0
    assert "restarts   changed-lab-1" in told.stdout
    assert f"arguments: --sample-rate {RATE_HZ} -> --sample-rate {2 * RATE_HZ}" in told.stdout
    assert "order: lab-1 | lab-2 | hub" in told.stdout
    assert (site.files(), site.pids()) == before


def test_a_bad_file_is_refused_everywhere(site):
    before = site.files(), site.pids()
    wrong = fake_agent("changed-lab-2")
    wrong["arguments"] = ["--mode", "no-such-mode"]
    for text, cause in (
        ("hosts: [", "site.yaml:2: YAML syntax"),
        (site.text(**{"changed-lab-2": wrong}), "no-such-mode"),
    ):
        for verb in ("push", "apply"):
            done = site.site(verb, text, "--yes")
            assert done.returncode == 78, done.stdout + done.stderr
            assert cause in done.stderr
    assert (site.files(), site.pids()) == before


def test_a_good_change_loses_no_sample_and_aborts_no_operation(site):
    before = site.pids()
    runs = {host: site.instance(f"kept-{host}", host)["operations"] for host in HOSTS}
    text = site.text(**faster("lab-1"), **faster("lab-2"))
    done = site.site("apply", text, "--waves", "1,rest", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines.index("lab-1 comes up: 1 instance restarts") < lines.index("lab-2 takes the file")
    assert lines[-1] == "3 hosts: 3 done"
    assert {row["standing"] for row in site.plan(text).values()} == {"up to date"}
    assert {path for path, _ in site.files().values()} == {text}

    after = site.pids()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"changed-lab-1", "changed-lab-2"}
    for host in HOSTS:
        assert site.instance(f"kept-{host}", host)["operations"] == runs[host]
    _assert_nothing_is_lost(site)
    for host in ("lab-1", "lab-2"):
        history = site.ocsd("history", "--host", host, "--json").stdout
        assert "Reloaded" in history
        audit = site.ocsd("audit", "--host", host).stdout
        assert "take_file" in audit
        assert "reload" in audit


def _assert_nothing_is_lost(site):
    """Read back what is recorded: every sample of the agents once, none of them missing."""
    feeds = {f"observatory.kept-{host}.feeds.false_temperatures" for host in HOSTS}

    def recorded():
        scanner = HKArchiveScanner()
        for path in sorted((site.folder / "state" / "hub" / "data").glob("*/*.g3")):
            scanner.process_file(str(path))
        archive = scanner.finalize()
        known = archive.get_fields()[0]
        return {
            feed: list(archive.simple(f"{feed}.channel_00")[0])
            if f"{feed}.channel_00" in known
            else []
            for feed in feeds
        }

    since_s = site.status("hub")["since_at"] + site.status("hub")["uptime_s"]
    times = wait_until(
        lambda: (
            (found := recorded())
            and all(each and max(each) > since_s for each in found.values())
            and found
        ),
        "what was sampled until now to be in the files",
    )
    for feed, each in times.items():
        each.sort()
        steps = [later - earlier for earlier, later in itertools.pairwise(each)]
        assert min(steps) > 0.5 / RATE_HZ, f"{feed} has a sample twice"
        assert max(steps) < 1.5 / RATE_HZ, f"{feed} misses a sample"
    gaps = json.loads(site.ocsd("data", "gaps", "--json", "--host", "hub").stdout)["gaps"]
    assert [gap for gap in gaps if gap["kind"] == "hole"] == []


def test_an_agent_that_does_not_come_up_stops_the_roll_out_and_its_host_goes_back(site):
    before = site.files()
    pids = site.pids()
    text = site.text(**broken("lab-1"), **faster("lab-2"))
    done = site.site("apply", text, "--yes", "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    stages = {row["host"]: row["stage"] for row in json.loads(done.stdout)["hosts"]}
    expected = {"lab-1": "went back", "lab-2": "untouched", "hub": "untouched"}
    assert stages == expected, done.stdout + done.stderr
    assert "lab-1 goes back: " in done.stderr
    assert site.files() == before
    after = site.pids()
    assert {name for name in pids if pids[name] != after[name]} == {"changed-lab-1"}
    assert site.instance("changed-lab-1", "lab-1")["state"] == "up"


def test_a_pushed_file_waits_for_its_use_and_the_one_before_is_kept(site):
    text, old = site.text(**faster("lab-1")), site.text()
    pids = site.pids()
    done = site.site("push", text, "--yes", "--hosts", "lab-1,lab-2")
    assert (done.returncode, done.stdout) == (0, "lab-1 has the file\nlab-2 has the file\n")
    assert site.own_file("lab-1").with_name("site.yaml.previous").read_text() == old
    assert site.own_file("hub").read_text() == old
    assert site.pids() == pids
    told = site.site("plan", text).stdout
    assert "this one, not in use; in use: " in told


def test_an_apply_that_is_killed_leaves_each_host_whole_and_the_plan_says_where_it_stands(site):
    text = site.text(**broken("lab-1"))
    words = ("site", "apply", *site.new(text), "--yes")
    process = subprocess.Popen(
        [sys.executable, "-m", "ocsd", *words],
        env={**site.environment, "PYTHONUNBUFFERED": "1"},
        cwd=site.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line.startswith("lab-1 reloads"):
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    rows = site.plan(text)
    assert rows["lab-1"]["file_digest"] not in {None, rows["lab-2"]["file_digest"]}
    assert rows["lab-2"]["standing"] == rows["hub"]["standing"] == "behind"
    for host in HOSTS:
        assert yaml.safe_load(site.own_file(host).read_text())["hosts"].keys() == set(HOSTS)
    kept = {row["instance_id"]: row["state"] for row in site.status("lab-1")["instances"]}
    assert kept["kept-lab-1"] == "up"


def test_a_version_that_cannot_start_is_refused_before_any_host_begins(site):
    before = site.files(), site.pids(), site.versions()
    half = site.installed / "twisted.py"
    half.write_text("raise ImportError('half installed')\n")
    try:
        done = site.site("apply", site.text(), "--upgrade", "--yes")
    finally:
        half.unlink()
    assert done.returncode == 78, done.stdout + done.stderr
    assert "half installed" in done.stderr
    assert (site.files(), site.pids(), site.versions()) == before


def test_an_upgrade_takes_the_installed_version_on_each_host_and_ends_no_agent(site):
    pids = site.pids()
    (site.installed / "version").write_text("0.2.0")
    assert site.ocsd("upgrade", "--host", "lab-1", limit_s=240).returncode == 0
    _assert_versions_are_told_apart(site)
    done = site.site("apply", site.text(), "--upgrade", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert site.versions() == {"0.2.0"}
    assert site.pids() == pids
    _assert_nothing_is_lost(site)


def _assert_versions_are_told_apart(site):
    """Check that a host with another version of ocsd than the rest is told as such."""

    def seen():
        # Upgraded just now, it joins the router again.
        return "lab-1 runs ocsd 0.2.0, and hub 0.1.0" in site.ocsd("status", "--site").stdout

    wait_until(seen, "the note about the other version")
    told = site.site("plan", site.text(), "--upgrade").stdout
    lines = {line.split()[0]: line for line in told.splitlines()}
    assert "ocsd 0.1.0 -> 0.2.0, file this one; no instance is touched" in lines["hub"]
    assert "ocsd 0.2.0, file this one; nothing to do" in lines["lab-1"]


def test_a_host_that_is_away_is_left_out_with_its_cause_and_the_others_go_on(site):
    assert site.ocsd("stop", "--host", "lab-2").returncode == 0
    try:
        text = site.text(**faster("lab-1"))
        done = site.site("apply", text, "--yes")
        assert done.returncode == 69, done.stdout + done.stderr
        assert "lab-2 left out: no daemon of host 'lab-2'" in done.stdout
        assert done.stdout.splitlines()[-1] == "3 hosts: 2 done, 1 left out"
        assert site.own_file("lab-2").read_text() == site.text()
    finally:
        site.bring_up("lab-2")
