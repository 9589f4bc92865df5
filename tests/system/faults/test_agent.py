"""One agent does harm; nobody else notices, and what can be put right is."""

import contextlib
import os
import re
import signal
import time

import psutil
import pytest

from tests.system.faults.conftest import STUCK
from tests.system.faults.lab import AGENT_BACK_S, HANG_SEEN_S, is_gone, wait_until

pytestmark = pytest.mark.system

MEGABYTE = 1_000_000


@pytest.fixture
def only(lab):
    """See that nobody changes but the instance of a test and those that are stuck anyway.

    All else is watched as long as the site runs.
    """

    def watch(*names):
        return lab.others_unchanged(*names, *STUCK)

    return watch


def test_a_killed_agent_is_back(lab, only):
    pid = lab.pid("killed")
    with only("killed"):
        os.kill(pid, signal.SIGKILL)
        lab.back("killed", pid, AGENT_BACK_S)
    assert [each.signal for each in lab.ends("killed")] == [signal.SIGKILL]
    lab.has_kept_its_policy("killed")


def test_an_agent_that_is_stopped_for_a_while_goes_on(lab, only):
    pid = lab.pid("paused")
    with only():
        os.kill(pid, signal.SIGSTOP)
        try:
            row = wait_until(lambda: _hung(lab.row("paused")), "the hang", HANG_SEEN_S)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert row["layer"] == "reactor"
        wait_until(lambda: lab.row("paused")["health"] == "ok", "its word", AGENT_BACK_S)
    assert lab.row("paused")["restarts"] == 0
    assert lab.pid("paused") == pid


def _hung(row):
    return row if row["health"] == "hung" else None


@pytest.mark.parametrize(("name", "code"), [("exits", 0), ("fails", 1)])
def test_an_agent_that_exits_with(lab, only, name, code):
    pid = lab.pid(name)
    with only(name):
        lab.exit(pid, code)
        lab.back(name, pid, AGENT_BACK_S)
    assert [each.code for each in lab.ends(name)] == [code]
    lab.has_kept_its_policy(name)


def test_an_agent_that_exits_with_125_is_not_tried_again_until_it_is_asked_for(lab, only):
    pid = lab.pid("gives_up")
    with only("gives_up"):
        lab.exit(pid, 125)
        wait_until(lambda: lab.row("gives_up")["state"] == "failed", "its end", AGENT_BACK_S)
        assert lab.row("gives_up")["restarts"] == 0
        assert lab.site.ocsd("up", "gives_up").returncode == 0
    assert lab.row("gives_up")["state"] == "up"


def test_an_agent_that_crashes_over_and_over_is_tried_less_and_less_often(lab, only):
    # Three restarts at once, then after 0.5 s and 1 s, each 20 % more at most.
    crashes, limit_s = 5, 1.8 + 5 * AGENT_BACK_S
    began_s = time.monotonic()
    with only("crashes"):
        for _ in range(crashes):
            pid = lab.pid("crashes")
            lab.exit(pid, 1)
            lab.back("crashes", pid, AGENT_BACK_S)
    assert time.monotonic() - began_s < limit_s
    row = lab.row("crashes")
    assert (row["restarts"], row["health"]) == (crashes, "unstable")
    assert [each.after for each in lab.ends("crashes")] == ["starting"] * 3 + ["backoff"] * 2
    lab.has_kept_its_policy("crashes")


def test_an_agent_that_floods_its_log_fills_no_disk_and_keeps_nobody_waiting(lab, only):
    # ocsd.log.file: 20 MiB and five older files, looked at twice a second.
    most_bytes = 6 * (20 * 2**20 + 2 * 50 * MEGABYTE)
    folder = lab.site.folder / "log" / "lab"
    slowest_s = 0.0
    with only("floods"):
        lab.ask("floods", "flood", lasts_s=5)  # the stimulus is a duration
        session = {}
        while session.get("end_time") is None:
            began_s = time.monotonic()
            assert lab.row("floods")["state"] == "up"
            slowest_s = max(slowest_s, time.monotonic() - began_s)
            session = lab.client("floods").request("status", "flood")[2]
            assert _size_bytes(folder, "floods.log*") < most_bytes
    assert slowest_s < 5.0
    written = next(text for _, text in session["messages"] if " bytes" in text)
    assert int(re.search(r"(\d+) bytes", written)[1]) > most_bytes / 6
    assert lab.row("floods")["restarts"] == 0


def _size_bytes(folder, pattern):
    total = 0
    for each in folder.glob(pattern):
        with contextlib.suppress(FileNotFoundError):  # it got another name just now
            total += each.stat().st_size
    return total


def test_what_is_no_text_and_no_line_can_be_looked_at(lab, only):
    with only("rubbish"):
        lab.done("rubbish", "print_rubbish")
        shown = lab.site.ocsd("logs", "rubbish", "-n", "3")
        assert shown.returncode == 0
        assert "not UTF-8" in lab.site.ocsd("logs", "rubbish", "-n", "1000").stdout
        # The endless line is the last one that its death can be read from.
        pid = lab.pid("rubbish")
        lab.exit(pid, 1)
        lab.back("rubbish", pid, AGENT_BACK_S)
    assert len(lab.ends("rubbish")[-1].reason) < 5000


def test_an_agent_that_leaks_descriptors_fails_alone_and_says_so(lab, only):
    with only("leaks"):
        pid = lab.pid("leaks")
        assert psutil.Process(pid).rlimit(psutil.RLIMIT_NOFILE)[0] == 64
        lab.ask("leaks", "leak_descriptors")
        _, _, session = lab.client("leaks").wait("leak_descriptors", 30)
        assert session["success"] is False
        assert "Too many open files" in str(session["messages"])
        assert lab.row("leaks")["restarts"] == 0
        os.kill(pid, signal.SIGKILL)
        lab.back("leaks", pid, AGENT_BACK_S)
    assert lab.row("leaks")["health"] == "ok"


def test_an_agent_that_grows_is_ended_at_its_limit_and_started_anew(lab, only):
    pid = lab.pid("grows")
    with only("grows"):
        lab.ask("grows", "grow")
        # A look each second, at a process that is asked for its stacks for one second.
        lab.back("grows", pid, 10 + AGENT_BACK_S)
    assert "memory:" in lab.row("grows")["reason"] + lab.ends("grows")[-1].reason
    assert "above its limit of 300M" in lab.ends("grows")[-1].reason
    lab.has_kept_its_policy("grows")


@pytest.mark.parametrize("end", ["killed", "put down"])
def test_grandchildren_go_when_their_agent_is(lab, only, end):
    with only("forks"):
        pid = lab.pid("forks")
        family = psutil.Process(pid).children
        lab.done("forks", "fork_grandchildren")
        wait_until(lambda: len(family(recursive=True)) == 3, "all of them", AGENT_BACK_S)
        grandchildren = [each.pid for each in family(recursive=True)]
        if end == "killed":
            os.kill(pid, signal.SIGKILL)
            lab.back("forks", pid, AGENT_BACK_S)
        else:
            assert lab.site.ocsd("down", "forks").returncode == 0
        wait_until(lambda: all(map(is_gone, grandchildren)), "their end", AGENT_BACK_S)
        assert lab.site.ocsd("up", "forks").returncode == 0
