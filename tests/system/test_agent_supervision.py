"""What agents do to be supervised, in processes of their own but without a daemon."""

import contextlib
import os
import pwd
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from ocsd import notify
from ocsd.agent.log_file import LIMIT_BYTES, OLDER_FILES
from ocsd.forkserver import published
from ocsd.forkserver.protocol import Ended, Spawn, Spawned, encode
from ocsd.site.launch import Launch
from ocsd.site.model import Hub, Instance
from tests.system.test_forkserver import Daemon
from tests.system.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.system

AGENT = """
import os, time
from ocsd import ocs_agent, site_config
from ocsd.agent import freshness

freshness.LEARNING_S, freshness.LEAST_SILENCE_S = 3.0, 3.0

def main(args=None):
    args = site_config.parse_args(agent_class="Probe", args=[])
    agent, runner = ocs_agent.init_site_agent(args)
    agent.register_feed("temperatures", record=True)

    def acq(session, params):
        while session.status == "running":
            if not os.path.exists("mute"):
                sample = {"block_name": "b", "timestamp": time.time(), "data": {"x": 1.0}}
                agent.publish_to_feed("temperatures", sample)
            agent.log.debug("a detail")
            time.sleep(0.2)
        return True, "ended"

    def stop(session, params):
        session.set_status("stopping")

    agent.register_process("acq", acq, stop, startup=True)
    runner.run(agent)
"""


class Supervisor(Daemon):
    """A fork server, and what its children say of themselves."""

    def __init__(self, folder, router):
        self.router = router
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(folder / "notify"))
        (folder / "notify").chmod(0o666)  # as the daemon does it
        self.notify.settimeout(PATIENCE_S)
        super().__init__(folder)

    def start(self, *args, **fields):
        """Run something; return its process."""
        return psutil.Process(self.spawned(*args, **fields))

    def spawned(self, code, *, log=None, command=(), environment=None, **fields):
        """Start what that code, or that command, says; return its pid."""
        self.agent.write_text(code)
        launch = Launch(
            site_file=None,
            host="lab",
            hub=self.router.hub,
            instance=Instance(instance_id="probe", agent_class="Probe"),
            agent_paths=(str(self.folder),),
            working_dir=str(self.folder),
            router_socket=str(self.router.socket_path),
        )
        spawn = Spawn(
            "probe",
            str(log or self.folder / "probe.log"),
            str(self.folder),
            {
                "NOTIFY_SOCKET": str(self.folder / "notify"),
                "STATE_DIRECTORY": str(self.folder / "state"),
                **(environment or {}),
            },
            command,
            None if command else launch.model_dump(mode="json"),
            **fields,
        )
        self.connection.sendall(encode(spawn))
        return self.hears(Spawned).pid

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "probe.log").read_text(errors="replace")
        return ""

    def result(self, *args, **fields):
        """Run something to its end; return its exit code and its log."""
        self.spawned(*args, **fields)  # it may have ended by now
        return self.hears(Ended).code, self.log()

    def told(self, key, wanted, limit_s=PATIENCE_S):
        """Wait until an agent tells something; return it and how long that took [s]."""
        begun_s = time.monotonic()
        while time.monotonic() - begun_s < limit_s:
            said = notify.decode(self.notify.recv(4096))
            if key in said and wanted(said[key]):
                return said[key], time.monotonic() - begun_s
        return pytest.fail(f"no {key} in {limit_s} s")


class NoRouter:
    hub = Hub(wamp_server="ws://127.0.0.1:9/ws", wamp_http="http://127.0.0.1:9/call")
    socket_path = Path("/nonexistent")


@contextlib.contextmanager
def supervising(router):
    with tempfile.TemporaryDirectory(prefix="ocsd-") as folder:
        os.chmod(folder, 0o755)
        supervisor = Supervisor(Path(folder), router)
        yield supervisor
        supervisor.close()
        supervisor.notify.close()


@pytest.fixture
def supervisor():
    with supervising(NoRouter) as supervisor:
        yield supervisor


@pytest.fixture
def joined(router):
    """Supervises an agent that has joined."""
    with supervising(router) as supervisor:
        supervisor.probe = supervisor.start(AGENT)
        supervisor.told("READY", "1".__eq__)
        yield supervisor


# The layers.


def test_a_router_that_stands_still_is_noticed_and_so_is_its_return(joined, router):
    os.killpg(router.process.pid, signal.SIGSTOP)
    try:
        text, seconds = joined.told("X_CALL", bool)
    finally:
        os.killpg(router.process.pid, signal.SIGCONT)
    assert re.fullmatch("no answer to a call through the router for [56] s", text)
    assert seconds < 17
    assert joined.told("X_CALL", lambda text: not text)[1] < 10


