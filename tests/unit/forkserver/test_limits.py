"""What a process is put under before its code runs."""

import os
import pwd
import resource
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from ocsd.errors import ConfigurationError
from ocsd.forkserver import limits
from ocsd.forkserver.protocol import SpawnRequest, decode, encode

DAQ = pwd.struct_passwd(("daq", "x", 4711, 4712, "", "/home/daq", ""))


class Kernel:
    """Stands in for os, pwd and resource, and notes the calls that change a process."""

    PRIO_PROCESS = os.PRIO_PROCESS
    R_OK, W_OK, X_OK = os.R_OK, os.W_OK, os.X_OK
    RLIMIT_NOFILE = resource.RLIMIT_NOFILE
    struct_passwd = pwd.struct_passwd

    def __init__(self):
        self.calls = []
        self.refused = {}
        self.uid = 0
        self.log_mode = 0o100644
        self.closed = set()
        self.environ = {"HOME": "/root", "KEPT": "1"}
        for name in ("setpriority", "setrlimit", "fchown", "setgid", "initgroups", "setuid"):
            setattr(self, name, partial(self._call, name))

    def _call(self, name, *args):
        self.calls.append((name, *args))
        if name in self.refused:
            raise self.refused[name]

    def geteuid(self):
        return self.uid

    def getpriority(self, which, who):
        return 0

    def getrlimit(self, which):
        return 1024, 4096

    def fstat(self, descriptor):
        return SimpleNamespace(st_mode=self.log_mode)

    def access(self, path, mode):
        return not self.closed & {str(path), *map(str, Path(path).parents)}

    def getpwnam(self, name):
        return {"daq": DAQ}[name]

    def getpwuid(self, uid):
        return {4711: DAQ}[uid]


@pytest.fixture
def system(monkeypatch):
    """What a process that limits itself calls."""
    kernel = Kernel()
    for module in ("os", "pwd", "resource"):
        monkeypatch.setattr(limits, module, kernel)
    return kernel


def spawn(**fields):
    return SpawnRequest("thermo1", "/log", "/", **fields)


def test_a_request_without_limits_changes_nothing(system):
    limits.apply(spawn())
    assert system.calls == []
    assert system.environ == {"HOME": "/root", "KEPT": "1"}


def test_limits_come_before_the_user_is_dropped(system):
    limits.apply(spawn(nice=-5, open_files=9000, user="daq"))
    assert system.calls == [
        ("setpriority", os.PRIO_PROCESS, 0, -5),
        ("setrlimit", resource.RLIMIT_NOFILE, (9000, 9000)),
        ("fchown", 1, 4711, 4712),
        ("setgid", 4712),
        ("initgroups", "daq", 4712),
        ("setuid", 4711),
    ]


def test_a_user_gets_the_environment_of_that_user_and_what_the_entry_says(system):
    limits.apply(spawn(user="daq", environment={"SHELL": "/bin/zsh", "PORT": "7"}))
    assert system.environ == {
        "HOME": "/home/daq",
        "KEPT": "1",
        "LOGNAME": "daq",
        "PORT": "7",
        "SHELL": "/bin/zsh",
        "USER": "daq",
    }


def test_who_runs_the_daemon_anyway_needs_no_root(system):
    system.uid = 4711
    limits.apply(spawn(user="daq"))
    assert system.calls == []
    assert system.environ["HOME"] == "/home/daq"


def test_the_null_device_keeps_its_owner(system):
    system.log_mode = 0o020666
    limits.apply(spawn(user="daq"))
    assert "fchown" not in [name for name, *_ in system.calls]


def test_a_user_that_does_not_exist_is_named(system):
    with pytest.raises(ConfigurationError, match="no user 'daqq' on this machine"):
        limits.apply(spawn(user="daqq"))


def test_a_folder_that_is_closed_to_the_user_is_named(system):
    system.closed = {"/run/ocsd/lab"}
    with pytest.raises(ConfigurationError) as raised:
        limits.apply(spawn(user="daq", environment={"NOTIFY_SOCKET": "/run/ocsd/lab/notify.sock"}))
    assert str(raised.value) == (
        "user 'daq' cannot get at /run/ocsd/lab/notify.sock: /run/ocsd/lab is closed to that user; "
        "open it (chmod o+x /run/ocsd/lab), or correct 'user'"
    )


def test_a_socket_that_is_closed_to_the_user_is_named(system):
    system.closed = {"/run/notify.sock"}
    with pytest.raises(ConfigurationError, match=r"/run/notify.sock is closed to that user"):
        limits.apply(spawn(user="daq", environment={"NOTIFY_SOCKET": "/run/notify.sock"}))


@pytest.mark.parametrize("call", ["fchown", "setgid", "initgroups", "setuid"])
def test_a_daemon_that_is_not_root_says_what_is_missing(system, call):
    system.uid = 4712
    system.refused[call] = PermissionError()
    with pytest.raises(ConfigurationError) as raised:
        limits.apply(spawn(user="daq"))
    message = str(raised.value)
    assert "user 'daq' cannot run this: only root may start processes for others" in message
    assert "the daemon runs as user 4712" in message


def test_a_root_that_may_not_become_another_user_is_told_where_that_is_explained(system):
    system.refused["setgid"] = PermissionError()
    with pytest.raises(
        ConfigurationError, match=r"root without that right; .*docs/run/systemd\.md"
    ):
        limits.apply(spawn(user="daq"))


def test_niceness_that_is_refused_is_named(system):
    system.refused["setpriority"] = PermissionError()
    with pytest.raises(ConfigurationError, match="nice -5 is refused: only root"):
        limits.apply(spawn(nice=-5))


@pytest.mark.parametrize("error", [PermissionError(), ValueError("not allowed to raise")])
def test_more_open_files_than_the_daemon_may_have_are_refused(system, error):
    system.refused["setrlimit"] = error
    with pytest.raises(ConfigurationError, match=r"9000 is refused.* 4096 at most.*LimitNOFILE"):
        limits.apply(spawn(open_files=9000))


def test_limits_travel_to_the_fork_server():
    request = spawn(nice=3, open_files=64, user="daq")
    assert decode(encode(request).rstrip()) == request


@pytest.mark.parametrize(
    "name", ["PYTHONPATH", "LD_PRELOAD", "MALLOC_ARENA_MAX", "OMP_NUM_THREADS"]
)
def test_what_a_program_reads_as_it_starts_needs_a_new_one(name):
    assert limits.are_read_at_start(["PORT", name])


def test_other_variables_do_not():
    assert not limits.are_read_at_start(["NOTIFY_SOCKET", "PORT", "TZ"])
