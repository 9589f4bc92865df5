"""What an agent's process is given before its code is loaded: limits, environment, user."""

import os
import pwd
import resource
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

SURROUNDINGS = """
import os, resource

FOUND = [os.environ.get("PORT"), os.environ.get("HOME"), os.getuid(), os.getgid(), os.getgroups(),
         os.nice(0), resource.getrlimit(resource.RLIMIT_NOFILE)]

def main(args=None):
    print(FOUND)
"""


def test_limits_and_environment_are_there_before_the_code_is_loaded(fork_server):
    nice = min(os.nice(0) + 3, 19)
    code, log = fork_server.result(
        SURROUNDINGS, environment={"PORT": "7"}, nice=nice, open_files=123
    )
    assert code == 0, log
    port, _, uid, gid, _, found_nice, files = eval(log)
    assert (port, uid, gid, found_nice, files) == ("7", os.getuid(), os.getgid(), nice, (123, 123))


def test_variables_that_only_a_new_interpreter_reads_take_effect(fork_server):
    library = fork_server.folder / "library"
    library.mkdir()
    (library / "observatory_library.py").write_text("ANSWER = 42\n")
    code = (
        "import time, observatory_library as it\ndef main(args=None): print(it.ANSWER, time.tzname)"
    )
    folders = os.pathsep.join(filter(None, [str(library), os.environ.get("PYTHONPATH")]))
    environment = {"PYTHONPATH": folders, "TZ": "XYZ-3"}
    assert fork_server.result(code, environment=environment) == (0, "42 ('XYZ', 'XYZ')\n")


def test_a_time_zone_takes_effect_in_a_forked_process(fork_server):
    code = "import time\ndef main(args=None): print(time.localtime(0).tm_hour)"
    assert fork_server.result(code, environment={"TZ": "XYZ-3"}) == (0, "3\n")


def test_a_command_gets_limits_and_environment_too(fork_server):
    nice = min(os.nice(0) + 3, 19)
    command = ("/bin/sh", "-c", "echo $PORT; ulimit -n; ulimit -Hn; nice")
    fields = {"environment": {"PORT": "7"}, "nice": nice, "open_files": 123}
    code, log = fork_server.result("", command=command, **fields)
    assert (code, log.split()) == (0, ["7", "123", "123", str(nice)])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_another_user_runs_it_and_can_write_its_log(fork_server):
    nobody = pwd.getpwnam("nobody")
    code, log = fork_server.result(SURROUNDINGS, user="nobody", nice=3)
    assert code == 0, log
    _, home, uid, gid, groups, nice, _ = eval(log)
    assert (uid, gid, home, nice) == (nobody.pw_uid, nobody.pw_gid, nobody.pw_dir, 3)
    assert set(groups) <= set(os.getgrouplist("nobody", nobody.pw_gid))
    assert (fork_server.folder / "probe.log").stat().st_uid == nobody.pw_uid


def test_a_user_that_does_not_exist_is_a_permanent_failure_that_is_told(fork_server):
    code, log = fork_server.result(SURROUNDINGS, user="nobody-of-that-name")
    assert code == 125
    text = "cannot start 'probe': there is no user 'nobody-of-that-name' on this machine"
    assert text in log
    assert text in fork_server.told("X_FAILURE", bool)[0]


def test_more_open_files_than_the_kernel_has_are_a_permanent_failure(fork_server):
    most = int(Path("/proc/sys/fs/nr_open").read_text())
    code, log = fork_server.result(SURROUNDINGS, open_files=most + 1)
    assert code == 125
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert f"open-files {most + 1} is refused: the daemon itself may have {hard} at most" in log
