"""The fork server by itself: what it must not have, and what its children get."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from ocsd.forkserver import record
from ocsd.forkserver.protocol import (
    Ended,
    EndRequest,
    ForgetRequest,
    Hello,
    KillRequest,
    Spawned,
    SpawnRequest,
    encode,
)
from ocsd.router import config
from tests.system.fork_server import Daemon
from tests.system.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.system

TIMER = "anon_inode:[timerfd]"
"""What the thread that looks after an agent's log has opened in the agent itself."""

LOAD = """
import json, os, sys
before = set(os.listdir('/proc/self/fd'))
from ocsd.forkserver.warmth.loading import Loading
loading = Loading()
loading.make_ready(for_agents=True)
from twisted.python import threadable
from ocsd.site.values import told
print(json.dumps({
    'trouble': loading.trouble,
    'threads': len(os.listdir('/proc/self/task')),
    'descriptors': sorted(set(os.listdir('/proc/self/fd')) - before),
    'reactor': 'twisted.internet.reactor' in sys.modules,
    'reactor thread': threadable.ioThread,
    'launch': told.current(),
    'argv': sys.argv,
    'agents': [each for each in sys.modules if 'fake_data.' in each],
    'environment': [each for each in os.environ if each.endswith('_NUM_THREADS')],
}))
"""

REPORT = """
import json, os, random, sys
import numpy

def main(args=None):
    print(json.dumps({
        'pid': os.getpid(), 'session': os.getsid(0), 'group': os.getpgid(0),
        'descriptors': {each: os.readlink(f'/proc/self/fd/{each}')
                        for each in os.listdir('/proc/self/fd')
                        if os.path.exists(f'/proc/self/fd/{each}')},
        'random': random.random(), 'numpy': numpy.random.random(),
        'generator': numpy.random.default_rng().random(),
        'environment': [each for each in os.environ if each.endswith('_NUM_THREADS')],
    }), flush=True)
"""

LEAVE_GRANDCHILD = """
import subprocess

def main(args=None):
    print(subprocess.Popen(['sleep', '1000']).pid, flush=True)
"""


@pytest.fixture
def daemon():
    with tempfile.TemporaryDirectory(prefix="ocsd-") as folder:
        daemon = Daemon(Path(folder))
        yield daemon
        daemon.close()
        assert not daemon.process.is_running()


def test_what_is_loaded_and_rehearsed_leaves_nothing_that_must_not_be_forked():
    done = subprocess.run(
        [sys.executable, "-c", LOAD], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "trouble": "",
        "threads": 1,
        "descriptors": [],
        "reactor": False,
        "reactor thread": None,
        "launch": None,
        "argv": ["-c"],
        "agents": [],
        "environment": [each for each in os.environ if each.endswith("_NUM_THREADS")],
    }


def test_the_fork_server_has_one_thread_and_no_socket_but_its_own(daemon):
    daemon.output("first", REPORT)
    assert daemon.process.num_threads() == 1
    assert daemon.process.net_connections("inet") == []
    # Its listener, the daemon's connection, and the pair on which signals wake it.
    sockets = [each.laddr for each in daemon.process.net_connections("unix")]
    assert sorted(sockets) == ["", "", *[str(daemon.folder / "fork.sock")] * 2]
    assert (daemon.folder / "fork.log").read_text() == ""


def test_a_child_has_a_session_a_group_and_descriptors_of_its_own(daemon):
    told = json.loads(daemon.output("probe", REPORT))
    assert told["session"] == told["group"] == told["pid"]
    log = str(daemon.folder / "probe.log")
    own = [each for each in told["descriptors"].values() if each != TIMER]
    assert own == ["/dev/null", log, log]
    assert told["environment"] == [each for each in os.environ if each.endswith("_NUM_THREADS")]


def test_agents_that_are_asked_for_together_all_run_and_can_be_killed_at_once(daemon):
    (daemon.folder / "closed.log").mkdir()
    daemon.agent.write_text("import time\ndef main(args=None):\n    time.sleep(1000)\n")
    names = [f"probe{number}" for number in range(20)]
    requests = [daemon.request(name) for name in (*names, "closed", names[0])]
    requests += [KillRequest("probe0", 1, signal.SIGKILL), EndRequest()]
    daemon.connection.sendall(b"".join(map(encode, requests)))
    pids = {name: daemon.hears(Spawned, instance_id=name).pid for name in names}
    assert daemon.hears(Ended).instance_id == "closed"
    assert {each.pid for each in daemon.process.children()} == set(pids.values())
    recorded = record.read(daemon.folder / "processes").living
    assert {each.instance_id: each.pid for each in recorded} == pids
    for name, pid in pids.items():
        daemon.connection.sendall(encode(KillRequest(name, pid, signal.SIGKILL)))
    for name in names:
        assert daemon.hears(Ended, instance_id=name).signal == signal.SIGKILL


def test_siblings_draw_different_random_numbers(daemon):
    siblings = [json.loads(daemon.output(f"probe{number}", REPORT)) for number in range(3)]
    for source in ("random", "numpy", "generator"):
        assert len({each[source] for each in siblings}) == len(siblings)


def test_an_edited_agent_runs_its_new_code_at_the_next_start(daemon):
    code = "def main(args=None):\n    print('{}', flush=True)\n"
    assert daemon.output("probe", code.format("old")) == "old"
    assert daemon.output("probe", code.format("new")) == "new"


