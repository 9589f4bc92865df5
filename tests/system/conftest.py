"""A real site on this machine: crossbar, daemon, agents, each test with folders of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import yaml
from xdist.scheduler import LoadScopeScheduling

from ocsd.cli.talk.control import DaemonClient
from tests import forked_commands
from tests.system.agent_processes import Router, Supervisor
from tests.system.fork_server import NoRouter, supervising
from tests.system.waiting import free_port, wait_until


def fake_agent(name, mode="acq", channels=2, rate_hz=4, **more):
    """Return the site file's entry of a FakeDataAgent."""
    arguments = ["--mode", mode, "--num-channels", channels, "--sample-rate", rate_hz]
    return {"agent-class": "FakeDataAgent", "instance-id": name, "arguments": arguments, **more}


NO_PAGE = {"enabled": False}
"""The key ``web`` of a host that serves no page."""


# Files that take minutes, to be begun first: the rest fills up what time is left.
LONG = (
    "test_faults.py",
    "test_images.py",
    "test_services.py",
    "test_answers.py",
    "test_rollout.py",
    "test_three_hosts.py",
    "test_bridge.py",
    "test_per_host.py",
    "test_whole_site.py",
    "test_attacks.py",
    "test_wrong_credentials.py",
    "test_closed_router.py",
    "test_closed_site.py",
    "test_agent.py",
    "test_stuck.py",
    "test_site.py",
    "test_clients.py",
    "test_survival.py",
    "test_testing_kit.py",
    "test_reload.py",
    "test_lost_files.py",
    "test_daemon.py",
    "test_aggregator.py",
    "test_router.py",
    "test_recording.py",
    "test_nothing_is_lost.py",
    "test_guide.py",
    "test_new_agent.py",
    "test_runtime_ocs.py",
    "test_user_of_an_instance.py",
    "test_agent_runtime.py",
    "test_systemd.py",
    "test_conformance.py",
    "test_spool.py",
    "test_upgrade.py",
    "test_bad_input.py",
    "test_observatory.py",
    "test_feeds_both_ways.py",
    "test_socs.py",
    "test_ocs_programs.py",
    "test_daemon_killed_anywhere.py",
    "test_packages.py",
    "test_written_for_ocs.py",
    "test_databases.py",
    "test_postgres.py",
    "test_run.py",
    "test_forged_senders.py",
    "test_view_feed.py",
    "test_page.py",
    "test_web.py",
    "test_terminal.py",
    "test_clock.py",
    "test_forkserver.py",
    "test_plugins_at_start.py",
    "test_alarms.py",
    "test_agent_supervision.py",
    "test_agents.py",
    "test_closed_page.py",
)


SHARED = {
    "test_agent.py": "stuck",
    "test_stuck.py": "stuck",
    "test_daemon.py": "centre",
    "test_aggregator.py": "centre",
    "test_router.py": "centre",
    "test_attacks.py": "closed",
    "test_wrong_credentials.py": "closed",
    "test_closed_router.py": "doors",
    "test_leaf.py": "doors",
    "test_images.py": "containers",
    "test_services.py": "containers",
    "test_containers.py": "containers",
    "test_answers.py": "interop",
    "test_feeds_both_ways.py": "interop",
    "test_ocs_client.py": "interop",
    "test_ocs_programs.py": "interop",
    "test_ocs_web.py": "interop",
    "test_our_client.py": "interop",
    "test_programs.py": "interop",
    "test_sorunlib.py": "interop",
}
"""Files that share a site (the conftest.py of their folders) or a container engine."""

BUSY_WORKERS = 3
"""So many workers keep two cores busy. Further ones begin with files that mostly wait."""
WAITING = frozenset(
    {
        "test_bridge.py",
        "test_clients.py",
        "test_databases.py",
        "test_forkserver.py",
        "test_lost_files.py",
        "test_new_agent.py",
        "test_nothing_is_lost.py",
        "test_per_host.py",
        "test_postgres.py",
        "test_systemd.py",
        "test_view_feed.py",
        "test_web.py",
    }
)
"""Files, or names in `SHARED`, whose tests and processes use less than half of a core."""


