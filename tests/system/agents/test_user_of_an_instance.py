"""`user:` of an instance: its process is that user's, and works as any other does."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from functools import partial

import psutil
import pytest

from ocsd.log.file import LOG_FILE_LIMIT_BYTES
from tests.system.conftest import fake_agent
from tests.system.recording.test_spool import asked, index
from tests.system.waiting import wait_until

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may start processes for others"),
]

USER = "nobody"
NOBODY = pwd.getpwnam(USER)


@pytest.fixture
def lab(site):
    """A site whose folders other users may pass through, as those in /run and /var/lib."""
    site.folder.chmod(0o755)
    return site


def is_well(site, name):
    row = site.instance(name)
    return row["health"] == "ok" and row["state"] == "up" and row["pid"]


def pid_when_well(site, name):
    return wait_until(lambda: is_well(site, name), f"{name} to be up and ok")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_an_agent_of_another_user_works_and_nothing_else_is_opened_to_that_user(own_router, lab):
    lab.write(fake_agent("hers", user=USER), fake_agent("mine"))
    lab.bring_up()
    process = psutil.Process(pid_when_well(lab, "hers"))
    assert set(process.uids()) == {NOBODY.pw_uid}
    assert set(process.gids()) == {NOBODY.pw_gid}
    assert set(psutil.Process(pid_when_well(lab, "mine")).uids()) == {0}
    log = lab.folder / "log/lab/hers.log"
    assert log.stat().st_uid == NOBODY.pw_uid
    assert "joined" in log.read_text()
    run = lab.folder / "run/lab"
    assert mode(run) == 0o751
    writable = {file.name for file in run.iterdir() if mode(file) & stat.S_IWOTH}
    # Whoever can reach the router's port needs no socket.
    assert writable == {"notify.sock", "router.sock"}
    readable = {file.name for file in run.iterdir() if mode(file) & stat.S_IROTH}
    assert "ocsd.pid" not in readable  # its lock keeps the next daemon out
    assert mode(run / "control.sock") == 0o660
    assert mode(lab.folder / "state/lab") == 0o750


def test_the_runtime_folder_stays_shut_where_nobody_else_has_an_agent(lab):
    lab.write(fake_agent("mine"))
    lab.start()
    assert mode(lab.folder / "run/lab") == 0o750


def test_it_is_watched_restarted_and_stopped_as_any_other_also_by_the_next_daemon(lab):
    lab.write(fake_agent("hers", user=USER))
    lab.start()
    pid = pid_when_well(lab, "hers")
    os.kill(lab.status()["pid"], signal.SIGKILL)
    lab.start()
    # Taken over, and heard on the new daemon's socket.
    assert pid_when_well(lab, "hers") == pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: is_well(lab, "hers") not in {False, None, pid}, "the next process")
    assert lab.ocsd("down", "hers").returncode == 0
    assert lab.instance("hers")["state"] == "down"


def test_what_it_published_survives_its_kill_and_a_change_of_the_user(lab):
    lab.write(fake_agent("hers", user=USER))
    lab.start()

    def published(lives):
        held = index(lab.port, "hers")
        rows = [row for feeds in held.values() for row in feeds.values()]
        return held if len(rows) == lives and min(row["next"] for row in rows) > 1 else None

    [first] = wait_until(lambda: published(1), "messages")
    folder = lab.folder / "state/lab/spool/hers"
    assert list(folder.glob(f"{first}/*/*.spool"))
    assert {each.stat().st_uid for each in (folder, *folder.rglob("*"))} == {NOBODY.pw_uid}
    modes = [mode(each) for each in (folder, folder.parent, lab.folder / "state/lab")]
    assert modes == [0o700, 0o750, 0o750]
    os.kill(pid_when_well(lab, "hers"), signal.SIGKILL)
    assert first in wait_until(lambda: published(2), "the next life")
    for lives, user in ((3, "daemon"), (4, None)):
        lab.write(fake_agent("hers", **({"user": user} if user else {})))
        assert lab.ocsd("reload").returncode == 0
        assert first in wait_until(partial(published, lives), f"the life of user {user}")
        assert folder.stat().st_uid == pwd.getpwnam(user or "root").pw_uid
    [feed] = index(lab.port, "hers")[first]
    messages = asked(lab.port, feed, first, name="hers")["messages"]
    assert [info["seq"] for _, info in messages] == list(range(len(messages)))
    assert len(messages) > 1


def test_its_log_is_rotated_by_the_daemon(lab):
    lab.write(fake_agent("hers", user=USER))
    lab.start()
    pid = pid_when_well(lab, "hers")
    log = lab.folder / "log/lab/hers.log"
    os.truncate(log, LOG_FILE_LIMIT_BYTES)
    wait_until(log.with_name("hers.log.1").exists, "the log to be begun anew")
    wait_until(lambda: log.stat().st_size < LOG_FILE_LIMIT_BYTES, "the log to be begun anew")
    assert pid_when_well(lab, "hers") == pid


def test_a_user_who_does_not_exist_or_cannot_get_in_is_named_and_all_else_goes_on(lab):
    shut = lab.folder / "shut"
    shut.mkdir()
    lab.extra_environment["RUNTIME_DIRECTORY"] = str(shut / "run")
    shut.chmod(0o700)
    lab.write(
        fake_agent("mine"),
        fake_agent("typo", user="nobodyy"),
        fake_agent("outside", user=USER),
    )
    begun = lab.start()
    assert begun.returncode == 3
    pid_when_well(lab, "mine")
    typo, outside = lab.instance("typo"), lab.instance("outside")
    assert (typo["state"], outside["state"]) == ("failed", "failed")
    assert "there is no user 'nobodyy' on this machine" in typo["reason"]
    assert f"user 'nobody' cannot get at {shut}/run/lab/notify.sock" in outside["reason"]
    assert f"chmod o+x {shut}" in outside["reason"]
    shut.chmod(0o711)
    assert lab.ocsd("up", "outside").returncode == 0
    pid_when_well(lab, "outside")


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv (util-linux) is not installed")
def test_a_daemon_that_is_not_root_says_that_it_cannot_start_agents_for_others(lab):
    os.chown(lab.folder, NOBODY.pw_uid, NOBODY.pw_gid)
    lab.write(fake_agent("hers", user="daemon"), fake_agent("own", user=USER))
    words = ("-m", "ocsd", "start", "-d", "--host", "lab", "--site-file", lab.file)
    lab.daemons.append("lab")
    begun = subprocess.run(
        [*as_nobody(), sys.executable, *words],
        env={**lab.environment, "HOME": str(lab.folder)},
        cwd=lab.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert begun.returncode == 3, begun.stdout + begun.stderr
    pid_when_well(lab, "own")
    row = lab.instance("hers")
    assert row["state"] == "failed"
    assert "user 'daemon' cannot run this: only root may start processes" in row["reason"]
    assert "the daemon runs as nobody" in row["reason"]


def as_nobody():
    """Return what runs a command as nobody, who yet can read an interpreter below /root."""
    whom = (f"--reuid={USER}", f"--regid={NOBODY.pw_gid}", "--clear-groups")
    read = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    return ["setpriv", *whom, *read]
