"""The published OCS: a HostManager and the agents that it starts."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.site import HOST, SUPERVISOR_ID
from benchmarks.supervising.observer import Observer

STOP_LIMIT_S = 30.0
# HostManager looks at its agents once a second and gives one 11 s to end.
DOWN_LIMIT_S = 20.0


class OcsSide:
    """OCS as it runs without Docker: HostManager with ``manage: up`` agents.

    Parameters
    ----------
    python : Path
        An interpreter that has ``ocs``.
    site_file : Path
        The site.
    observer : Observer
        Its session carries the requests to the HostManager, which costs less
        than one of OCS's command lines would.
    folder : Path
        Gets the log.
    """

    def __init__(self, python: Path, site_file: Path, observer: Observer, folder: Path) -> None:
        self._python = python
        self._site_file = site_file
        self._observer = observer
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """OCS and its version."""
        code = "from importlib.metadata import version; print(version('ocs'))"
        found = subprocess.run(
            [self._python, "-c", code], check=True, capture_output=True, text=True
        )
        return f"OCS {found.stdout.strip()}"

    def prepare(self) -> None:
        """Make the folder; pip has done the rest."""
        self._folder.mkdir(exist_ok=True)

    def launch(self) -> None:
        """Start the HostManager, which starts the agents."""
        with (self._folder / "hostmanager.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._python,
                    "-m",
                    "ocs.agents.host_manager.agent",
                    f"--site-file={self._site_file}",
                    f"--site-host={HOST}",
                    f"--instance-id={SUPERVISOR_ID}",
                    f"--working-dir={self._folder}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                start_new_session=True,
            )

    def launched(self) -> None:
        """Return: nothing reports back."""

    def supervisors(self, agents: Mapping[str, int]) -> dict[str, int]:
        """Return the HostManager's pid."""
        return {"HostManager": self._running().pid}

    def services(self, agents: Mapping[str, int]) -> dict[str, int]:
        """Return nothing: only what the site lists runs."""
        return {}

    def restart(self, instance_id: str) -> None:
        """Set the target down, see it down, set it up: HostManager has no restart."""
        self._request(instance_id, "down")
        deadline = time.monotonic() + DOWN_LIMIT_S
        while self._state(instance_id) != "down":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{instance_id} was not down after {DOWN_LIMIT_S:g} s")
            time.sleep(0.02)
        self._request(instance_id, "up")

    def status_command(self) -> list[str]:
        """Return ``ocsbow status``."""
        program = str(self._python.with_name("ocsbow"))
        return [program, f"--site-file={self._site_file}", f"--site-host={HOST}", "status"]

    def environment(self) -> dict[str, str]:
        """Return ours, less what could lead its interpreter to other packages."""
        return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def stop_all(self) -> None:
        """Set every agent's target down."""
        self._request("all", "down")

    def close(self) -> None:
        """End the HostManager and, should any be left, its agents."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        try:
            # Agents share the session that was made for the HostManager.
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _request(self, instance_id: str, target: str) -> None:
        params = {"requests": [[instance_id, target]]}
        code, text, _ = self._observer.ops(SUPERVISOR_ID, "start", "update", params)
        if code != 0:
            raise RuntimeError(f"HostManager refused {params}: {text}")
        self._observer.ops(SUPERVISOR_ID, "wait", "update")

    def _state(self, instance_id: str) -> str:
        data = self._observer.session(SUPERVISOR_ID, "manager").get("data", {})
        for child in data.get("child_states", []):
            if child["instance_id"] == instance_id:
                return str(child["next_action"])
        return "?"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the HostManager has not been started")
        return self._process
