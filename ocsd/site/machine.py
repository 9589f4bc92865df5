"""Warnings about users, programs, folders and limits that a site file needs and a machine lacks.

They are not errors, because users and programs can be added later, and the daemon may
run with other limits than the process that checks.
"""

import os
import pwd
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from ocsd.site import compose
from ocsd.site.model import Host, Instance, Manage, Site
from ocsd.system.address import address_of
from ocsd.text.reason import clause

_MOST_FOR_ROOT = Path("/proc/sys/fs/nr_open")


def missing(site: Site, host: Host) -> Iterator[str]:
    """Yield a warning for each thing that a host's entry needs and this machine lacks."""
    for key, text in (*_folders(host), *_router(host), *_hooks(host), *_web(site, host)):
        yield f"{site.place(host.lines.get(key))}: {text}"
    for line, text in compose.warnings(host, Path.cwd()):
        yield f"{site.place(line)}: {text}"
    for instance in host.instances:
        for text in _of_instance(instance):
            yield f"{site.place(instance.line)}: instance {instance.instance_id!r}: {text}"


def router_refusal(host: Host, state: Path | None = None) -> str:
    """Return why the router cannot run with the host's ``config-dir``; empty if it can.

    A relative folder starts from the host's `state` folder, and cannot be judged without it.
    """
    written = host.crossbar and host.crossbar.config_dir
    if not written or (state is None and not Path(written).is_absolute()):
        return ""
    folder = (state or Path()) / written
    if any((folder / name).is_file() for name in ("config.json", "config.yaml")):
        return ""
    line = clause(" (line ", str(host.lines.get("crossbar/config-dir", "")))
    return (
        f"crossbar: config-dir {folder}{line and line + ')'} holds no config.json or config.yaml; "
        "take config-dir out, and ocsd writes crossbar's configuration itself, or put yours there"
    )


def _folders(host: Host) -> Iterator[tuple[str, str]]:
    for index, folder in enumerate(host.agent_paths):
        if not Path(folder).is_dir():
            yield (
                f"agent-paths/{index}",
                f"agent-paths names {folder}, and there is no such folder; take it out, if every "
                "class is found without it",
            )


def _router(host: Host) -> Iterator[tuple[str, str]]:
    program = host.crossbar and host.crossbar.bin
    if program and shutil.which(program) is None:
        yield (
            "crossbar/bin",
            f"crossbar: bin {program} is not a program on this machine, so ocsd takes the "
            "crossbar that is installed with it; take bin out",
        )


def _hooks(host: Host) -> Iterator[tuple[str, str]]:
    for occasion, command in host.hooks.items():
        if shutil.which(command[0]) is None:
            yield (
                f"hooks/{occasion}",
                f"hook {occasion}: there is no program {command[0]!r} on this machine",
            )


def _web(site: Site, host: Host) -> Iterator[tuple[str, str]]:
    web = host.web
    if host.hub(site.hub).is_closed:
        return  # people log in there
    if web.enabled and web.socket is None and not address_of(web.listen).is_local:
        yield (
            "web/listen",
            f"web: the page at {web.listen} is reached from other machines, and whoever reaches it "
            "can restart instances without a password; let a web server ask for one "
            '(docs/run/operating.md, "In a browser")',
        )


def _of_instance(instance: Instance) -> Iterator[str]:
    if instance.manage not in {Manage.UP, Manage.DOWN}:
        return
    if instance.user is not None and not _is_known(instance.user):
        yield f"there is no user {instance.user!r} on this machine"
    wanted, limit = instance.limits.open_files, most_open_files()
    if wanted is not None and wanted > limit:
        yield (
            f"open-files {wanted} is above the {limit} that are allowed here; the daemon needs a "
            "higher limit (systemd: LimitNOFILE=)"
        )


def most_open_files() -> int:
    """Return the highest limit of open files that this process may give to a child."""
    if os.geteuid() == 0:
        # root may raise its own limit, up to the kernel's.
        return int(_MOST_FOR_ROOT.read_text())
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most


def _is_known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
