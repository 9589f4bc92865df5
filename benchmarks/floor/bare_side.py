"""The bare libraries, driven as either supervisor is."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.site import Hub

END_LIMIT_S = 30.0


class BareSide:
    """A bare parent with its agents.

    Parameters
    ----------
    name : str
        Its name in the table.
    router : str
        A ``ws://`` URL or the path of a Unix socket.
    hub : Hub
        The site's.
    instance_ids : sequence of str
        The names of the agents.
    folder : Path
        Gets the log.
    """

    def __init__(
        self, name: str, router: str, hub: Hub, instance_ids: Sequence[str], folder: Path
    ) -> None:
        self.name = name
        self._words = [router, hub.realm, hub.address_root, *instance_ids]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Make the folder."""
        self._folder.mkdir(exist_ok=True)

    def launch(self) -> None:
        """Start the parent."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.floor.bare_parent", *self._words],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                start_new_session=True,
            )

    def launched(self) -> None:
        """Return: nothing reports back."""

    def supervisors(self, agents: Mapping[str, int]) -> dict[str, int]:
        """Return the parent's pid."""
        return {"parent": self._running().pid}

    def services(self, agents: Mapping[str, int]) -> dict[str, int]:
        """Return nothing."""
        return {}

    def restart(self, instance_id: str) -> None:
        """Let the parent end an agent, which it then forks again."""
        stdin = self._running().stdin
        assert stdin is not None
        stdin.write(f"{instance_id}\n".encode())
        stdin.flush()

    def status_command(self) -> list[str]:
        """Return the least command of Python."""
        return [sys.executable, "-c", "pass"]

    def environment(self) -> dict[str, str]:
        """Return ours."""
        return dict(os.environ)

    def stop_all(self) -> None:
        """End all."""
        stdin = self._running().stdin
        assert stdin is not None
        stdin.close()

    def close(self) -> None:
        """Wait for the end of all."""
        if self._process is None:
            return
        self.stop_all()
        process, self._process = self._process, None
        process.wait(END_LIMIT_S)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the bare parent has not been started")
        return self._process
