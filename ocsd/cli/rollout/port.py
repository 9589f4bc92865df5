"""A host of the site, as a roll-out talks to it."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from ocsd.errors import DaemonRefusedError, OcsdError

if TYPE_CHECKING:
    from ocsd.cli.site.far import FarHost

_NO_ANSWER: Final = frozenset({69, 75})
"""The exit codes of errors after which it is not known whether something was done."""


class HeldFile(NamedTuple):
    """The site file of a host, as it is on its disk."""

    digest: str
    site_file: str = ""


class InstalledCode(NamedTuple):
    """The version of ocsd that an upgrade would bring."""

    version: str
    new_code: bool = False
    """Whether the code on the disk was changed since the daemon was started."""


class HostPort(Protocol):
    """A host; each method raises OcsdError, whose exit code says whether the host has refused."""

    @property
    def name(self) -> str:
        """Its name in the site file."""

    def status(self) -> dict[str, Any]:
        """Return its status (docs/reference/control-api.md)."""

    def file(self) -> HeldFile:
        """Return the site file on its disk."""

    def foresee(self, text: str) -> dict[str, Any]:
        """Return what a site file of this text would change there, and change nothing."""

    def installed(self) -> InstalledCode:
        """Return what an upgrade would bring; raise if that could not start."""

    def take(self, text: str, digest_before: str) -> None:
        """Put a text in the place of the site file, if that still has the digest."""

    def put_back(self) -> HeldFile:
        """Put the file before back in its place."""

    def reload(self) -> dict[str, Any]:
        """Take the site file into use; return the changes, without waiting for their result."""

    def upgrade(self) -> None:
        """Replace the daemon by that of the installed version, and wait for it."""


def is_refusal(error: OcsdError) -> bool:
    """Return whether a host has refused a request, so that nothing was changed."""
    return error.exit_code not in _NO_ANSWER


class FarPort:
    """A host that may be another machine.

    Parameters
    ----------
    far : FarHost
        The host.
    path : str
        The new site file on this machine. A host judges its text as if it stood in the place of its
        own file; in what it says of that text, this file is named.
    """

    def __init__(self, far: "FarHost", path: str) -> None:
        self._far = far
        self._path = path
        self._its_path = ""

    @property
    def name(self) -> str:
        """Its name in the site file."""
        return self._far.name

    def status(self) -> dict[str, Any]:
        """Return its status."""
        return self._far.status()

    def file(self) -> HeldFile:
        """Return the site file on its disk."""
        held = _held(self._far.ask("file"))
        self._its_path = held.site_file
        return held

    def foresee(self, text: str) -> dict[str, Any]:
        """Return what a site file of this text would change."""
        try:
            told = self._run("reload", "--dry-run", "--stdin", "--json", given=text)
        except DaemonRefusedError as error:
            raise self._about_new_file(error) from error
        found = _object(told)
        warnings = [self._in_new_file(each) for each in found.get("warnings") or ()]
        return {**found, "warnings": warnings}

    def installed(self) -> InstalledCode:
        """Return what an upgrade would bring."""
        told = _object(self._run("upgrade", "--dry-run", "--json"))
        return InstalledCode(str(told.get("to")), told.get("new_code") is True)

    def take(self, text: str, digest_before: str) -> None:
        """Put a text in the place of the site file."""
        try:
            self._far.ask("take_file", text=text, digest_before=digest_before)
        except DaemonRefusedError as error:
            raise self._about_new_file(error) from error

    def put_back(self) -> HeldFile:
        """Put the file before back in its place."""
        return _held(self._far.ask("put_back"))

    def reload(self) -> dict[str, Any]:
        """Take the site file into use."""
        return _object(self._run("reload", "--yes", "--no-wait", "--json"))

    def upgrade(self) -> None:
        """Replace the daemon by that of the installed version."""
        self._run("upgrade")

    def _about_new_file(self, error: DaemonRefusedError) -> DaemonRefusedError:
        return DaemonRefusedError(self._in_new_file(str(error)), error.exit_code)

    def _in_new_file(self, text: str) -> str:
        """Return a text about a line of the site file of the host, with the name of the new one."""
        if not self._its_path:
            return text
        return text.replace(f"{self._its_path}:", f"{self._path}:")

    def _run(self, *words: str, given: str | None = None) -> str:
        """Run a command of ocsd on the host; return its output.

        Raises
        ------
        DaemonRefusedError
            With the command's own message and exit code, if it fails.
        """
        out: list[str] = []
        err: list[str] = []
        code = self._far.run(words, given, out.append, err.append)
        if code:
            raise DaemonRefusedError(_message("".join(err)) or f"exit code {code}", code)
        return "".join(out)


def _message(errors: str) -> str:
    """Return the complaint of a command, without its warnings."""
    lines = [line.removeprefix("ocsd: ") for line in errors.splitlines()]
    return "\n".join(line for line in lines if not line.startswith("warning: "))


def _object(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output)
    return found


def _held(answer: Mapping[str, Any]) -> HeldFile:
    return HeldFile(str(answer.get("digest")), str(answer.get("site_file") or ""))
