"""A WAMP router for tests, without Docker and on a free port."""

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ocsd.client.http import ControlClient
from ocsd.errors import RouterError
from ocsd.ocs_client import OCSClient
from ocsd.router import config
from ocsd.site.model import Hub
from ocsd.system.paths import is_listening
from ocsd.testing.agent_process import RunningProgram, python
from ocsd.testing.patience import wait_until

ROUTER_START_LIMIT_S = 60.0
AGENT_JOIN_LIMIT_S = 30.0
AGENT_END_LIMIT_S = 10.0


class LocalRouter:
    """crossbar on this machine; keeps its port when it is stopped and started again.

    Parameters
    ----------
    realm : str
        WAMP realm.
    address_root : str
        First part of all addresses.

    Attributes
    ----------
    hub : Hub
        Addresses, realm and address root, as in a site file.
    """

    def __init__(self, realm: str = "test_realm", address_root: str = "observatory") -> None:
        where = f"127.0.0.1:{_free_port()}"
        self.hub = Hub(
            wamp_server=f"ws://{where}/ws",
            wamp_http=f"http://{where}/call",
            wamp_realm=realm,
            address_root=address_root,
        )
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it has been started and not ended since."""
        return self._process is not None and self._process.poll() is None

    @property
    def socket_path(self) -> Path:
        """The Unix socket that agents started by the daemon use."""
        if self._folder is None:
            raise RuntimeError("the router has not been started yet")
        return self._folder / "router.sock"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead agents and clients to this router."""
        return {"SITE_HUB": self.hub.wamp_server, "SITE_HTTP": self.hub.wamp_http}

    @property
    def options(self) -> list[str]:
        """Options that lead agents and clients to this router, without a site file."""
        hub = self.hub
        urls = ["--site-hub", hub.wamp_server, "--site-http", hub.wamp_http]
        names = ["--site-realm", hub.wamp_realm, "--address-root", hub.address_root]
        return ["--site", "none", *urls, *names]

    def start(self) -> None:
        """Start the router and wait until it answers.

        Raises
        ------
        RouterError
            If crossbar is not installed, or ends at once.
        """
        if self.running:
            return
        if self._folder is None:
            # Short, for the path of a Unix socket is at most 107 bytes long.
            self._folder = Path(tempfile.mkdtemp(prefix="ocsd-router-"))
            config.write(self._folder, self.hub, self.socket_path)
        start = config.start(config.find_crossbar(None), self._folder)
        log = self._folder / "log"
        with log.open("ab") as out:
            process = self._process = subprocess.Popen(
                start.command,
                cwd=self._folder,
                env={**os.environ, **start.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        answers_or_ended = wait_until(
            lambda: is_listening(self.socket_path) or process.poll() is not None,
            ROUTER_START_LIMIT_S,
        )
        if not answers_or_ended or process.poll() is not None:
            self.stop()
            last = log.read_text(errors="replace").splitlines()[-20:]
            raise RouterError("crossbar did not start:\n" + "\n".join(last))

    def stop(self) -> None:
        """Kill the router, as a crash or a power cut would."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None
        # The worker is another process of the group; its sockets close with it.
        wait_until(lambda: not is_listening(self.socket_path), ROUTER_START_LIMIT_S)

    def pause(self) -> None:
        """Stop the router's processes; connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused router go on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop the router and remove its folder."""
        self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def call(self, procedure: str, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure of an agent, e.g. ``call("observatory.thermo1", "get_api")``.

        Raises
        ------
        ControlClientError
            If there is no such procedure or no answer.
        """
        return self.client("").call(procedure, *args, **kwargs)

    def client(self, instance_id: str, timeout_s: float = 10.0) -> ControlClient:
        """Return a client of one agent whose calls take at most `timeout_s` [s]."""
        address = f"{self.hub.address_root}.{instance_id}"
        return ControlClient(address, self.hub.wamp_http, timeout_s=timeout_s)

    def ocs_client(self, instance_id: str) -> OCSClient:
        """Return a client with an attribute for each operation of an agent.

        Raises
        ------
        RuntimeError
            If there is no such agent.
        """
        return OCSClient(instance_id, args=self.options)

    @contextlib.contextmanager
    def agent(self, path: str | Path, instance_id: str, *words: str) -> Iterator[RunningProgram]:
        """Run an agent; it has joined when this is entered and is ended afterwards.

        Parameters
        ----------
        path : path
            The agent's file.
        instance_id : str
            Its name.
        *words : str
            Arguments in addition to those that lead it here.

        Raises
        ------
        RuntimeError
            If it does not join, or does not end when it is told to; has its output.
        """
        command = python(str(path), *self.options, "--instance-id", instance_id, *words)
        with RunningProgram(command) as agent:
            if not agent.wait_until_ready(AGENT_JOIN_LIMIT_S):
                raise RuntimeError(f"{path} does not join the router\n{agent.output()}")
            yield agent
            agent.interrupt()
            if agent.wait(AGENT_END_LIMIT_S) is None:
                raise RuntimeError(f"{path} does not end when told to\n{agent.output()}")

    def _signal(self, number: int) -> None:
        if self._process is None:
            raise RuntimeError("the router is not running")
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self._process.pid, number)


_shared: dict[tuple[str, str], LocalRouter] = {}


def shared_router(realm: str = "test_realm", address_root: str = "observatory") -> LocalRouter:
    """Return the router that all tests of this process share, running.

    Raises
    ------
    RouterError
        If it cannot be started.
    """
    if not _shared:
        atexit.register(close_shared)
    router = _shared.setdefault((realm, address_root), LocalRouter(realm, address_root))
    router.start()
    return router


def close_shared() -> None:
    """End the shared routers."""
    while _shared:
        _shared.popitem()[1].close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