def test_a_log_that_cannot_be_opened_is_told_as_the_reason(daemon):
    log = daemon.folder / "probe.log"
    log.mkdir()
    daemon.ask("probe", REPORT)
    ended = daemon.hears(Ended, instance_id="probe")
    assert (ended.pid, ended.code) == (0, 125)
    assert ended.detail == f"cannot open its log {log}: Is a directory"
    log.rmdir()
    assert json.loads(daemon.output("probe", REPORT))["pid"]


def test_what_an_agent_leaves_in_its_process_group_ends_with_it(daemon):
    grandchild = int(daemon.output("probe", LEAVE_GRANDCHILD))
    wait_until(lambda: not psutil.pid_exists(grandchild), "the grandchild's end")


ROUTER = (sys.executable, "-P", "-m", "ocsd.router.crossbar_node", "start", "--help")


def waiting(daemon, role="router"):
    """Return the process that waits to be the next router, or agent."""
    children = daemon.process.children()
    titles = {" ".join(each.cmdline()).strip(): each for each in children}
    return titles.get(f"ocsd waits to be the next {role}")


@pytest.fixture
def expecting():
    """A daemon that has told its fork server of a router, and its request."""
    with tempfile.TemporaryDirectory(prefix="ocsd-") as name:
        own = config.start(str(Path(sys.executable).with_name("crossbar")), Path(name))
        request = SpawnRequest("router", f"{name}/r.log", name, own.environment, ROUTER)
        daemon = Daemon(Path(name), request)
        yield daemon, request
        daemon.close()


def test_a_router_is_loaded_before_it_is_asked_for(expecting):
    daemon, request = expecting
    spare = wait_until(lambda: waiting(daemon), "a router that waits")
    daemon.connection.sendall(encode(request))
    spawned = daemon.hears(Spawned)
    assert spawned.pid == spare.pid
    # Its uptime does not begin with its waiting.
    assert spawned.waited_s == pytest.approx(time.time() - spare.create_time(), abs=5.0)
    assert spawned.waited_s > 0.0
    assert daemon.hears(Ended).code == 0
    assert "usage: crossbar start" in (daemon.folder / "r.log").read_text()
    # With other variables it is not what was loaded.
    daemon.connection.sendall(encode(dataclasses.replace(request, environment={})))
    assert daemon.hears(Spawned).pid != spare.pid


def test_no_router_waits_for_a_fork_server_that_has_been_killed(expecting):
    daemon, _ = expecting
    spare = wait_until(lambda: waiting(daemon), "a router that waits")
    daemon.process.kill()
    wait_until(lambda: not psutil.pid_exists(spare.pid), "its end")


@pytest.fixture
def many():
    """A daemon that has told its fork server of many agents."""
    with tempfile.TemporaryDirectory(prefix="ocsd-") as name:
        daemon = Daemon(Path(name), agents=50)
        yield daemon
        daemon.close()
        assert not daemon.process.is_running()


def test_an_agent_that_waits_becomes_the_next_one_as_if_it_was_forked(many):
    fresh = json.loads(many.output("probe", REPORT))
    spare = wait_until(lambda: waiting(many, "agent"), "an agent that waits")
    assert spare.ppid() == many.process.pid
    many.ask("probe", REPORT)
    spawned = many.hears(Spawned)
    assert spawned.pid == spare.pid
    assert spawned.waited_s > 0.0
    assert many.hears(Ended, pid=spare.pid).code == 0
    *_, last = (many.folder / "probe.log").read_text().splitlines()
    told = json.loads(last)
    assert told["session"] == told["group"] == told["pid"] == spare.pid
    for key in ("descriptors", "environment"):
        assert told[key] == fresh[key]
    for source in ("random", "numpy", "generator"):
        assert told[source] != fresh[source]
    # The next one waits for a single agent, not for a start of many.
    spare = wait_until(lambda: waiting(many, "agent"), "an agent that waits")
    requests = [many.request(name) for name in ("probe1", "probe2")]
    many.connection.sendall(b"".join(map(encode, requests)))
    assert spare.pid not in {many.hears(Spawned).pid, many.hears(Spawned).pid}
    # The fork server and all of its children write nothing of their own.
    assert (many.folder / "fork.log").read_text() == ""
    many.process.kill()
    wait_until(lambda: not psutil.pid_exists(spare.pid), "its end")


def test_a_fork_server_that_nobody_needs_any_more_ends(daemon):
    daemon.output("probe", REPORT)  # whose end nobody has put on record yet
    pid = daemon.run("sleeper", "import time\ndef main(args=None):\n    time.sleep(1000)\n")
    daemon.connection.close()
    assert daemon.process.is_running()
    daemon.connect()
    hello = daemon.hears(Hello)
    assert [each.instance_id for each in hello.running] == ["sleeper"]
    for ended in hello.ended:
        daemon.connection.sendall(encode(ForgetRequest(ended.pid)))
    daemon.connection.sendall(encode(KillRequest("sleeper", pid, signal.SIGKILL)))
    daemon.connection.sendall(encode(ForgetRequest(daemon.hears(Ended, instance_id="sleeper").pid)))
    daemon.connection.close()
    psutil.wait_procs([daemon.process], timeout=PATIENCE_S)
    assert not daemon.process.is_running()
    assert not (daemon.folder / "fork.sock").exists()
    assert not (daemon.folder / "processes").exists()
