"""The libraries of what is forked are loaded in steps."""

import contextlib
import json
import socket
import subprocess
import sys
import time

import pytest

CODE = """
import gc, json, sys
from ocsd.forkserver.warmth.loading import Loading
loading = Loading()
loading.expect(3)
told = [loading.pause_s]
loading.make_ready(for_agents=False)
told += [not gc.isenabled()]
loading.end_in_fork()
told += [gc.isenabled()]
told += ["autobahn" in sys.modules, "numpy" in sys.modules, loading.pause_s]
loading.make_ready(for_agents=True)
told += ["numpy" in sys.modules, loading.pause_s, loading.trouble]
told += [gc.get_freeze_count() > 0, gc.isenabled()]
print(json.dumps(told))
"""

LOADED = [True, False, 0.0, True, 60.0, "", True, True]


def test_the_router_waits_for_no_library_of_agents_and_few_agents_for_no_rehearsal():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [0.0, True, True, *LOADED]


CHECKED = """
import json, sys
from ocsd.forkserver.warmth.loading import Loading
loading = Loading()
loading.expect(3)
told = [loading.changed()]
loading.make_ready(for_agents=True)
checks = []
loading.code.changed = lambda: checks.append(0) or f"file {len(checks)}"
told += [loading.changed(), loading.changed()]
loading.check_again()
told += [loading.changed(), loading.changed()]
print(json.dumps(told))
"""


def test_files_are_checked_once_for_all_that_is_asked_for_at_the_same_time():
    done = subprocess.run([sys.executable, "-c", CHECKED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [None, "file 1", "file 1", "file 2", "file 2"]


CHANGED = """
import sys
from ocsd.forkserver.warmth.loading import Loading
loading = Loading()
loading.expect(3)
loading.make_ready(for_agents=True)
loading.code.changed = lambda: "a file"
loading.step()
print(loading.changed(), "ocsd.forkserver.warmth.rehearsal" in sys.modules)
"""


def test_a_file_that_changes_before_the_rehearsal_does_not_count_as_what_was_loaded():
    done = subprocess.run([sys.executable, "-c", CHANGED], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("a file False\n", "")


GUESSED = """
import sys
from ocsd.forkserver.__main__ import main
from ocsd.forkserver.warmth.loading import Loading
loading = Loading()
usual = loading.step
def step():
    usual()
    if loading.code is not None:
        print("loaded" if loading.lacks(50) else "rehearsed", flush=True)
loading.step = step
main(loading, None, int(sys.argv[1]))
print(loading.trouble, end="")
"""


@pytest.mark.parametrize(("agents", "steps"), [(50, ["loaded", "rehearsed"]), (3, ["loaded"])])
def test_the_life_of_many_agents_is_rehearsed_before_the_site_is_read(agents, steps):
    command = [sys.executable, "-c", GUESSED, str(agents)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        for each in steps:
            assert server.stdout.readline() == f"{each}\n"
        # The daemon says nothing, because it does not need it.
        assert server.communicate(timeout=30.0)[0] == ""
    assert server.returncode == 0


def test_a_fork_server_serves_a_daemon_of_before_an_upgrade_that_tells_no_number(tmp_path):
    command = [sys.executable, "-P", "-m", "ocsd.forkserver"]
    lines = f"{tmp_path}/socket\n{tmp_path}/log\n"
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        server.stdin.write(lines)
        server.stdin.close()
        with socket.socket(socket.AF_UNIX) as daemon:
            for _ in range(600):
                with contextlib.suppress(OSError):
                    daemon.connect(f"{tmp_path}/socket")
                    break
                assert server.poll() is None, server.stderr.read()
                time.sleep(0.05)
            daemon.settimeout(10.0)
            assert daemon.recv(10)
    finally:
        server.kill()
        server.wait()
        server.stderr.close()
