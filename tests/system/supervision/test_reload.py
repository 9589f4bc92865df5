"""An edited site file is taken into use, and touches only what it changed."""

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system


NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def shared():
    """A site with a router of its own, for all tests that leave a daemon behind."""
    with a_site(free_port()) as site:
        port = site.port
        site.write(*map(fake_agent, NAMES))
        site.start()
        yield site, port


@pytest.fixture
def running(shared):
    """The site with its agents up, whatever the last test has made of it."""
    site, site.port = shared
    site.write(*map(fake_agent, NAMES))
    reloaded = site.ocsd("reload")
    assert reloaded.returncode == 0, reloaded.stdout + reloaded.stderr
    assert site.ocsd("up", *NAMES).returncode == 0
    up(site, *NAMES)
    return site


@pytest.fixture
def new(site):
    """The same, with nothing on record yet."""
    site.write(*map(fake_agent, NAMES))
    site.start()
    return site


def pids(site):
    return {row["instance_id"]: row["pid"] for row in site.status()["instances"]}


def rows(site):
    """Return the states of the agents."""
    found = {row["instance_id"]: row["state"] for row in site.status()["instances"]}
    return {name: found[name] for name in found if name not in {"registry", "aggregator"}}


def up(site, *names):
    """Wait until exactly these agents are up."""
    wait_until(lambda: rows(site) == dict.fromkeys(names, "up"), f"{names} to be up")


def test_only_what_changed_is_touched(running):
    before = pids(running)
    running.write(fake_agent("b", channels=7), fake_agent("c"), fake_agent("d"))
    told = running.ocsd("reload", "--dry-run")
    assert told.stdout.splitlines() == [
        "would start    d",
        "would end      a",
        "would restart  b (arguments changed)",
        "                 arguments: --num-channels 2 -> --num-channels 7",
        "3 instances not touched",
    ]
    assert pids(running) == before

    done = running.ocsd("reload", "--json")
    told = json.loads(done.stdout)
    assert told["changed"] == {"b": ["arguments"]}, done.stderr
    results = {each["instance_id"]: (each["ok"], each["state"]) for each in told["results"]}
    assert results == {"a": (True, "down"), "b": (True, "up"), "d": (True, "up")}
    assert rows(running) == dict.fromkeys(("b", "c", "d"), "up")
    after = pids(running)
    for name in ("c", "registry", "aggregator"):
        assert after[name] == before[name]
    assert after["b"] != before["b"]


def test_what_left_the_file_while_no_daemon_ran_is_ended_and_forgotten(running):
    before = pids(running)
    earlier = running.ocsd("history", "a").stdout.split("\n\n")[0].count("left the site file")
    os.kill(running.status()["pid"], signal.SIGKILL)
    running.write(fake_agent("b"), fake_agent("c"))
    running.start()
    up(running, "b", "c")
    assert not psutil.pid_exists(before["a"])
    assert pids(running)["b"] == before["b"]
    history = running.ocsd("history", "a").stdout.split("\n\n")[0]
    assert history.count("left the site file") > earlier
    assert running.ocsd("down", "c").returncode == 0
    done = running.ocsd("restart", "--all")
    assert done.returncode == 0
    assert "\nc: stays down, put down on " in done.stdout
    assert rows(running) == {"b": "up", "c": "down"}


def test_it_is_told_what_became_of_each_and_a_failure_of_one_is_one_of_the_reload(running):
    running.write(
        fake_agent("b", manage="down"), fake_agent("c"), {**fake_agent("d"), "agent-class": "X"}
    )
    done = running.ocsd("reload")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:3] == [
        "starts         d",
        "ends           a",
        "ends           b (manage changed)",
    ]
    results = [line for line in done.stdout.splitlines() if " after " in line]
    assert [line.split(" after ")[0] for line in sorted(results)] == [
        "a: down",
        "b: down",
        "d: failed",
    ]
    assert done.stdout.count("'X'") == 1
    assert rows(running) == {"b": "down", "c": "up", "d": "failed"}


def test_the_same_file_changes_nothing(running):
    before = pids(running)
    done = running.ocsd("reload")
    assert done.stdout == "nothing to do: the site file says what runs (5 instances)\n"
    assert pids(running) == before


def test_a_broken_file_changes_nothing_and_says_where_it_is_broken(running):
    before = pids(running)
    running.write(fake_agent("a", argumets=[]), fake_agent("b"))
    done = running.ocsd("reload")
    assert done.returncode == 78
    assert f"{running.file}:" in done.stderr
    assert "did you mean 'arguments'" in done.stderr
    assert pids(running) == before


def test_a_class_that_is_not_found_changes_nothing_as_long_as_its_instance_runs(running):
    before = pids(running)
    wrong = {**fake_agent("b"), "agent-class": "FakeDataAgnt"}
    running.write(fake_agent("a", channels=7), wrong, fake_agent("d"))
    checked = running.ocsd("check", "--site-file", str(running.file))
    (problem,) = [line for line in checked.stderr.splitlines() if "did you mean" in line]
    for words in ([], ["--dry-run"]):
        done = running.ocsd("reload", *words)
        assert done.returncode == checked.returncode == 78
        assert done.stderr.splitlines() == [
            problem,
            "nothing has changed, because what runs could not start again (1 instance)",
        ]
    assert pids(running) == before
    assert running.ocsd("down", "b").returncode == 0
    assert running.ocsd("reload").returncode == 0
    assert rows(running) == {"a": "up", "b": "down", "d": "up"}