def test_a_feed_that_falls_silent_is_noticed_and_so_is_its_return(joined):
    assert joined.told("X_OPERATIONS", bool)[0].startswith("acq ")
    joined.told("X_OPERATIONS", "acq 4 s".__eq__)
    (joined.folder / "mute").touch()
    text, _ = joined.told("X_FEEDS", bool)
    assert text.startswith("feed temperatures silent for ")
    assert text.endswith(" s (expected every 1 s)")
    (joined.folder / "mute").unlink()
    joined.told("X_FEEDS", lambda text: not text)


@pytest.mark.parametrize("code", [AGENT, "raise RuntimeError('no such device')\n"])
def test_where_the_code_is_is_told_even_if_it_cannot_be_imported(supervisor, code):
    supervisor.start(code)
    assert supervisor.told("X_CODE", bool)[0] == str(supervisor.agent)


def test_the_level_of_the_log_changes_while_the_agent_runs(joined):
    level = joined.folder / "probe.log.level"
    assert "a detail" not in joined.log()
    level.write_text("debug\n")
    wait_until(lambda: "[debug] a detail" in joined.log(), "details")
    level.unlink()
    wait_until(lambda: "the level of this log is info" in joined.log(), "the usual level")


# What a hung process was doing.

HANGS = """
import os, re, signal, time

def main(args=None):
    print("here it is", flush=True)
    {hang}
    print("it goes on", flush=True)
"""
SLEEP = "while not os.path.exists('go'): time.sleep(0.05)"
HOLD_THE_LOCK = "re.match('(a+)+$', 'a' * 40 + 'b')"


@pytest.mark.parametrize("hang", [SLEEP, HOLD_THE_LOCK], ids=["sleeps", "holds the GIL"])
def test_a_process_tells_all_its_stacks_and_goes_on(supervisor, hang):
    process = supervisor.start(HANGS.format(hang=hang))
    wait_until(lambda: "here it is" in supervisor.log(), "the agent")
    process.send_signal(signal.SIGQUIT)
    where = f'File "{supervisor.agent}", line 6 in main'
    wait_until(lambda: where in supervisor.log(), "the stacks")
    assert "Current thread" in supervisor.log() or "Thread 0x" in supervisor.log()
    assert "lookout.py" in supervisor.log()
    assert process.is_running()
    if hang is SLEEP:
        (supervisor.folder / "go").touch()
        assert supervisor.hears(Ended).code == 0
        assert "it goes on" in supervisor.log()


def test_an_agent_that_is_started_from_scratch_tells_its_stacks_too(supervisor):
    (supervisor.folder / "ocs_plugin_probe.py").write_text(
        "agents = {'Probe': {'module': 'probe', 'fork_safe': False}}\n"
    )
    folders = os.pathsep.join(filter(None, [str(supervisor.folder), os.environ.get("PYTHONPATH")]))
    process = supervisor.start(HANGS.format(hang=SLEEP), environment={"PYTHONPATH": folders})
    wait_until(lambda: "here it is" in supervisor.log(), "the agent")
    process.send_signal(signal.SIGQUIT)
    where = f'File "{supervisor.agent}", line 6 in main'
    wait_until(lambda: where in supervisor.log(), "the stacks")
    (supervisor.folder / "go").touch()
    assert supervisor.hears(Ended).code == 0


@pytest.mark.parametrize("runtime", ["foreground", "published"])
def test_other_ways_to_run_an_agent_tell_their_stacks_too(tmp_path, runtime):
    (tmp_path / "probe.py").write_text(HANGS.format(hang=SLEEP))
    (tmp_path / "ocs").mkdir()
    (tmp_path / "ocs" / "__init__.py").write_text("")
    (tmp_path / "ocs" / "agent_cli.py").write_text(
        "from probe import main\ndef build_agent_list(): return ['Probe']\n"
    )
    command = {
        "foreground": ["-m", "ocsd.forkserver.foreground", "probe.py"],
        "published": [published.__file__, "Probe"],
    }
    folders = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *command[runtime]],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": folders},
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: "here it is" in (tmp_path / "log").read_text(), "the agent")
        process.send_signal(signal.SIGQUIT)
        wait_until(lambda: "line 6 in main" in (tmp_path / "log").read_text(), "the stacks")
        (tmp_path / "go").touch()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()


# The log.

FLOOD = """
import sys, time

def main(args=None):
    line = "x" * 1023
    for number in range(100):
        for _ in range(1024):
            print(line)
        time.sleep(0.02)
    print("100 MB written", file=sys.stderr)
"""

FULL = """
import sys, traceback
from ocsd.agent import logs
from ocsd.agent.wamp import txaio

print("before anything is set up")
print("a warning", file=sys.stderr)

def main(args=None):
    for stage in range(2):
        for number in range(1000):
            print(number)
            txaio.make_logger().info("number {n}", n=number)
        try:
            1 / 0
        except ZeroDivisionError:
            traceback.print_exc()
        logs.start()
    with open("done", "w") as file:
        file.write("done")
"""


