"""A fork server of its own, and the daemon's end of it."""

import contextlib
import os
import socket
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from ocsd.forkserver.protocol import (
    Ended,
    EndRequest,
    Hello,
    LineBuffer,
    Spawned,
    SpawnRequest,
    encode,
)
from ocsd.forkserver.start import PreparedServer
from ocsd.site.launch import Launch
from ocsd.site.model import Hub, Instance
from ocsd.system import notify
from tests.system.waiting import PATIENCE_S, wait_until


class Daemon:
    """The daemon's end of a fork server of its own."""

    def __init__(self, folder, program=None, agents=0):
        self.folder = folder
        self.agent = folder / "probe.py"
        (folder / "ocs_plugin_probe.py").write_text("agents = {'Probe': 'probe.py'}\n")
        path = folder / "fork.sock"
        PreparedServer().listen(path, folder / "fork.log", agents, program)
        self.connect()
        self.process = psutil.Process(self.hears(Hello).pid)

    def connect(self):
        path = self.folder / "fork.sock"
        self.connection = socket.socket(socket.AF_UNIX)
        wait_until(lambda: self.connection.connect_ex(str(path)) == 0, "the fork server")
        self.connection.settimeout(PATIENCE_S)
        self._received = LineBuffer()
        self._messages = []

    def hears(self, kind, **fields):
        """Wait for a report of that kind with these fields."""
        while True:
            for message in self._messages:
                right = isinstance(message, kind)
                if right and all(getattr(message, key) == fields[key] for key in fields):
                    self._messages.remove(message)
                    return message
            data = self.connection.recv(1 << 16)
            assert data, "the fork server is gone"
            self._messages.extend(self._received.feed(data))

    def run(self, name, code):
        """Start an agent with that code; return its process id."""
        self.ask(name, code)
        return self.hears(Spawned, instance_id=name).pid

    def ask(self, name, code):
        """Ask for an agent with that code."""
        self.agent.write_text(code)
        self.connection.sendall(encode(self.request(name)))

    def request(self, name):
        """Return the request for an agent."""
        # Its code ends by itself.
        instance = Instance(instance_id=name, agent_class="Probe", restart="on-failure")
        launch = Launch(
            site_file=None,
            host="lab",
            hub=Hub(wamp_server="ws://localhost:18449/ws", wamp_http="http://localhost:18449/call"),
            instance=instance,
            agent_paths=(str(self.folder),),
            working_dir=str(self.folder),
        )
        log = str(self.folder / f"{name}.log")
        told = launch.model_dump(mode="json")
        return SpawnRequest(name, log, str(self.folder), launch=told)

    def output(self, name, code):
        """Run an agent until it ends; return the last line that it printed."""
        self.run(name, code)
        ended = self.hears(Ended, instance_id=name)
        text = (self.folder / f"{name}.log").read_text()
        assert ended.code == 0, text
        return text.splitlines()[-1]

    def close(self):
        """Let the fork server end, and everything that it still runs."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in self.process.children():
                child.kill()
        with contextlib.suppress(OSError):
            self.connection.sendall(encode(EndRequest()))
        psutil.wait_procs([self.process], timeout=PATIENCE_S)
        self.connection.close()


class ListeningDaemon(Daemon):
    """It also hears what the fork server's children say of themselves."""

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
            instance=Instance(instance_id="probe", agent_class="Probe", restart="on-failure"),
            agent_paths=(str(self.folder),),
            working_dir=str(self.folder),
            router_socket=str(self.router.socket_path),
        )
        spawn = SpawnRequest(
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
    """Run a fork server whose children find that router."""
    with tempfile.TemporaryDirectory(prefix="ocsd-") as folder:
        os.chmod(folder, 0o755)
        daemon = ListeningDaemon(Path(folder), router)
        yield daemon
        daemon.close()
        daemon.notify.close()