def test_what_waits_for_the_router_to_change_is_refused(running):
    before = pids(running)
    running.port += 1
    running.write(fake_agent("a"))
    done = running.ocsd("reload")
    assert done.returncode == 1
    assert "ocsd stop, then ocsd start" in done.stderr
    assert pids(running) == before


def test_a_failed_instance_is_waited_for_and_tried_as_long_as_its_entry_has_it(site):
    failing = {**fake_agent("a"), "agent-class": "FakeDatAgent"}
    site.write(failing)
    site.start()
    assert site.instance("a")["state"] == "failed"
    site.write(failing, fake_agent("b", after=["a"]))
    assert site.ocsd("reload", "--no-wait").returncode == 0
    assert site.instance("b")["reason"] == "waits for a"
    site.write(failing, fake_agent("b"))
    assert site.ocsd("reload").returncode == 0
    wait_until(lambda: site.instance("b")["state"] == "up", "who need not wait any more")
    site.write(fake_agent("a"), fake_agent("b"))
    assert site.ocsd("reload").returncode == 0
    up(site, "a", "b")


def test_agents_start_after_those_they_wait_for_and_end_before_them(site):
    site.write(fake_agent("a", after=["b"]), fake_agent("b", after=["c"]), fake_agent("c"))
    assert site.start().returncode == 0
    site.ocsd("stop")
    entries = json.loads(site.ocsd("history", "--host", "lab", "--json").stdout)["entries"]
    ups = [each["name"] for each in entries if each["after"] == "up" and each["name"] in "abc"]
    downs = [each["name"] for each in entries if each["after"] == "down" and each["name"] in "abc"]
    assert ups == ["c", "b", "a"]
    assert downs == ["a", "b", "c"]


def test_instances_that_wait_for_each_other_are_refused(site):
    site.write(fake_agent("a", after=["b"]), fake_agent("b", after=["a"]))
    begun = site.ocsd("start", "-d", "--site-file", str(site.file), "--host", "lab")
    assert begun.returncode == 78
    assert "wait for each other: a after b after a" in begun.stderr


def ignores(pid, number):
    """Whether a process ignores a signal (proc_pid_status(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("SigIgn:")[1].split()[0], 16) >> (number - 1) & 1


STUBBORN = """
import signal, time

def main(args=None):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(1000)
"""


def test_an_entry_that_comes_back_while_its_process_still_ends_waits_for_that_end(site):
    plugins = site.folder / "plugins"
    plugins.mkdir()
    (plugins / "ocs_plugin_lab.py").write_text("agents = [('StubbornAgent', 'stubborn.py')]\n")
    (plugins / "stubborn.py").write_text(STUBBORN)
    stubborn = {"agent-class": "StubbornAgent", "instance-id": "stubborn"}
    paths = {"agent-paths": [str(plugins)]}
    site.write(fake_agent("a"), **paths)
    assert site.start().returncode == 0

    def reload(*entries):
        site.write(*entries, **paths)
        assert site.ocsd("reload", "--no-wait").returncode == 0

    reload(fake_agent("a"), stubborn)
    first = wait_until(lambda: site.instance("stubborn")["pid"], "its process")
    wait_until(lambda: ignores(first, signal.SIGINT), "it to run")
    reload(fake_agent("a"))
    reload(fake_agent("a"), stubborn)
    row = site.instance("stubborn")
    assert (row["state"], row["target"], row["pid"]) == ("stopping", "up", first)
    wait_until(lambda: site.instance("stubborn")["pid"] not in {None, first}, "the next process")
    assert site.instance("stubborn")["restarts"] == 0  # its end was asked for


def test_it_is_on_record_what_a_reload_changed_and_who_left(new):
    new.write(fake_agent("b", channels=7), fake_agent("c"), fake_agent("d"))
    done = new.ocsd("reload", "--no-wait")
    assert done.stdout.endswith("\nsee how they do: ocsd status\n"), done.stderr
    up(new, "b", "c", "d")
    told = json.loads(new.ocsd("history", "--json").stdout)
    (reloaded,) = [each for each in told["entries"] if each["event"] == "Reloaded"]
    assert reloaded["reason"] == "new: d; left the file: a; restarted: b (arguments)"
    assert "uid" in reloaded["by"]
    (asked,) = [
        each for each in told["entries"] if (each["name"], each["after"]) == ("a", "stopping")
    ]
    assert asked["reason"] == "left the site file"
    assert [name for name, each in told["summaries"].items() if each["left"]] == ["a"]
    why = new.ocsd("why", "a")
    assert why.returncode == 4
    assert "ocsd history lab:a" in why.stderr


def test_who_put_the_router_down_is_told(running):
    assert running.ocsd("down", "router").returncode == 0
    done = running.ocsd("status", "router")
    assert "state     down" in done.stdout
    assert "put down on " in done.stdout
    assert "`ocsd up router` starts it" in running.ocsd("status").stdout
    assert running.ocsd("up", "router").returncode == 0
    assert "put down" not in running.ocsd("why", "router").stdout.splitlines()[0]