def test_a_flood_stays_bounded_and_no_line_is_lost(supervisor):
    supervisor.start(FLOOD)
    largest = 0

    def is_over():
        nonlocal largest
        for each in supervisor.folder.glob("probe.log*"):
            with contextlib.suppress(FileNotFoundError):
                largest = max(largest, each.stat().st_size)
        return "100 MB written" in tail(supervisor.folder / "probe.log")

    wait_until(is_over, "the end of the flood")
    assert supervisor.hears(Ended).code == 0
    files = list(supervisor.folder.glob("probe.log*"))
    # As many as are kept, so none has been thrown away.
    assert 2 <= len(files) <= 1 + OLDER_FILES
    # What is written between two looks, on a busy machine, comes on top.
    assert largest < LIMIT_BYTES + 60 * 2**20
    lines = sum(each.read_bytes().count(b"x" * 1023 + b"\n") for each in files)
    assert lines == 100 * 1024


def tail(path):
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 200))
        return file.read().decode()
    return ""


def test_a_log_on_a_full_disk_neither_ends_nor_stops_an_agent(supervisor):
    supervisor.start(FULL, log="/dev/full")
    assert supervisor.hears(Ended).code == 0
    assert (supervisor.folder / "done").read_text() == "done"


# Limits and environment.

SURROUNDINGS = """
import os, resource

FOUND = [os.environ.get("PORT"), os.environ.get("HOME"), os.getuid(), os.getgid(), os.getgroups(),
         os.nice(0), resource.getrlimit(resource.RLIMIT_NOFILE)]

def main(args=None):
    print(FOUND)
"""


def test_limits_and_environment_are_there_before_the_code_is_loaded(supervisor):
    nice = os.nice(0) + 3
    code, log = supervisor.result(
        SURROUNDINGS, environment={"PORT": "7"}, nice=nice, open_files=123
    )
    assert code == 0, log
    port, _, uid, gid, _, found_nice, files = eval(log)
    assert (port, uid, gid, found_nice, files) == ("7", os.getuid(), os.getgid(), nice, (123, 123))


def test_variables_that_only_a_new_interpreter_reads_take_effect(supervisor):
    library = supervisor.folder / "library"
    library.mkdir()
    (library / "observatory_library.py").write_text("ANSWER = 42\n")
    code = (
        "import time, observatory_library as it\ndef main(args=None): print(it.ANSWER, time.tzname)"
    )
    folders = os.pathsep.join(filter(None, [str(library), os.environ.get("PYTHONPATH")]))
    environment = {"PYTHONPATH": folders, "TZ": "XYZ-3"}
    assert supervisor.result(code, environment=environment) == (0, "42 ('XYZ', 'XYZ')\n")


def test_a_time_zone_takes_effect_in_a_forked_process(supervisor):
    code = "import time\ndef main(args=None): print(time.localtime(0).tm_hour)"
    assert supervisor.result(code, environment={"TZ": "XYZ-3"}) == (0, "3\n")


def test_a_command_gets_limits_and_environment_too(supervisor):
    nice = os.nice(0) + 3
    command = ("/bin/sh", "-c", "echo $PORT; ulimit -n; ulimit -Hn; nice")
    fields = {"environment": {"PORT": "7"}, "nice": nice, "open_files": 123}
    code, log = supervisor.result("", command=command, **fields)
    assert (code, log.split()) == (0, ["7", "123", "123", str(nice)])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_another_user_runs_it_and_can_write_its_log(supervisor):
    nobody = pwd.getpwnam("nobody")
    code, log = supervisor.result(SURROUNDINGS, user="nobody", nice=3)
    assert code == 0, log
    _, home, uid, gid, groups, nice, _ = eval(log)
    assert (uid, gid, home, nice) == (nobody.pw_uid, nobody.pw_gid, nobody.pw_dir, 3)
    assert set(groups) <= set(os.getgrouplist("nobody", nobody.pw_gid))
    assert (supervisor.folder / "probe.log").stat().st_uid == nobody.pw_uid


def test_a_user_that_does_not_exist_is_a_permanent_failure_that_is_told(supervisor):
    code, log = supervisor.result(SURROUNDINGS, user="nobody-of-that-name")
    assert code == 125
    text = "cannot start 'probe': there is no user 'nobody-of-that-name' on this machine"
    assert text in log
    assert text in supervisor.told("X_FAILURE", bool)[0]


def test_more_open_files_than_the_kernel_has_are_a_permanent_failure(supervisor):
    most = int(Path("/proc/sys/fs/nr_open").read_text())
    code, log = supervisor.result(SURROUNDINGS, open_files=most + 1)
    assert code == 125
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert f"open-files {most + 1} is refused: the daemon itself may have {hard} at most" in log
