"""What a hung process was doing is on record."""

import faulthandler
import json
import os
import subprocess
import sys
import threading

import pytest

from ocsd.daemon import forensics
from ocsd.daemon.forensics import Incident, innermost_frame, of_process

FACTS = {"reason": "its reactor has not answered for 30 s"}


@pytest.fixture
def log(tmp_path):
    log = tmp_path / "thermo1.log"
    log.write_text("first line\nlast line\n")
    return log


def incident(tmp_path, log, at=0.0, pid=None):
    return Incident(tmp_path / "incidents", "thermo1", pid or os.getpid(), log, FACTS, lambda: at)


def test_the_folder_tells_the_reason_the_process_and_the_end_of_the_log(tmp_path, log):
    found = incident(tmp_path, log)
    assert found.path.name == "19700101T000000-thermo1"
    facts = json.loads((found.path / "facts.json").read_text())
    assert facts["reason"] == FACTS["reason"]
    assert facts["process"]["pid"] == os.getpid()
    assert facts["process"]["threads"]
    assert (found.path / "log.txt").read_text() == "first line\nlast line\n"


def test_what_the_process_writes_afterwards_are_its_stacks(tmp_path, log):
    found = incident(tmp_path, log)
    with log.open("a") as file:
        file.write('Current thread 0x1 (most recent call first):\n  File "x.py", line 3 in f\n')
    found.finish()
    assert (found.path / "stacks.txt").read_text().startswith("Current thread")
    assert found.summary() == 'File "x.py", line 3 in f'


def test_a_log_that_was_rotated_meanwhile_is_read_from_its_beginning(tmp_path, log):
    found = incident(tmp_path, log)
    log.rename(tmp_path / "thermo1.log.1")
    log.write_text("new\n")
    found.finish()
    assert (found.path / "stacks.txt").read_text() == "new\n"


def test_a_process_that_says_nothing_is_told_as_that(tmp_path, log):
    found = incident(tmp_path, log)
    assert found.summary() == "it wrote no stacks"
    log.unlink()
    found.finish()
    assert found.summary() == "it wrote no stacks"


def test_a_process_that_is_gone_is_told_as_that():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert of_process(child.pid) == {"pid": child.pid, "status": "gone"}


def test_only_so_many_incidents_are_kept(tmp_path, log, monkeypatch):
    monkeypatch.setattr(forensics, "MOST_INCIDENTS", 2)
    for at in range(4):
        incident(tmp_path, log, at)
    kept = sorted(each.name for each in (tmp_path / "incidents").iterdir())
    assert kept == ["19700101T000002-thermo1", "19700101T000003-thermo1"]


def test_the_main_thread_is_found_in_what_python_writes(tmp_path):
    done, begun = threading.Event(), threading.Event()

    def wait_in_a_thread():
        begun.set()
        done.wait()

    other = threading.Thread(target=wait_in_a_thread)
    other.start()
    begun.wait()
    with (tmp_path / "stacks").open("w") as file:
        faulthandler.dump_traceback(file)
    done.set()
    other.join()
    found = innermost_frame((tmp_path / "stacks").read_text())
    assert found.endswith("in test_the_main_thread_is_found_in_what_python_writes")
