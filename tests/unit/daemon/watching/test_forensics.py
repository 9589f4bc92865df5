"""What a hung process was doing is on record."""

import faulthandler
import json
import os
import subprocess
import sys
import threading

import pytest

from ocsd.daemon.watching import forensics
from ocsd.daemon.watching.forensics import Examination, process_facts, where_it_was

FACTS = {"reason": "its reactor has not answered for 30 s"}


@pytest.fixture
def log(tmp_path):
    log = tmp_path / "thermo1.log"
    log.write_text("first line\nlast line\n")
    return log


def incident(tmp_path, log, at=0.0, pid=None):
    return Examination(
        tmp_path / "incidents", "thermo1", pid or os.getpid(), log, FACTS, lambda: at
    )


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
    assert found.where() == 'File "x.py", line 3 in f'


def test_a_log_that_was_rotated_meanwhile_is_read_from_its_beginning(tmp_path, log):
    found = incident(tmp_path, log)
    log.rename(tmp_path / "thermo1.log.1")
    log.write_text("new\n")
    found.finish()
    assert (found.path / "stacks.txt").read_text() == "new\n"


def test_a_process_that_says_nothing_is_told_as_that(tmp_path, log):
    found = incident(tmp_path, log)
    assert found.where() == "it wrote no stacks"
    log.unlink()
    found.finish()
    assert found.where() == "it wrote no stacks"


def test_a_process_that_is_gone_is_told_as_that():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert process_facts(child.pid) == {"pid": child.pid, "status": "gone"}


def test_a_process_that_has_used_up_its_descriptors_is_told_as_that(tmp_path, log):
    use_up = (
        "import os, resource\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\n"
        "try:\n"
        "    while True: os.dup(0)\n"
        "except OSError: print(flush=True)\n"
        "input()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", use_up], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child.stdout.readline()
    shortage = incident(tmp_path, log, pid=child.pid).shortage
    child.communicate(b"\n")
    assert shortage == "out of descriptors (32 of 32 are open)"
    assert incident(tmp_path, log).shortage == ""


def test_the_oldest_examinations_are_deleted(tmp_path, log, monkeypatch):
    monkeypatch.setattr(forensics, "MOST_EXAMINATIONS", 2)
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
    found = where_it_was((tmp_path / "stacks").read_text())
    assert found.endswith("in test_the_main_thread_is_found_in_what_python_writes")


LIBRARY = "/opt/v/lib/python3.11/site-packages"
HEAD = "most recent call first):"
WAITING_THREAD = (
    f'Thread 0x2 ({HEAD}\n  File "/usr/lib/python3.11/threading.py", line 327 in wait\n'
)
THREAD_OF_THE_AGENT = (
    f'Thread 0x3 ({HEAD}\n  File "/usr/lib/python3.11/re.py", line 5 in match\n'
    '  File "/home/o/agents/gil.py", line 11 in gil\n'
)
REACTOR_THREAD = (
    f'Current thread 0x1 ({HEAD}\n  File "{LIBRARY}/twisted/python/util.py", line 760 in f\n'
    f'  File "{forensics.__file__}", line 4 in run\n  File "<frozen runpy>", line 88 in _run_code\n'
    '  File "/home/o/agents/gil.py", line 98 in main\n'
)


def test_a_blocked_reactor_is_told_by_the_agents_own_frame():
    own = '  File "/home/o/agents/slow.py", line 7 in on_message\n'
    stacks = (
        WAITING_THREAD + THREAD_OF_THE_AGENT + REACTOR_THREAD.replace("  File", own + "  File", 2)
    )
    assert where_it_was(stacks) == 'File "/home/o/agents/slow.py", line 7 in on_message'


def test_a_reactor_that_waits_for_the_interpreter_is_told_by_the_thread_that_has_it():
    stacks = WAITING_THREAD + THREAD_OF_THE_AGENT + REACTOR_THREAD
    assert where_it_was(stacks) == 'File "/home/o/agents/gil.py", line 11 in gil'


def test_an_agent_that_is_installed_as_a_package_is_no_library():
    stacks = THREAD_OF_THE_AGENT.replace("/home/o", LIBRARY) + REACTOR_THREAD
    assert "twisted/python/util.py" in where_it_was(stacks)
    assert where_it_was(stacks, f"{LIBRARY}/agents/plugin.py").endswith("line 11 in gil")


def test_a_hang_in_libraries_alone_is_told_by_the_main_thread():
    found = where_it_was(WAITING_THREAD + REACTOR_THREAD)
    assert found == f'File "{LIBRARY}/twisted/python/util.py", line 760 in f'
