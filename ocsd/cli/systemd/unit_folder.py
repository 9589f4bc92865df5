"""The system, or the user's own service manager, into which `ocsd install` puts a unit."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ocsd.errors import NoSystemdError, NotPermittedError, OcsdError, SystemctlError
from ocsd.system import files

_SYSTEM_UNITS = Path("etc/systemd/system")
# This folder exists if and only if systemd started this machine (sd_booted(3)).
_BOOTED = Path("/run/systemd/system")
# `ocsd stop` may take two minutes.
_SYSTEMCTL_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class UnitFolder:
    """A folder of units, and the systemctl for it."""

    units: Path
    """The folder of its units."""
    options: tuple[str, ...] = ()
    """Options that lead systemctl to it."""
    is_here: bool = True
    """Whether it runs on this machine; False for the image of another one."""
    remedy: str = "try again with sudo"
    """The advice where a file of it cannot be changed."""
    occasion: str = "boot"
    """The deed after which its units start by themselves."""
    dry_run: bool = False

    @classmethod
    def of_system(cls, root: Path, dry_run: bool) -> Self:
        """Return the system in folder `root`; that of this machine is in ``/``.

        Raises
        ------
        NoSystemdError
            If systemd does not run this machine.
        """
        root = root.absolute()
        if root != Path("/"):
            return cls(root / _SYSTEM_UNITS, ("--root", str(root)), is_here=False, dry_run=dry_run)
        if not dry_run:
            _require_systemd("install into an image with --root")
        return cls(root / _SYSTEM_UNITS, dry_run=dry_run)

    @classmethod
    def of_user(cls, dry_run: bool) -> Self:
        """Return the service manager of this process's user.

        Raises
        ------
        NoSystemdError
            If systemd does not run this machine, or no service manager runs for this user.
        """
        if not dry_run:
            _require_systemd("let cron do that at boot (@reboot)")
            require_manager_of_user()
        configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return cls(
            Path(configuration, "systemd", "user"),
            ("--user",),
            remedy="see to it that the folder is yours",
            occasion="log in again",
            dry_run=dry_run,
        )

    def path(self, name: str) -> Path:
        """Return the path of a unit's file."""
        return self.units / name

    def command(self, *words: str) -> str:
        """Return a command of systemctl, to be printed."""
        return " ".join(("systemctl", *self.options, *words))

    def systemctl(self, verb: str, *words: str, now: bool = False) -> None:
        """Print and run a command of systemctl; `now` lets it also start or stop the unit."""
        given = [verb, *words]
        if now:
            given.insert(1, "--now")
        print(self.command(*given))
        if self.dry_run:
            return
        try:
            subprocess.run(
                ["systemctl", "--quiet", *self.options, *given],
                check=True,
                timeout=_SYSTEMCTL_LIMIT_S,
            )
        except FileNotFoundError as error:
            raise NoSystemdError(
                "there is no program systemctl; install systemd, or use `ocsd start`"
            ) from error
        except subprocess.SubprocessError as error:
            raise SystemctlError(
                f"`{self.command(*given)}` failed, as it says above; when that is put right, run "
                "this command again"
            ) from error

    def write(self, path: Path, text: str) -> None:
        """Replace a file at once or not at all."""
        print(f"write {path}")
        if self.dry_run:
            return
        with self._permitted(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.replacing(path, shared=True) as unfinished:
                unfinished.write_text(text, encoding="utf-8")
            path.chmod(0o644)

    def delete(self, path: Path) -> None:
        """Delete a file."""
        print(f"delete {path}")
        if not self.dry_run:
            with self._permitted(path):
                path.unlink()

    @contextmanager
    def _permitted(self, path: Path) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            message = f"cannot change {path}: {error.strerror}; {self.remedy}"
            raise NotPermittedError(message) from error
        except OSError as error:
            raise OcsdError(f"cannot change {path}: {error.strerror}") from error


def _require_systemd(otherwise: str) -> None:
    if not _BOOTED.is_dir():
        raise NoSystemdError(
            f"systemd does not run this machine (there is no {_BOOTED}); start ocsd with "
            f"`ocsd start`, or {otherwise}"
        )


def require_manager_of_user() -> None:
    """Refuse a login without a service manager, as `su` and `sudo` make them.

    Raises
    ------
    NoSystemdError
        If this is one.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime is None or not Path(runtime, "systemd").is_dir():
        raise NoSystemdError(
            "no service manager runs for this login (XDG_RUNTIME_DIR leads to none), as after su "
            "or sudo; log in as this user, e.g. with ssh, and try again"
        )
