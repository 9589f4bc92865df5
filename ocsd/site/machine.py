"""What a site file asks of the machine it is used on, and what of that is missing there.

The file is right all the same: users and programs can come later, and the daemon may
have other limits than who asks here. So these are warnings.
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
    """Yield what an operator should know before a host's entry is used on this machine.

    Parameters
    ----------
    host : Host
        The entry.
    """
    for occasion, command in host.hooks.items():
        if shutil.which(command[0]) is None:
            yield f"hook {occasion}: there is no program {command[0]!r} that could be run"
    most = most_open_files()
    for each in host.instances:
        if each.manage not in {Manage.UP, Manage.DOWN}:
            continue
        if each.user is not None and not _is_known(each.user):
            yield f"instance '{each.instance_id}': there is no user {each.user!r} on this machine"
        wanted = each.limits.open_files
        if wanted is not None and wanted > most:
            yield (
                f"instance '{each.instance_id}': open-files {wanted} is above the {most} that are "
                "allowed here; the daemon needs a higher limit (systemd: LimitNOFILE=)"
            )


def most_open_files() -> int:
    """Return how many descriptors this process may allow to one that it starts."""
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
