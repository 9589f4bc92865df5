"""The procedures of docs/run/changing.md and keeping.md, with the commands that stand there.

One site goes through all of them, so the tests depend on their order. Paths of the pages become
paths of the site; nothing else is changed in a command. Keys of a closed site are made in
tests/system/access, units of systemd in tests/system/supervision.
"""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system

PAGES = Path(__file__).parents[3] / "docs" / "run"


def section(page, heading):
    """Return the text below a heading of a page."""
    text = (PAGES / page).read_text()
    (found,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found


def commands(page, heading):
    """Return the commands that stand below a heading on lines of their own."""
    return re.findall(r"^ {4,}((?:ocsd|mv|tar|rm) .*)$", section(page, heading), re.MULTILINE)


def agents(first):
    """Return the agents of the site: one that publishes, and one that is down."""
    entry = fake_agent(first)
    entry["arguments"] += ["--frame-length", 1]
    return {"agent-instances": [entry, fake_agent("fake2", manage="down")]}


class Steps:
    """Carries out commands of the pages at a site."""

    def __init__(self, site, host):
        self.site = site
        self.host = host
        site.extra_environment |= {
            "OCS_CONFIG_DIR": str(site.folder),
            "XDG_CACHE_HOME": str(site.folder / "cache"),
        }

    def place(self, text):
        """Return a command with the paths of the site."""
        folders = {
            "/var/lib/ocsd": self.site.folder / "state",
            "/var/log/ocsd": self.site.folder / "log",
            "/data/hk": self.site.folder / "hk",
            "~/.cache": self.site.folder / "cache",
        }
        for written, own in folders.items():
            text = text.replace(written, str(own))
        return text

    def run(self, command, *more):
        """Run a command; fail the test if it fails. Return what it prints."""
        words = [*shlex.split(self.place(command), comments=True), *more]
        if words[:2] == ["ocsd", "start"]:
            words += [] if "--host" in words else ["--host", self.host]
            self.host = words[words.index("--host") + 1]
            self.site.daemons.append(self.host)
        if words[0] == "ocsd":
            done = self.site.ocsd(*words[1:])
        else:
            done = subprocess.run(words, cwd=self.site.folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def write(self, **keys):
        """Write the site file anew, with changed keys of the host."""
        entry = self.site.hosts[self.host] | keys
        self.site.write(*entry.pop("agent-instances"), host=self.host, **entry)

    def up(self):
        """Return the instances that are up."""
        rows = self.site.status(self.host)["instances"]
        return {row["instance_id"] for row in rows if row["state"] == "up"}

    def recorded(self):
        """Return the feeds that are in the files, each with its number of samples."""
        told = json.loads(self.site.ocsd("data", "ls", "--json").stdout or '{"feeds": []}')
        return {row["feed"].split(".")[1]: row["samples"] for row in told["feeds"]}


@pytest.fixture(scope="module")
def steps(kept_router):
    """Carries out commands at a site that runs at a router of its own."""
    if not kept_router.answers():
        kept_router.start()
    with a_site(kept_router.port) as site:
        site.write(*agents("fake1")["agent-instances"], crossbar={})
        (site.folder / "default.yaml").symlink_to(site.file)
        steps = Steps(site, "lab")
        site.bring_up()
        wait_until(lambda: "fake1" in steps.recorded(), "fake1 has been recorded")
        yield steps


def test_an_instance_is_renamed(steps):
    (reload,) = commands("changing.md", "Rename an instance")
    steps.write(**agents("thermo1"))
    steps.run(reload)
    assert {"thermo1", "aggregator"} <= steps.up()
    assert "fake1" not in steps.up()
    assert "fake1" in steps.run("ocsd history fake1 --since 1h")
    assert (steps.site.folder / "log/lab/fake1.log").is_file()


def test_the_data_folder_is_moved(steps):
    down, move, reload, up, gaps = commands("changing.md", "Move the data folder")
    (written,) = re.findall(
        r"```yaml\n(.*?)```", section("changing.md", "Move the data folder"), re.DOTALL
    )
    page = yaml.safe_load(dedent(steps.place(written)))["hosts"]["lab"]["agent-instances"]
    steps.run(down)
    before = steps.recorded()
    assert before["fake1"]
    steps.run(move)
    steps.write(**{"agent-instances": [*page, *steps.site.hosts["lab"]["agent-instances"]]})
    steps.run(reload)
    steps.run(up)
    wait_until(
        lambda: steps.recorded().get("thermo1", 0) > before.get("thermo1", 0),
        "samples in the new folder",
    )
    assert steps.recorded()["fake1"] == before["fake1"]
    assert (steps.site.folder / "hk/ocsd").is_dir()
    assert not (steps.site.folder / "state/lab/data").exists()
    found = json.loads(steps.run(gaps, "--json"))
    assert found["folder"] == str(steps.site.folder / "hk")
    assert [gap for gap in found["gaps"] if gap["kind"] == "hole"] == []


def test_old_data_are_deleted_once_they_are_copied(steps):
    (sync,) = commands("keeping.md", "Deleting old data")
    steps.run(sync)
    kept = steps.recorded()
    assert kept["fake1"]
    listed = section("keeping.md", "Bringing a host back")
    (ls,) = re.findall(r"`(ocsd data ls --folder .*?)`", listed)
    assert "fake1" in steps.run(ls)


def test_a_host_comes_back_with_what_was_backed_up(steps):
    (back_up,) = commands("keeping.md", "Backups")
    (restore,) = commands("keeping.md", "Bringing a host back")
    check, start = re.findall(r"`(ocsd .*?)`", section("keeping.md", "Bringing a host back"))[1:3]
    steps.run("ocsd down thermo1")
    steps.run("ocsd stop")
    state = steps.site.folder / "state"
    steps.run(back_up)
    shutil.rmtree(state / "lab")
    steps.run(restore)
    steps.run(check)
    steps.run(start)
    assert "thermo1" not in steps.up()
    assert "thermo1" in steps.run("ocsd history thermo1 --since 1h")
    steps.run("ocsd up thermo1")


def test_a_host_is_renamed(steps):
    text = section("changing.md", "Rename a host")
    stop, move, start, *keys = commands("changing.md", "Rename a host")
    assert keys == ["ocsd access host new", "ocsd access host old --remove"], "of closed sites"
    steps.run(stop)
    steps.site.hosts["new"] = steps.site.hosts.pop("lab")
    steps.site.write(*steps.site.hosts["new"]["agent-instances"], host="new", crossbar={})
    steps.run(move.replace("/old", "/lab"))
    steps.run(start)
    assert "thermo1" in steps.up()
    assert "fake1" in steps.run("ocsd history --since 1h")
    assert steps.recorded()["fake1"]
    assert "ocsd site push" in text


def test_an_agent_moves_to_another_host(steps):
    first, second = commands("changing.md", "Move an agent to another host")
    names = {"lab-1": "new", "lab-2": "second"}
    steps.site.write(host="second")
    steps.run("ocsd reload")
    steps.site.start("second")
    entries = steps.site.hosts["new"]["agent-instances"]
    (thermo,) = [each for each in entries if each["instance-id"] == "thermo1"]
    steps.write(**{"agent-instances": [each for each in entries if each is not thermo]})
    steps.site.write(thermo, host="second")
    for command in (first, second):
        for written, own in names.items():
            command = command.replace(f"{written}:", f"{own}:")
        steps.run(command)
    assert "thermo1" not in steps.up()
    assert steps.site.instance("thermo1", "second")["state"] == "up"
    steps.site.ocsd("stop", "--host", "second")


def test_the_router_moves(steps):
    stop, start = commands("changing.md", "Move the router")
    steps.run(stop)
    steps.site.port = free_port()
    del steps.site.hosts["second"]
    steps.write()
    steps.run(start)
    assert steps.site.status("new")["router"]["state"] == "up"


def test_nothing_is_left_of_what_the_page_removes(steps):
    stop, remove = commands("changing.md", "Uninstall")
    assert remove == "ocsd install --remove"
    steps.run(stop)
    assert steps.site.processes() == []
    table = section("changing.md", "Uninstall")
    for command in re.findall(r"`(rm -r (?:/var/l|~/\.cache)\S+)`", table):
        steps.run(command)
    left = {each.name for each in steps.site.folder.iterdir()}
    assert left <= {
        "default.yaml",
        "site.yaml",
        "hk",
        "archive",
        "ocsd-state.tar.gz",
        "run",
        "cache",
    }
