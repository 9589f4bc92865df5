"""Warnings about users, programs and limits that a site file needs and this machine lacks.

They are not errors, because users and programs can be added later, and the daemon may
run with other limits than the process that checks.
"""

import os
import pwd
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from ocsd.site.model import Host, Manage

_MOST_FOR_ROOT = Path("/proc/sys/fs/nr_open")


def missing(host: Host) -> Iterator[str]:
    """Yield a warning for each thing that a host's entry needs and this machine lacks."""
    for occasion, command in host.hooks.items():
        if shutil.which(command[0]) is None:
            yield f"hook {occasion}: there is no program {command[0]!r} on this machine"
    limit = most_open_files()
    for instance in host.instances:
        name = instance.instance_id
        if instance.manage not in {Manage.UP, Manage.DOWN}:
            continue
        if instance.user is not None and not _is_known(instance.user):
            yield f"instance {name!r}: there is no user {instance.user!r} on this machine"
        wanted = instance.limits.open_files
        if wanted is not None and wanted > limit:
            yield (
                f"instance {name!r}: open-files {wanted} is above the {limit} that are "
                "allowed here; the daemon needs a higher limit (systemd: LimitNOFILE=)"
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
