"""Sets the limits and the user of a process, as its site entry demands."""

import os
import pwd
import resource
import stat
import time
from collections.abc import Iterable
from pathlib import Path

import ocsd
from ocsd.errors import ConfigurationError
from ocsd.forkserver.protocol import SpawnRequest

_LOG = 1
_READ_AT_START = ("LD_", "MALLOC_", "PYTHON")


def apply(request: SpawnRequest) -> None:
    """Put this process under the limits of its request.

    The order matters: only root may raise limits, and a change of user ends that. A process
    for another user gets that user's environment, and the variables of the request. Standard
    output must lead to the log already.

    Raises
    ------
    ConfigurationError
        If that cannot be done; the message says what is missing.
    """
    if request.nice:
        _renice(request.nice)
    if request.open_files is not None:
        _limit_open_files(request.open_files)
    os.environ.update(request.environment)
    if request.user is not None:
        user = _user(request.user)
        if user.pw_uid != os.geteuid():
            _become(user)
            _check_reach(user, request)
        os.environ.update(_variables(user), **request.environment)
    # The time zone may have been set; the library for it was loaded before.
    time.tzset()


def are_read_at_start(names: Iterable[str]) -> bool:
    """Whether any of these variables has no effect on a program that runs already."""
    return any(name.startswith(_READ_AT_START) or name.endswith("_NUM_THREADS") for name in names)


def _renice(nice: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    except PermissionError:
        raise ConfigurationError(
            f"nice {nice} is refused: only root may go below nice "
            f"{os.getpriority(os.PRIO_PROCESS, 0)}, and the daemon runs as {_own_name()}; run it "
            "as root (systemd: LimitNICE=), or correct 'nice'"
        ) from None


def _limit_open_files(count: int) -> None:
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
    except (PermissionError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        raise ConfigurationError(
            f"open-files {count} is refused: the daemon itself may have {most} at most; raise its "
            "limit (systemd: LimitNOFILE=), or correct 'open-files'"
        ) from None


def _user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise ConfigurationError(
            f"there is no user {name!r} on this machine; make it, or correct 'user'"
        ) from None


def _become(user: pwd.struct_passwd) -> None:
    try:
        # Its own log can be opened again, not just written to. On a full disk it may be
        # the null device, whose owner stays.
        if stat.S_ISREG(os.fstat(_LOG).st_mode):
            os.fchown(_LOG, user.pw_uid, user.pw_gid)
        os.setgid(user.pw_gid)
        os.initgroups(user.pw_name, user.pw_gid)
        os.setuid(user.pw_uid)
    except PermissionError:
        why = f"the daemon runs as {_own_name()}; run it as root"
        if os.geteuid() == 0:
            why = "the daemon is root without that right; give it back (docs/run/systemd.md)"
        raise ConfigurationError(
            f"user {user.pw_name!r} cannot run this: only root may start processes for others, and "
            f"{why}, or leave 'user' out"
        ) from None


def _check_reach(user: pwd.struct_passwd, request: SpawnRequest) -> None:
    """Make sure that a user can reach the files that every agent needs."""
    needs = [(Path(ocsd.__file__).parent, os.R_OK | os.X_OK)]
    notify_socket = request.environment.get("NOTIFY_SOCKET")
    if notify_socket:
        needs.append((Path(notify_socket), os.W_OK))
    for path, mode in needs:
        if not os.access(path, mode):
            closed = (folder for folder in path.parents[::-1] if not os.access(folder, os.X_OK))
            shut = next(closed, path)
            raise ConfigurationError(
                f"user {user.pw_name!r} cannot get at {path}: {shut} is closed to that user; "
                f"open it (chmod o+x {shut}), or correct 'user'"
            )


def _variables(user: pwd.struct_passwd) -> dict[str, str]:
    return {
        "HOME": user.pw_dir,
        "LOGNAME": user.pw_name,
        "SHELL": user.pw_shell or "/bin/sh",
        "USER": user.pw_name,
    }


def _own_name() -> str:
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
