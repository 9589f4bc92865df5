"""A daemon that does not answer, or whose socket is gone."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from ocsd.system.paths import HostPaths
from ocsd.system.whereabouts import Whereabouts
from tests.unit.cli.stand_in_daemon import instance

LINE = (
    '{"at": %f, "name": "thermo1", "event": "BecameReady", "before": "starting", "after": "up"}\n'
)

HOLDER = """
import sys, time
from pathlib import Path
from ocsd.daemon.lock import DaemonLock
Path(sys.argv[1]).parent.mkdir(parents=True)
held = DaemonLock(Path(sys.argv[1]), "grumpy")
print("held", flush=True)
time.sleep(1000)
"""


@pytest.fixture
def files(ocsd):
    """Make the journal and a log of host grumpy."""
    journal = ocsd.base / "state" / "grumpy" / "journal.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text(LINE % time.time())
    log = ocsd.base / "log" / "grumpy" / "thermo1.log"
    log.parent.mkdir(parents=True)
    log.write_text("a line\n")


@pytest.fixture
def holder(ocsd):
    """A process that holds the lock of host grumpy and listens nowhere."""
    lock = ocsd.base / "state" / "grumpy" / "daemon.lock"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("history",), "starting -> up"),
        (("why", "thermo1"), "a line"),
        (("logs", "thermo1"), "a line"),
    ],
)
def test_what_stands_in_files_is_read_although_the_daemon_is_silent(
    ocsd, daemon_of, files, words, shown
):
    (ocsd.runtime / "dopey").mkdir()  # a host whose daemon has ended
    daemon_of("grumpy", instance("thermo1")).silent.set()
    done = ocsd(*words)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
    [note] = done.stderr.splitlines()
    assert "has not answered within 2 s" in note
    assert note.endswith("from its files:")


@pytest.mark.parametrize(
    ("silent", "told"), [(True, "the daemon does not answer"), (False, "no daemon runs")]
)
def test_why_says_whether_there_is_a_daemon(ocsd, daemon_of, files, silent, told):
    if silent:
        daemon_of("grumpy", instance("thermo1")).silent.set()
    done = ocsd("why", "--host", "grumpy", "thermo1")
    assert done.stdout.startswith(f"thermo1: {told}; it was up at ")


STOPPED = """
import sys
from ocsd.cli.talk.control import DaemonClient
from ocsd.errors import TimedOutError
from pathlib import Path
daemon = DaemonClient("grumpy", Path(sys.argv[1]))
for ask in (
    lambda: list(daemon.change("down", ("a",), 0.2)),
    lambda: list(daemon.reload(dry_run=True)),
    lambda: daemon.status(0.2),
):
    try:
        ask()
    except TimedOutError as error:
        print(error)