def pytest_collection_modifyitems(items):
    """Sort the files of the run; for xdist, with ``--no-loadscope-reorder``."""
    ranks = {name: rank for rank, name in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(LONG)))


class BySite(LoadScopeScheduling):
    """Gives each file to one worker, and files that share a site to the same one."""

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        return SHARED.get(Path(file).name, file)

    def _assign_work_unit(self, node):
        # Each worker does the files of the other kind when there are no more of its own.
        fills_gaps = int(node.gateway.id.removeprefix("gw")) >= BUSY_WORKERS
        for scope in self.workqueue:
            if (Path(scope).name in WAITING) == fills_gaps:
                self.workqueue.move_to_end(scope, last=False)
                break
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let xdist divide the tests by their sites."""
    return BySite(config, log)


_spent = defaultdict(lambda: [0.0, 0.0, ""])
"""For each file the time of its tests [s], when the last of them ended, and the worker."""


def pytest_runtest_logreport(report):
    """Note what a test took."""
    file = _spent[report.nodeid.partition("::")[0]]
    file[0] += report.duration
    file[1:] = report.stop, getattr(report, "worker_id", "")


def pytest_terminal_summary(terminalreporter, config):
    """Tell what the long files took, and which worker ended when: to keep `LONG` true."""
    if not config.getoption("numprocesses", None) or not _spent:
        return
    last = max(ended for _, ended, _ in _spent.values())
    terminalreporter.section("files that took more than 20 s; ended before the last one")
    for file, (took, ended, worker) in sorted(_spent.items(), key=lambda each: -each[1][0]):
        if took > 20:
            terminalreporter.write_line(f"{took:6.0f} s {last - ended:6.0f} s  {worker}  {file}")


@dataclass
class Site:
    """One site file and the folders of its daemons."""

    folder: Path
    port: int = field(default_factory=free_port)
    hosts: dict = field(default_factory=dict)
    daemons: list = field(default_factory=list)
    extra_environment: dict = field(default_factory=dict)
    only_for_daemons: tuple = ()
    """Variables of `extra_environment` that other commands than `start` do without, and so fork."""
    forks_daemons: bool = True
    """Whether daemons come from a process that has loaded them (`tests/forked_daemons.py`)."""

    @property
    def file(self):
        return self.folder / "site.yaml"

    @property
    def environment(self):
        folders = {
            "RUNTIME_DIRECTORY": str(self.folder / "run"),
            "STATE_DIRECTORY": str(self.folder / "state"),
            "LOGS_DIRECTORY": str(self.folder / "log"),
        }
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("OCS")}
        return {**inherited, **folders, "NO_COLOR": "1", **self.extra_environment}

    def write(self, *instances, host="lab", **keys):
        """Write the site file, with these instances on a host.

        Without the page in the browser, unless `keys` have it: it takes CPU.
        """
        self.hosts[host] = {"web": NO_PAGE, **keys, "agent-instances": list(instances)}
        url = f"localhost:{self.port}"
        hub = {"wamp_server": f"ws://{url}/ws", "wamp_http": f"http://{url}/call"}
        self.file.write_text(yaml.safe_dump({"hub": hub, "hosts": self.hosts}))

    def ocsd(self, *words, limit_s=60):
        """Run the command line; return the finished process, its output as text."""
        words, environment = tuple(map(str, words)), self.environment
        if words[0] != "start":
            for name in self.only_for_daemons:
                del environment[name]
        return forked_commands.run(words, environment, self.folder, limit_s, self.forks_daemons)

    def start(self, host="lab"):
        """Start the daemon and wait until everything has settled."""
        begun = self.ocsd("start", "-d", "--site-file", str(self.file), "--host", host)
        self.daemons.append(host)
        return begun

    def bring_up(self, host="lab"):
        """Start the daemon; on a busy machine, wait for longer than `ocsd start` does."""
        begun = self.start(host)
        if "still starts" in begun.stdout:
            wait_until(lambda: self._is_settled(host), "the host to come up", limit_s=120)
        else:
            assert begun.returncode == 0, begun.stdout + begun.stderr

    def _is_settled(self, host):
        status = self.status(host)
        return {row["state"] for row in (status["router"], *status["instances"])} <= {"up", "down"}

    def foreground(self, host="lab"):
        """Start the daemon in the foreground; return the running process."""
        process = subprocess.Popen(
            [sys.executable, "-m", "ocsd", "start", "--site-file", self.file, "--host", host],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.daemons.append(host)
        return process

    def daemon(self, host="lab"):
        """Return a client of a daemon.

        It asks straight away: a process for each look would take the machine from those
        who are looked at.
        """
        return DaemonClient(
            host, Path(self.environment["RUNTIME_DIRECTORY"]) / host / "control.sock"
        )

    def status(self, host="lab"):
        """Return the status as `ocsd status --json` has it."""
        return self.daemon(host).status()

    def instance(self, name, host="lab"):
        """Return one instance's row of the status."""
        rows = {row["instance_id"]: row for row in self.status(host)["instances"]}
        return rows[name]

    def processes(self):
        """Return everything that runs for this site: whatever works in its folder."""
        mine, inside = [], f"{self.folder}/"
        for pid in psutil.pids():
            # Tests look often, and most processes are others': psutil takes ten times as long.
            with contextlib.suppress(OSError, psutil.Error):
                folder = os.readlink(f"/proc/{pid}/cwd").removesuffix(" (deleted)")
                each = psutil.Process(pid) if f"{folder}/".startswith(inside) else None
                if each and each.status() != "zombie":
                    mine.append(each)
        return mine

    def clear(self):
        """End everything, gently and then by force; return what did not end by itself."""
        for host in dict.fromkeys(self.daemons):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.ocsd("stop", "--host", host, limit_s=40)
        left = psutil.wait_procs(self.processes(), timeout=20)[1]
        for each in left:
            each.send_signal(signal.SIGKILL)
        return left


