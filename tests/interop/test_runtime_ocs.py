"""`runtime: ocs`: an agent on the published OCS, kept by our daemon from outside."""

import os
import pwd
import subprocess
from pathlib import Path

import psutil
import pytest

from ocsd.client.http import ControlClient
from ocsd.system.proc import start_ticks
from tests.system.conftest import fake_agent, kept_router, own_router, router, site  # noqa: F401 # fixtures
from tests.system.waiting import wait_until

pytestmark = pytest.mark.interop

NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def lab(request, ocs_python):
    """A site of its own, with one agent on OCS and one on ocsd."""
    lab = request.getfixturevalue("site")
    lab.python = str(ocs_python)
    return lab


def old_agent(lab, name="old1", **more):
    return fake_agent(name, runtime="ocs", python=lab.python, **more)


def started(lab):
    done = lab.start()
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def client(lab, name="old1"):
    return ControlClient(f"observatory.{name}", f"http://localhost:{lab.port}/call")


def test_an_agent_on_the_published_ocs_is_started_asked_restarted_and_ended(lab):
    lab.write(old_agent(lab), fake_agent("new1"))
    started(lab)
    row = lab.instance("old1")
    assert (row["state"], row["health"]) == ("up", "ok")
    environment = psutil.Process(row["pid"]).environ()
    assert "compat" not in environment.get("PYTHONPATH", "")
    assert "NOTIFY_SOCKET" not in environment
    assert client(lab).get_api()["instance_pid"] == row["pid"]
    assert client(lab).request("start", "delay_task", {"delay": 0.1})[0] == 0
    assert client(lab).request("wait", "delay_task")[2]["success"]
    assert "delay_task" in (lab.folder / "log/lab/old1.log").read_text()

    os.kill(row["pid"], 9)
    wait_until(lambda: lab.instance("old1")["restarts"] == 1, "the restart")
    wait_until(lambda: lab.instance("old1")["state"] == "up", "the agent")
    again = lab.instance("old1")
    assert again["pid"] != row["pid"]
    assert "SIGKILL" in (lab.folder / "log/lab/ocsd.log").read_text()
    assert client(lab).get_api()["instance_pid"] == again["pid"]

    down = lab.ocsd("down", "old1")
    assert down.returncode == 0, down.stdout + down.stderr
    assert not psutil.pid_exists(again["pid"])
    assert lab.instance("old1")["state"] == "down"
    assert lab.instance("old1")["reason"].startswith("put down on ")  # SIGINT was enough


@pytest.fixture
def for_everybody(lab):
    """A Python with the published OCS that any user may run; ours may lie in root's home."""
    [packages] = Path(lab.python).parents[1].glob("lib/python3*/site-packages")
    program = lab.folder / "python"
    # -S: packages of the system would come between.
    program.write_text(f'#!/bin/sh\nPYTHONPATH={packages} exec /usr/bin/python3 -S "$@"\n')
    lab.folder.chmod(0o755)
    program.chmod(0o755)
    run = subprocess.run([program, "-c", "import ocs.ocs_agent"], user=NOBODY, check=False)
    if run.returncode:
        pytest.skip("the system's Python is not of the version that OCS is installed for")
    return str(program)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start processes for others")
def test_it_runs_as_another_user(lab, for_everybody):
    lab.write({**old_agent(lab, user="nobody"), "python": for_everybody})
    started(lab)
    row = lab.instance("old1")
    assert (row["state"], row["health"]) == ("up", "ok"), row["reason"]
    assert set(psutil.Process(row["pid"]).uids()) == {NOBODY}
    assert client(lab).get_api()["instance_pid"] == row["pid"]
    restarted = lab.ocsd("restart", "old1")
    assert restarted.returncode == 0, restarted.stdout


def test_what_it_publishes_is_recorded(lab):
    short = ["--mode", "acq", "--num-channels", 2, "--sample-rate", 10, "--frame-length", 1]
    lab.write({**old_agent(lab), "arguments": short})
    started(lab)

    def recorded():
        return [
            file
            for file in (lab.folder / "state/lab/data").glob("*/*.g3")
            if b"observatory.old1.feeds.false_temperatures" in file.read_bytes()
        ]

    wait_until(recorded, "a file with its data")


def test_a_new_daemon_takes_it_over(lab):
    lab.write(old_agent(lab))
    started(lab)
    pid = lab.instance("old1")["pid"]
    daemon = psutil.Process(lab.status()["pid"])
    daemon.kill()
    wait_until(lambda: not start_ticks(daemon.pid), "its end")
    started(lab)
    row = lab.instance("old1")
    assert (row["pid"], row["state"], row["restarts"]) == (pid, "up", 0)


@pytest.mark.usefixtures("own_router")
def test_it_outlives_the_router(lab):
    lab.write(old_agent(lab))
    started(lab)
    pid = lab.instance("old1")["pid"]
    # Killed, it would be back before anybody misses it.
    assert lab.ocsd("down", "router").returncode == 0
    wait_until(lambda: lab.instance("old1")["health"] == "degraded", "the news")
    assert lab.ocsd("up", "router").returncode == 0
    wait_until(lambda: lab.instance("old1")["health"] == "ok", "its return")
    assert lab.instance("old1")["pid"] == pid


def test_what_cannot_be_run_with_ocs_has_failed_with_the_reason(lab):
    lab.write(
        {**old_agent(lab, "unknown"), "agent-class": "NoSuchAgent"},
        {**old_agent(lab, "gone"), "python": "no/python"},
        {**old_agent(lab, "without"), "python": None},
    )
    done = lab.start()
    assert done.returncode == 3
    rows = {name: lab.instance(name) for name in ("unknown", "gone", "without")}
    assert {row["state"] for row in rows.values()} == {"failed"}, rows
    assert (
        f"no package of {lab.python} has the agent class 'NoSuchAgent'" in rows["unknown"]["reason"]
    )
    assert f"No such file or directory: '{lab.folder}/no/python'" in rows["gone"]["reason"]
    assert "has no published ocs" in rows["without"]["reason"]
