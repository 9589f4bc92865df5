"""`ocsd install`: let systemd run a host's daemon, from now on and after every boot."""

import difflib
import os
import pwd
import sys
from contextlib import suppress
from pathlib import Path

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.systemd.target import Target
from ocsd.cli.systemd.unit_file import UnitFile
from ocsd.errors import NoSuchUserError, UnitChangedError

# systemd has a file here for each user whose services run without a login (loginctl(1)).
_LINGERING = Path("/var/lib/systemd/linger")


@options.command(
    "ocsd install --dry-run                      # show the unit, change nothing",
    "ocsd install --site-file /etc/ocsd/default.yaml --now",
    "ocsd install --host lab1 --now              # one of several hosts on this machine",
    "ocsd install --user-unit --now              # without root: a unit of your own",
    "ocsd install --remove",
)
@click.option(
    "--host",
    metavar="HOST",
    help="For machines with several hosts: install ocsd@HOST.service. Without it, ocsd.service "
    "runs the entry of this machine.",
    shell_complete=completion.site_hosts,
)
@options.site_file_option
@click.option("--user", metavar="USER", help="Run as USER; by default as ocs.")
@click.option(
    "--user-unit",
    is_flag=True,
    help="Without root: install a unit of your own (systemctl --user), which runs as you.",
)
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
    user: str | None,
    user_unit: bool,
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
    if user_unit and (user is not None or root != Path("/")):
        raise click.UsageError("--user-unit runs here and as you: leave out --user and --root")
    if user_unit:
        target = Target.of_user(dry_run)
    else:
        target = Target.of_system(root, dry_run)
    if remove:
        _remove(target, host)
        return
    unit = UnitFile(
        several=host is not None,
        program=_program(),
        site_file=_checked_site_file(site_file, host, root),
        user=user or "ocs",
        of_user=user_unit,
    )
    if target.is_here and not dry_run and not user_unit:
        _check_user(unit.user)
    _write(target, unit, force)
    service = _service(host)
    target.systemctl("enable", service, now=now)
    if dry_run:
        print(
            f"nothing was changed; this would be {target.path(unit.name)}:\n\n{unit.text}", end=""
        )
    else:
        _tell_next(target, service, now)
    if user_unit:
        _tell_of_lingering()


def _tell_next(target: Target, service: str, runs: bool) -> None:
    if runs:
        print(f"{service} runs; see: {target.command('status', service)}, ocsd status")
    elif target.is_here:
        print(f"next: {target.command('start', service)}, or boot")
    else:
        print("next: boot it")


def _tell_of_lingering() -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    if not (_LINGERING / user).exists():
        print(
            f"{user} does not linger: it would end when {user} logs out, and start at the next "
            f"login, not at boot; to change that: loginctl enable-linger {user}"
        )


def _write(target: Target, unit: UnitFile, force: bool) -> None:
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
                f"it, and keep your own settings in a drop-in: {target.command('edit', unit.name)}"
            )
    target.write(path, unit.text)
    if target.is_here:
        target.systemctl("daemon-reload")


def _remove(target: Target, host: str | None) -> None:
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