@contextlib.contextmanager
def a_site(port):
    """Make a site of its own; whatever still runs in the end fails the test."""
    # The paths of Unix sockets must be short, which pytest's own folders are not.
    with tempfile.TemporaryDirectory(prefix="ocsd-") as folder:
        site = Site(Path(folder), port)
        try:
            yield site
        finally:
            left = site.clear()
        assert left == []


@pytest.fixture
def site(request):
    """A site of its own.

    Its router runs already, as on any host of a site but one, for a start of crossbar costs
    three times what all the rest does. With `own_router` the daemon starts one.
    """
    own = "own_router" in request.fixturenames
    with a_site(free_port() if own else request.getfixturevalue("router").port) as site:
        yield site


@pytest.fixture
def own_router():
    """Tells `site` that the test is about the router too, or harms it."""


@pytest.fixture(scope="session")
def kept_router(tmp_path_factory):
    """A crossbar for all tests that take place one after the other."""
    # Short, for a socket's path is at most 107 bytes long.
    router = Router(tmp_path_factory.mktemp("cb"), free_port())
    yield router
    if router.answers():
        router.kill()


@pytest.fixture
def router(kept_router):
    """A crossbar that answers, whatever an earlier test has done to it."""
    if not kept_router.answers():
        kept_router.start()
    return kept_router


@pytest.fixture
def supervisor(request, tmp_path):
    """Starts agents by hand and hears what they say of themselves; ends them.

    They are forked from a process that has loaded their libraries, unless `own_interpreter` is
    used.
    """
    supervisor = Supervisor(tmp_path, forks="own_interpreter" not in request.fixturenames)
    yield supervisor
    for process in supervisor.processes:
        if process.poll() is None:
            process.kill()
        process.wait()
    supervisor.socket.close()


@pytest.fixture
def own_interpreter():
    """Tells `supervisor` that the test is about the start or the end of an agent's process."""


@pytest.fixture
def fork_server():
    """Starts agents that find no router, and hears what they say of themselves."""
    with supervising(NoRouter) as fork_server:
        yield fork_server
