"""Processes that have lost daemon and fork server are ended by the record of processes."""

import signal
import subprocess

import pytest

from ocsd.cli.talk import leftovers
from ocsd.forkserver import record
from ocsd.forkserver.protocol import Spawned, encode
from ocsd.system import paths, proc


@pytest.fixture
def places(tmp_path, monkeypatch):
    for kind in ("RUNTIME", "STATE", "LOGS"):
        monkeypatch.setenv(f"{kind}_DIRECTORY", str(tmp_path / kind))
    places = paths.of_host("lab")
    places.create()
    return places


@pytest.fixture
def orphan():
    """Start a process with a group of its own, as agents are; it ends at once when asked."""
    processes = []

    def start():
        process = subprocess.Popen(
            ["env", "--default-signal", "cat"], stdin=subprocess.PIPE, start_new_session=True
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def write_record(places, *processes):
    lines = [
        encode(Spawned(name, process.pid, proc.start_ticks(process.pid)))
        for name, process in processes
    ]
    content = f"{record.boot_id()}\n".encode() + b"".join(lines)
    record.beside(places.forkserver_socket).write_bytes(content)


def test_orphans_are_found_and_ended(places, orphan):
    router, agent = orphan(), orphan()
    write_record(places, ("router", router), ("thermo1", agent))
    assert leftovers.find("lab") == leftovers.find(None) == [places]
    assert leftovers.end(places) == ["router", "thermo1"]
    assert agent.wait() == router.wait() == -signal.SIGINT
    assert leftovers.find("lab") == []
    assert not record.beside(places.forkserver_socket).exists()


def test_another_process_of_the_same_number_is_left_alone(places, orphan):
    process = orphan()
    line = encode(Spawned("thermo1", process.pid, proc.start_ticks(process.pid) - 1))
    record.beside(places.forkserver_socket).write_bytes(f"{record.boot_id()}\n".encode() + line)
    assert leftovers.find("lab") == []
    assert leftovers.end(places) == []
    assert process.poll() is None
