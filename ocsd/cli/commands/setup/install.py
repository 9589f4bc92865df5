"""`ocsd install`: let systemd run a host's daemon, from now on and after every boot."""

import difflib
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from ocsd.cli.arguments import options
from ocsd.cli.systemd.unit_file import UnitFile
from ocsd.errors import (
    NoSuchUserError,
    NoSystemdError,
    NotPermittedError,
    OcsdError,
    SystemctlError,
    UnitChangedError,
)
from ocsd.system import files

_UNITS = Path("etc/systemd/system")
# This folder exists if and only if systemd started this machine (sd_booted(3)).
_BOOTED = Path("/run/systemd/system")
# `ocsd stop` may take two minutes.
_SYSTEMCTL_LIMIT_S = 300.0


@options.command(
    "ocsd install --dry-run                      # show the unit, change nothing",
    "ocsd install --site-file /etc/ocsd/default.yaml --now",
    "ocsd install --host lab1 --now              # one of several hosts on this machine",
    "ocsd install --remove",
)
@click.option(
    "--host",
    metavar="HOST",
    help="For machines with several hosts: install ocsd@HOST.service. Without it, ocsd.service "
    "runs the entry of this machine.",
)
@options.site_file_option
@click.option("--user", metavar="USER", default="ocs", show_default=True, help="Run as USER.")
@click.option(
    "--root",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("/"),
    help="Install into the image of another system, as systemctl --root does.",
)
@click.option("--now", is_flag=True, help="Also start it now.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
@click.option("--force", is_flag=True, help="Overwrite a unit whose content differs.")
@click.option("--remove", is_flag=True, help="Stop it and delete the unit.")
def install(
    host: str | None,
    site_file: str | None,
    user: str,
    root: Path,
    now: bool,
    dry_run: bool,
    force: bool,
    remove: bool,
) -> None:
    """Have systemd start this host at every boot.

    The command writes a unit with the paths of this ocsd and of the site file, and enables it.
    With --remove it stops, disables and deletes the unit.
    """
    if now and root != Path("/"):
        raise click.UsageError("--now and --root exclude each other: nothing runs in an image")
    target = _Target(root, dry_run)
    if remove:
        _remove(target, host)
        return
    checked = _checked_site_file(site_file, host, root)
    unit = UnitFile(several=host is not None, program=_program(), site_file=checked, user=user)
    if target.is_here and not dry_run:
        _check_user(user)
    _write(target, unit, force)
    service = _service(host)
    target.systemctl("enable", service, now=now)
    if dry_run:
        print(
            f"nothing was changed; this would be {target.path(unit.name)}:\n\n{unit.text}", end=""
        )
    elif now:
        print(f"{service} runs; see: systemctl status {service}, ocsd status")
    elif target.is_here:
        print(f"next: systemctl start {service}, or boot")
    else:
        print("next: boot it")


class _Target:
    """The system into which the unit goes."""

    def __init__(self, root: Path, dry_run: bool) -> None:
        self._root = root.absolute()
        self._dry_run = dry_run
        self.is_here = self._root == Path("/")
        if self.is_here and not dry_run and not _BOOTED.is_dir():
            raise NoSystemdError(
                f"systemd does not run this machine (there is no {_BOOTED}); start ocsd with "
                "`ocsd start`, or install into an image with --root"
            )

    def path(self, name: str) -> Path:
        """Return the path of a unit's file."""
        return self._root / _UNITS / name

    def systemctl(self, *words: str, now: bool = False) -> None:
        """Print and run a command of systemctl; `now` lets it also start or stop the unit."""
        command = ["systemctl"]
        if not self.is_here:
            command += ["--root", str(self._root)]
        command.append(words[0])
        if now:
            command.append("--now")
        command += words[1:]
        print(" ".join(command))
        if self._dry_run:
            return
        try:
            subprocess.run(
                [command[0], "--quiet", *command[1:]], check=True, timeout=_SYSTEMCTL_LIMIT_S
            )
        except FileNotFoundError as error:
            raise NoSystemdError(
                "there is no program systemctl; install systemd, or use `ocsd start`"
            ) from error
        except subprocess.SubprocessError as error:
            raise SystemctlError(
                f"`{' '.join(command)}` failed, as it says above; when that is put right, run "
                "this command again"
            ) from error

    def write(self, path: Path, text: str) -> None:
        """Replace a file at once or not at all."""
        print(f"write {path}")
        if self._dry_run:
            return
        with _permitted(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            files.replace(path, text.encode())
            path.chmod(0o644)

    def delete(self, path: Path) -> None:
        """Delete a file."""
        print(f"delete {path}")
        if not self._dry_run:
            with _permitted(path):
                path.unlink()


def _write(target: _Target, unit: UnitFile, force: bool) -> None:
    path = target.path(unit.name)
    present = None
    with suppress(FileNotFoundError):
        present = path.read_text(encoding="utf-8", errors="replace")
    if present == unit.text:
        print(f"{path} is up to date")
        return
    if present is not None:
        lines = (present.splitlines(keepends=True), unit.text.splitlines(keepends=True))
        wanted = "what ocsd install would write"
        sys.stdout.writelines(difflib.unified_diff(*lines, str(path), wanted))
        if not force:
            sys.stdout.flush()
            raise UnitChangedError(
                f"{path} has another content, see the difference above; add --force to overwrite "
                f"it, and keep your own settings in a drop-in: systemctl edit {unit.name}"
            )
    target.write(path, unit.text)
    if target.is_here:
        target.systemctl("daemon-reload")


def _remove(target: _Target, host: str | None) -> None:
    path = target.path(UnitFile(several=host is not None).name)
    if not path.exists():
        print(f"there is no {path}: nothing to remove")
        return
    target.systemctl("disable", _service(host), now=target.is_here)
    # The template serves other hosts, too.
    links = path.parent.glob("*.wants/ocsd@?*.service")
    others = [link.name for link in links if link.name != _service(host)]
    if host is not None and others:
        print(f"{path} stays, for {', '.join(sorted(others))}")
        return
    target.delete(path)
    if target.is_here:
        target.systemctl("daemon-reload")


def _service(host: str | None) -> str:
    if host is None:
        return "ocsd.service"
    return f"ocsd@{host}.service"


def _program() -> tuple[str, ...]:
    """Return the command that runs this installation of ocsd."""
    script = Path(sys.executable).with_name("ocsd")
    if os.access(script, os.X_OK):
        return (str(script),)
    return (sys.executable, "-P", "-m", "ocsd")


def _checked_site_file(site_file: str | None, host: str | None, root: Path) -> str:
    """Return the path of the site file inside of `root`, if it is right."""
    # pydantic and yaml take longer to load than all of `ocsd status`.
    from ocsd.site import load

    if root == Path("/"):
        path = load.find(site_file).absolute()
        load.pick_host(load.load(path), host)
        return str(path)
    inside = Path("/", site_file or "etc/ocsd/default.yaml")
    site = load.load(load.find(root / inside.relative_to("/")))
    # Without --host the machine that will boot the image is unknown.
    if host is not None:
        load.pick_host(site, host)
    return str(inside)


def _check_user(user: str) -> None:
    try:
        pwd.getpwnam(user)
    except KeyError as error:
        raise NoSuchUserError(
            f"there is no user {user!r} to run the daemon; pass --user, or make one with: "
            f"useradd --system --home-dir /var/lib/ocsd --groups dialout {user}"
        ) from error


@contextmanager
def _permitted(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        message = f"cannot change {path}: {error.strerror}; try again with sudo"
        raise NotPermittedError(message) from error
    except OSError as error:
        raise OcsdError(f"cannot change {path}: {error.strerror}") from error
