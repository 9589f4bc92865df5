"""Commands of docker compose, run without making the daemon wait."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred

from ocsd.daemon.children.orphans import Orphan
from ocsd.errors import ContainerEngineError
from ocsd.system.files import tail

_READ_OUTPUT_BYTES: Final = 2**20
_PLUGIN_FOLDERS: Final = (
    "~/.docker/cli-plugins",
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)


def compose_words(binary: str | None, folder: Path) -> list[str]:
    """Return the words that call docker compose.

    These are `binary` (``--docker-compose-bin``, from the working directory `folder`), else
    ``docker compose`` if that plug-in is installed, else ``docker-compose``.
    """
    if binary:
        beside = folder / Path(binary).expanduser()
        return [str(beside) if beside.exists() else binary]
    plugins = (Path(each).expanduser() / "docker-compose" for each in _PLUGIN_FOLDERS)
    if shutil.which("docker") and any(map(os.path.exists, plugins)):
        return ["docker", "compose"]
    return ["docker-compose"]


class Command:
    """A command that runs; `done` fires with exit code, output and errors when it is over.

    Its output goes to files, which cannot make either side wait. It goes on if the daemon ends.

    Raises
    ------
    ContainerEngineError
        If it cannot be run.
    """

    def __init__(self, reactor: Any, words: Sequence[str], folder: Path, limit_s: float) -> None:
        self.done: Deferred[tuple[int, str, str]] = Deferred()
        self.was_killed = False
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process is gone
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as above
        try:
            self._process = subprocess.Popen(
                words,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=self._printed,
                stderr=self._said,
                start_new_session=True,
            )
        except OSError as error:
            raise ContainerEngineError(
                f"{words[0]} cannot be run ({error.strerror}); install docker compose (Debian: "
                "docker-compose-plugin or docker-compose), or name it with --docker-compose-bin"
            ) from None
        self._limit = reactor.callLater(limit_s, self.kill)
        self._watch = Orphan(reactor, self._process.pid, self._gone)

    def kill(self) -> None:
        """End it, and all that it has started."""
        self.was_killed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _gone(self) -> None:
        if self._limit.active():
            self._limit.cancel()
        code = self._process.wait()
        texts: list[str] = []
        for file in (self._printed, self._said):
            with file:
                texts.append(tail(file, _READ_OUTPUT_BYTES).decode("utf-8", "replace"))
        self.done.callback((code, texts[0], texts[1]))