"""

LISTENS = """
import socket, sys
ears = socket.socket(socket.AF_UNIX)
ears.bind(sys.argv[1])
ears.listen()
print(flush=True)
input()
"""


def test_what_a_stopped_daemon_was_asked_for_is_done_later_and_that_is_said(tmp_path):
    path = str(tmp_path / "control.sock")
    daemon = subprocess.Popen(
        [sys.executable, "-c", LISTENS, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    daemon.stdout.readline()
    daemon.send_signal(signal.SIGSTOP)
    try:
        done = subprocess.run([sys.executable, "-c", STOPPED, path], capture_output=True, text=True)
    finally:
        daemon.kill()
        daemon.communicate()
    changed, tried, asked = done.stdout.splitlines()
    stopped = f"(pid {daemon.pid}) is stopped (state T): kill -CONT {daemon.pid} lets it go on"
    assert all(stopped in each for each in (changed, tried, asked))
    later = "; what was asked for is done when it goes on"
    assert changed.endswith(later)
    assert later not in tried + asked


def test_a_stop_that_takes_longer_names_what_has_not_ended(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("a"), instance("b"))
    server.streams["/v1/stop"] = [
        {"event": "transition", "instance_id": "a", "state": "down", "reason": "", "at": 0.0},
        {"event": "transition", "instance_id": "b", "state": "stopping", "reason": "", "at": 0.0},
    ]
    server.after["/v1/stop"] = lambda: time.sleep(3)
    done = ocsd("stop", "--timeout", "0.5")
    assert done.returncode == 75
    assert "has not finished within 0.5 s, but goes on; see: ocsd status" in done.stderr
    assert done.stderr.endswith("not ended yet: b\n")


@pytest.mark.parametrize("words", [("status",), ("stop",), ("down", "--host", "grumpy", "a")])
def test_a_daemon_whose_socket_is_gone_is_named(ocsd, holder, words):
    done = ocsd(*words)
    assert done.returncode == 69
    assert f"the daemon of host 'grumpy' (pid {holder.pid}) runs, but its" in done.stderr
    assert "try again" in done.stderr
    assert "kill" not in done.stderr
    assert "it uses another runtime folder: set RUNTIME_DIRECTORY" in done.stderr


def test_the_runtime_folder_of_a_daemon_without_a_socket_is_named(ocsd, holder):
    used = ocsd.base / "gone" / "grumpy"
    places = HostPaths("grumpy", used, ocsd.base / "state" / "grumpy", ocsd.base / "log")
    used.mkdir(parents=True)
    Whereabouts(places).write()
    done = ocsd("status")
    assert f"its control socket is not at {used}/control.sock" in done.stderr
    assert f"names another runtime folder, {ocsd.runtime}/grumpy" in done.stderr
    shutil.rmtree(used.parent)
    done = ocsd("status")
    assert f"{used.parent} was removed, as logind does" in done.stderr


def test_a_daemon_with_another_runtime_folder_is_found_by_the_state_folder(ocsd, daemon_of):
    daemon_of("grumpy", instance("a"))
    (ocsd.base / "state" / "grumpy").mkdir(parents=True)
    used = ocsd.runtime / "grumpy"
    Whereabouts(HostPaths("grumpy", used, ocsd.base / "state" / "grumpy", ocsd.base)).write()
    other = str(ocsd.base / "other")
    assert "grumpy: ok" in ocsd("status", RUNTIME_DIRECTORY=other).stdout
    assert "grumpy: ok" in ocsd("status", "--host", "grumpy", RUNTIME_DIRECTORY=other).stdout
    assert ocsd("status", "--host", "dopey", RUNTIME_DIRECTORY=other).returncode == 69


def test_a_fork_server_with_other_folders_is_named_and_nobody_is_told_to_start(ocsd):
    folder = ocsd.base / "elsewhere" / "grumpy"
    folder.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "fork.sock"))
        listener.listen()
        for words in (("status",), ("status", "--host", "grumpy")):
            done = ocsd(*words)
            assert done.returncode == 69
            assert f"host 'grumpy' in {folder}" in done.stderr
            assert f"looked in {ocsd.runtime}" in done.stderr
            assert f"RUNTIME_DIRECTORY={folder.parent} ocsd status" in done.stderr
            assert "ocsd start" not in done.stderr
        # Of a name that no test has which runs at the same time.
        other = ocsd("status", "--host", f"dopey-{os.getpid()}")
        assert "start it with: ocsd start" in other.stderr
        # Commands that also work without a daemon name it as well.
        for words in (("why", "a"), ("call", "a", "acq"), ("ops", "a")):
            assert f"host 'grumpy' in {folder}" in ocsd(*words).stderr


def test_whoever_had_a_daemon_is_not_led_to_that_of_other_folders(ocsd):
    folder = ocsd.base / "elsewhere" / "grumpy"
    stale = ocsd.runtime / "grumpy" / "control.sock"
    for path in (folder, stale.parent):
        path.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as killed:
        listener.bind(str(folder / "fork.sock"))
        listener.listen()
        killed.bind(str(stale))
        for words in (("status", "--host", "grumpy"), ("stop", "--yes", "--host", "grumpy")):
            done = ocsd(*words)
            assert done.returncode == 69
            assert "start it with: ocsd start --host grumpy" in done.stderr
            assert str(folder) not in done.stderr


def test_a_daemon_elsewhere_is_left_alone_and_named_with_the_command_that_reaches_it(
    ocsd, daemon_of
):
    host = f"grumpy-{os.getpid()}"
    stand_in = daemon_of(host, instance("thermo1"))
    folder = ocsd.environment.pop("RUNTIME_DIRECTORY")
    with socket.socket(socket.AF_UNIX) as fork_server:
        fork_server.bind(f"{folder}/{host}/fork.sock")
        fork_server.listen()
        for words in ("status", "stop", "down thermo1", "restart thermo1", "reload", "upgrade"):
            verb, *names = words.split()
            done = ocsd(verb, "--host", host, *names)
            assert done.returncode == 69
            command = " ".join(["ocsd", verb, "--host", host, *names])
            assert f"RUNTIME_DIRECTORY={folder} {command})" in done.stderr
        assert f"{host}: ok" in ocsd("status", "--host", host, RUNTIME_DIRECTORY=folder).stdout
    assert stand_in.requests == []


def test_a_lock_that_nobody_holds_says_nothing(ocsd, holder):
    holder.kill()
    holder.wait()
    done = ocsd("status")
    assert done.returncode == 69
    assert "no daemon is running" in done.stderr


def test_folders_that_lead_to_two_daemons_of_one_name_are_named(ocsd, daemon_of):
    daemon_of("grumpy", instance("a"))
    other = ocsd.base / "other" / "grumpy"
    other.mkdir(parents=True)
    state = ocsd.base / "state" / "grumpy"
    state.mkdir(parents=True)
    Whereabouts(HostPaths("grumpy", other, state, ocsd.base)).write()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(other / "control.sock"))
        listener.listen()
        done = ocsd("stop", "--yes", "--host", "grumpy")
    assert done.returncode != 0
    assert f"{ocsd.runtime / 'grumpy'}, {other}" in done.stderr
    assert "add --host" not in done.stderr
