"""Somebody removes what lies in the runtime folder: nothing ends, and all is made anew."""

import shutil
import signal
import time

import psutil
import pytest

from ocsd.history.file import read_history
from tests.system.conftest import fake_agent
from tests.system.invariants import copies, fork_servers, pids
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

LONGER_THAN_SILENCE_S = 13.0
"""An agent that nobody hears is called hung after 10 s."""


@pytest.fixture
def lab(site):
    site.write(fake_agent("thermo1"), fake_agent("thermo2"))
    site.bring_up()
    return site


def running(site):
    return pids(site.status())


def answers(site):
    done = site.ocsd("status")
    return done.returncode == 0 and done.stdout


def changes(site):
    return list(read_history(site.folder / "state" / "lab" / "journal.jsonl"))


@pytest.mark.parametrize("lost", ["notify.sock", "control.sock", "fork.sock", ""])
def test_what_was_removed_is_there_again_and_nobody_pays_for_it(lab, lost):
    before, [server] = running(lab), fork_servers(lab)
    folder = lab.folder / "run" / "lab"
    needed = ("notify.sock", "control.sock", "fork.sock", "processes", "ocsd.pid")
    daemon = (folder / "ocsd.pid").read_text()
    removed_at = time.time()
    if lost:
        (folder / lost).unlink()
    else:
        shutil.rmtree(folder)
        refused = lab.ocsd("start", "-d", "--site-file", str(lab.file), "--host", "lab")
        assert refused.returncode == 1
        assert f"pid {daemon.strip()}" in refused.stderr
    wait_until(lambda: all((folder / name).exists() for name in needed), "all files", 20)
    wait_until(lambda: answers(lab), "a status that is ok", 20)
    # Long enough for a daemon that hears nobody to call everybody hung.
    deadline = time.monotonic() + LONGER_THAN_SILENCE_S
    while time.monotonic() < deadline:
        assert {row["health"] for row in lab.status()["instances"]} == {"ok"}
        time.sleep(0.5)
    assert running(lab) == before
    assert fork_servers(lab) == [server]
    later = [each for each in changes(lab) if each.at > removed_at]
    assert [(each.name, each.event) for each in later if each.event != "FilesLost"] == []
    if lost != "fork.sock":
        assert [each.name for each in changes(lab) if each.event == "FilesLost"] == ["ocsd"]


def test_a_daemon_that_is_killed_after_that_has_a_successor_that_finds_everything(lab):
    before, [server] = running(lab), fork_servers(lab)
    folder = lab.folder / "run" / "lab"
    daemon = psutil.Process(lab.status()["pid"])
    shutil.rmtree(folder)
    daemon.kill()  # perhaps before anything is made anew
    psutil.wait_procs([daemon], timeout=10)
    lab.bring_up()
    assert running(lab) == before
    assert copies(lab) == {name: [pid] for name, pid in before.items()}
    assert fork_servers(lab) == [server]
    # Its agents can be started anew, though the router's socket is gone.
    assert lab.ocsd("restart", "thermo1").returncode == 0


def test_a_daemon_that_is_frozen_is_named_and_its_files_are_read(lab):
    daemon = psutil.Process(lab.status()["pid"])
    daemon.send_signal(signal.SIGSTOP)
    try:
        for words in (("why", "thermo1"), ("history",), ("logs", "ocsd")):
            done = lab.ocsd(*words, limit_s=20)
            assert done.returncode == 0, done.stderr
            assert done.stdout
            assert (
                f"(pid {daemon.pid}) is stopped (state T): kill -CONT {daemon.pid}" in done.stderr
            )
            assert done.stderr.count("\n") == 1
        for words in (("status",), ("down", "thermo1"), ("stop",)):
            done = lab.ocsd(*words, limit_s=40)
            assert done.returncode == 75
            assert f"kill -CONT {daemon.pid} lets it go on" in done.stderr
        refused = lab.ocsd("start", "-d", "--site-file", str(lab.file), "--host", "lab")
        assert f"kill -CONT {daemon.pid}" in refused.stderr
    finally:
        daemon.send_signal(signal.SIGCONT)
