"""The folder of an agent's feeds belongs to the user who runs it, and nothing else does."""

import os
import pwd
import stat
import subprocess
import sys

import pytest

from ocsd.forkserver import spool_folder
from ocsd.forkserver.protocol import SpawnRequest
from ocsd.system import paths

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")

NOBODY, DAEMON = pwd.getpwnam("nobody"), pwd.getpwnam("daemon")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where an agent keeps its feeds, below what is closed to others."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.delenv(paths.SPOOL_VARIABLE, raising=False)
    (tmp_path / "lab").mkdir(mode=0o750)
    return paths.of_host("lab").spool("thermo1")


def prepare(user):
    """Return the descriptor that the agent gets, if any."""
    spool_folder.prepare(SpawnRequest("thermo1", "/log", "/", launch={"host": "lab"}, user=user))
    given = os.environ.pop(paths.SPOOL_VARIABLE, None)
    return given and int(given)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def owners(folder):
    return {each.lstat().st_uid for each in (folder, *folder.rglob("*"))}


def as_user(user, code, *descriptors):
    """Return what an interpreter of a user says, or its last line of complaint."""
    become = f"os.setgroups([]); os.setgid({user.pw_gid}); os.setuid({user.pw_uid})"
    found = subprocess.run(
        [sys.executable, "-c", f"import os; {become}\n{code}"],
        capture_output=True,
        text=True,
        pass_fds=descriptors,
        check=False,
    )
    return found.stdout or found.stderr.splitlines()[-1]


def test_the_agent_writes_its_folder_and_gets_no_further(folder):
    descriptor = prepare("nobody")
    place = f"/proc/self/fd/{descriptor}"
    try:
        assert os.get_inheritable(descriptor)
        make = f"os.makedirs('{place}/1.5/f'); print('made')"
        assert as_user(NOBODY, make, descriptor) == "made\n"
        for path in (f"{place}/..", f"{place}/../other", str(folder)):
            assert "PermissionError" in as_user(NOBODY, f"os.listdir('{path}')", descriptor)
    finally:
        os.close(descriptor)
    assert owners(folder) == {NOBODY.pw_uid}
    assert (mode(folder), mode(folder.parent)) == (0o700, 0o750)
    assert mode(folder.parent.parent) == 0o750


def test_an_agent_of_roots_needs_nothing(folder):
    assert prepare(None) is None
    assert not folder.parent.exists()


@pytest.mark.parametrize("users", [(None, "nobody"), ("nobody", "daemon"), ("nobody", None)])
def test_the_folder_changes_its_owner_with_the_user(folder, users):
    before, after = users
    if before is None:
        folder.mkdir(parents=True)
    else:
        os.close(prepare(before))
    (folder / "1.5" / "f").mkdir(parents=True)
    (folder / "1.5" / "f" / "0.spool").write_text("kept")
    spool_folder.give(folder, pwd.getpwnam(before or "root").pw_uid, 0)
    descriptor = prepare(after)
    if descriptor is not None:
        os.close(descriptor)
    assert owners(folder) == {pwd.getpwnam(after or "root").pw_uid}
    assert (folder / "1.5" / "f" / "0.spool").read_text() == "kept"


def test_what_the_user_before_put_there_of_others_is_not_given_away(folder, tmp_path):
    os.close(prepare("nobody"))
    secret = tmp_path / "secret"
    secret.write_text("of root")
    secret.chmod(0o600)
    others = tmp_path / "others"
    others.mkdir()
    (others / "file").touch()
    (folder / "link").symlink_to(secret)
    (folder / "links").symlink_to(others)
    os.link(secret, folder / "hard")
    os.mkfifo(folder / "pipe")
    os.close(prepare("daemon"))
    assert list(folder.iterdir()) == []
    assert folder.stat().st_uid == DAEMON.pw_uid
    assert owners(others) | {secret.stat().st_uid} == {0}
    assert secret.stat().st_nlink == 1


def test_a_folder_that_is_a_link_is_not_followed_and_the_agent_is_told(folder, tmp_path, capsys):
    folder.parent.mkdir()
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    assert prepare("nobody") is None
    assert (tmp_path / "elsewhere").stat().st_uid == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ocsd: cannot give {folder} to user 'nobody' (")


def test_what_stands_in_the_way_does_not_stop_the_agent(folder, capsys):
    folder.parent.write_text("no folder")
    assert prepare("nobody") is None
    assert "messages may be kept in memory only" in capsys.readouterr().err


def test_a_user_that_does_not_exist_is_left_to_those_who_say_so(folder):
    assert prepare("nobodyy") is None
    assert not folder.parent.exists()
