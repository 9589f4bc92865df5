"""A host from start to stop, through the command line."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.system.conftest import a_site, fake_agent
from tests.system.survivors import Lab
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def kept_lab():
    """A site with a router of its own, for all tests that leave it as they have found it."""
    with a_site(free_port()) as site:
        site.forks_daemons = False
        yield Lab(site)


@pytest.fixture
def site(site):
    """A site of its own, whose daemon and fork server are interpreters of their own."""
    site.forks_daemons = False
    return site


@pytest.fixture
def lab(kept_lab):
    """Its agents are thermo1 to thermo4, of which the last one has been put down."""
    kept_lab.renew()
    return kept_lab.site


def test_a_host_comes_up_is_told_of_and_goes_down_without_a_trace(own_router, site):
    site.write(fake_agent("thermo1"), fake_agent("thermo2", mode="idle"))
    begun = site.start()
    assert begun.returncode == 0, begun.stdout + begun.stderr
    assert "4 of 4 instances up" in begun.stdout

    status = site.status()
    assert status["host"] == "lab"
    assert status["router"]["state"] == "up"
    assert status["router"]["url"] == f"ws://localhost:{site.port}/ws"
    assert {row["instance_id"]: row["agent_class"] for row in status["instances"]} == {
        "registry": "RegistryAgent",
        "aggregator": "AggregatorAgent",
        "thermo1": "FakeDataAgent",
        "thermo2": "FakeDataAgent",
    }
    for row in status["instances"]:
        assert (row["state"], row["target"], row["health"]) == ("up", "up", "ok"), row
        assert psutil.pid_exists(row["pid"])

    assert site.ocsd("stop").returncode == 0
    assert site.processes() == []
    assert site.ocsd("status").returncode == 69


@pytest.mark.alone
def test_ctrl_c_in_the_foreground_ends_everything_within_two_seconds(own_router, site):
    site.write(*[fake_agent(f"thermo{number}") for number in range(5)])
    daemon = site.foreground()
    for line in daemon.stdout:
        if re.match(r"7 of 7 instances up", line):
            break
    began_s = time.monotonic()
    daemon.send_signal(signal.SIGINT)
    _, errors = daemon.communicate(timeout=30)
    assert time.monotonic() - began_s < 2.0
    assert daemon.returncode == 0
    assert errors == ""
    assert site.processes() == []


def test_an_agent_that_is_killed_comes_back_and_nobody_else_is_touched(lab):
    before = {row["instance_id"]: row["pid"] for row in lab.status()["instances"]}
    os.kill(before["thermo1"], signal.SIGKILL)

    def is_back():
        row = lab.instance("thermo1")
        return row["state"] == "up" and row["pid"] != before["thermo1"] and row

    assert wait_until(is_back, "thermo1 to run again")["restarts"] == 1
    after = {row["instance_id"]: row["pid"] for row in lab.status()["instances"]}
    assert {**after, "thermo1": None} == {**before, "thermo1": None}


def test_up_down_and_restart_say_how_it_went(lab):
    first = lab.instance("thermo1")["pid"]
    restarted = lab.ocsd("restart", "thermo1")
    assert restarted.returncode == 0
    assert re.search(r"thermo1: up after \d+\.\d+ s", restarted.stdout)
    assert lab.instance("thermo1")["pid"] != first

    assert lab.ocsd("down", "thermo1").returncode == 0
    row = lab.instance("thermo1")
    assert (row["state"], row["target"], row["pid"]) == ("down", "down", None)
    assert not psutil.pid_exists(first)
    assert lab.ocsd("up", "thermo1").returncode == 0

    unknown = lab.ocsd("restart", "thermo5")
    assert unknown.returncode == 4
    assert "did you mean 'thermo" in unknown.stderr


def test_what_the_operator_put_down_stays_down_over_a_restart_of_the_daemon(lab):
    lab.ocsd("down", "thermo2")
    lab.ocsd("stop")
    begun = lab.start()
    assert begun.returncode == 0
    row = lab.instance("thermo2")
    assert row["state"] == "down"
    assert re.fullmatch(r"put down on \S+Z by .+; `ocsd up thermo2` starts it", row["reason"])
    assert f"  thermo2 is down: {row['reason']}\n" in begun.stdout
    assert lab.instance("thermo1")["state"] == "up"


def test_the_registry_inside_the_daemon_can_be_restarted_like_an_agent(lab):
    daemon = lab.status()["pid"]
    assert lab.ocsd("restart", "registry").returncode == 0
    row = lab.instance("registry")
    assert (row["state"], row["pid"]) == ("up", daemon)


def test_agents_outlive_their_fork_server_and_are_restarted_by_the_next_one(lab):
    before = {row["instance_id"]: row["pid"] for row in lab.status()["instances"]}
    fork_server = psutil.Process(before["thermo1"]).ppid()
    os.kill(fork_server, signal.SIGKILL)
    os.kill(before["thermo1"], signal.SIGKILL)

    def is_back():
        row = lab.instance("thermo1")
        return row["state"] == "up" and row["pid"] != before["thermo1"]

    wait_until(is_back, "thermo1 to run again")
    assert lab.instance("thermo2")["pid"] == before["thermo2"]
    assert lab.ocsd("restart", "thermo2").returncode == 0  # an orphan is stopped as well
    assert psutil.Process(lab.instance("thermo2")["pid"]).ppid() not in {fork_server, 1}


def test_agents_survive_a_killed_daemon_and_the_next_one_takes_them_over(lab):
    assert lab.ocsd("call", "thermo2", "acq", "stop", "--wait").returncode == 0
    before = {row["instance_id"]: row["pid"] for row in lab.status()["instances"]}
    os.kill(lab.status()["pid"], signal.SIGKILL)
    assert lab.ocsd("status").returncode == 69
    assert lab.start().returncode == 0
    after = {row["instance_id"]: row["pid"] for row in lab.status()["instances"]}
    del before["registry"], after["registry"]  # it lives in the daemon
    assert after == before
    assert lab.status()["router"]["state"] == "up"


def test_a_router_that_already_runs_is_used_and_left_alone(own_router, site):
    site.write(fake_agent("thermo1"), host="first", crossbar={})
    site.write(fake_agent("thermo2"), host="second", crossbar={})
    site.start("first")
    site.start("second")
    assert site.status("second")["router"]["state"] == "external"
    assert site.instance("thermo2", "second")["state"] == "up"
    site.ocsd("stop", "--host", "second")
    assert site.status("first")["router"]["state"] == "up"


def test_agents_outlive_their_router_and_join_the_next_one(lab):
    agent, router = lab.instance("thermo1")["pid"], lab.status()["router"]["pid"]
    os.kill(router, signal.SIGKILL)

    def is_new():
        now = lab.status()["router"]
        return now["state"] == "up" and now["pid"] != router

    wait_until(is_new, "the next router")
    row = wait_until(
        lambda: (row := lab.instance("thermo1"))["health"] == "ok" and row, "thermo1 to join"
    )
    assert row["pid"] == agent


def test_two_hosts_of_a_site_run_side_by_side_on_one_machine(own_router, site):
    site.write(fake_agent("thermo1"), host="main", crossbar={})
    site.write(fake_agent("thermo2"), host="dome")
    assert site.start("main").returncode == 0
    assert site.start("dome").returncode == 0
    assert [row["instance_id"] for row in site.status("dome")["instances"]] == ["thermo2"]
    both = site.ocsd("status")
    assert "main: ok" in both.stdout
    assert "dome: ok" in both.stdout
    several = site.ocsd("reload", "--dry-run")
    assert several.returncode == 2, several.stdout
    assert "--host" in several.stderr


@pytest.mark.parametrize("after_s", [0.15, 0.3, 0.6, 0.8, 1.0, 1.5, 2.5])
def test_ctrl_c_at_any_moment_of_the_start_leaves_nothing(own_router, site, after_s):
    site.write(fake_agent("thermo1"), fake_agent("thermo2"))
    daemon = site.foreground()
    time.sleep(after_s)  # the moment is what is tested
    daemon.send_signal(signal.SIGINT)
    _, errors = daemon.communicate(timeout=30)
    # Otherwise Python itself was interrupted, before it ran `ocsd.__main__`.
    if not any(step in errors for step in ("init_import_site", "_get_module_details")):
        assert "Traceback" not in errors
        # -SIGINT: Python itself ended, before it had loaded anything of ours.
        assert daemon.returncode in {0, 130, -signal.SIGINT}
    wait_until(lambda: site.processes() == [], "the fork server to be gone")


def test_ctrl_c_that_a_library_swallows_ends_the_start_nevertheless(site):
    site.write(fake_agent("thermo1"))
    program = (
        "import os, signal, sys\n"
        "from ocsd.daemon import __main__ as daemon\n"
        "from ocsd.daemon.instances import plan\n"
        "made = plan.plan\n"
        "def swallowing(*arguments):\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    except BaseException:\n"
        "        pass\n"
        "    return made(*arguments)\n"
        "plan.plan = swallowing\n"
        "sys.exit(daemon.main())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "--site-file", site.file, "--host", "lab"],
        env=site.environment,
        cwd=site.folder,
        timeout=60,
    )
    assert ended.returncode == 130
    wait_until(lambda: site.processes() == [], "the fork server to be gone")


def test_nothing_can_be_brought_up_while_everything_stops(site):
    (site.folder / "plugins").mkdir()
    (site.folder / "plugins" / "ocs_plugin_lab.py").write_text("agents = [('Deaf', 'deaf.py')]\n")
    (site.folder / "plugins" / "deaf.py").write_text(
        "import signal\n"
        "from ocsd import ocs_agent, site_config\n"
        "def main():\n"
        "    args = site_config.parse_args(agent_class='Deaf')\n"
        "    agent, runner = ocs_agent.init_site_agent(args)\n"
        "    def deafen():\n"
        "        signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "    from twisted.internet import reactor\n"
        "    reactor.callLater(0.2, deafen)\n"
        "    runner.run(agent)\n"
    )
    plugins = {"agent-paths": [str(site.folder / "plugins")]}
    site.write(fake_agent("thermo1"), {"agent-class": "Deaf", "instance-id": "deaf"}, **plugins)
    site.start()
    daemon = psutil.Process(site.status()["pid"])
    wait_until(
        lambda: "SIGINT" in _ignored(site.instance("deaf")["pid"]), "the agent to be deaf to SIGINT"
    )
    daemon.send_signal(signal.SIGTERM)
    wait_until(lambda: site.status()["stopping"], "the stop to begin")
    for command in (["up", "thermo1"], ["reload"]):
        refused = site.ocsd(*command)
        assert refused.returncode == 1
        assert "is being stopped" in refused.stderr
    assert daemon.wait(timeout=30) in {0, None}


def _ignored(pid):
    """Return the names of the signals that a process ignores (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigIgn")).split()[1]
    return {each.name for each in signal.Signals if int(mask, 16) >> (each - 1) & 1}


def test_a_class_that_is_unsafe_to_fork_gets_an_interpreter_of_its_own(site):
    (site.folder / "plugins").mkdir()
    (site.folder / "plugins" / "ocs_plugin_lab.py").write_text(
        "agents = {'Warm': {'module': 'lab_agent'},\n"
        "          'Cold': {'module': 'lab_agent', 'fork_safe': False}}\n"
    )
    (site.folder / "plugins" / "lab_agent.py").write_text(
        "import sys\n"
        "from ocsd import ocs_agent, site_config\n"
        "def main():\n"
        "    args = site_config.parse_args()\n"
        "    agent, runner = ocs_agent.init_site_agent(args)\n"
        "    agent.log.info('started as {it}', it=sys.orig_argv[-1])\n"
        "    runner.run(agent)\n"
    )
    site.extra_environment = {"PYTHONPATH": str(site.folder / "plugins")}
    site.write(
        {"agent-class": "Warm", "instance-id": "warm"},
        {"agent-class": "Cold", "instance-id": "cold"},
        **{"agent-paths": [str(site.folder / "plugins")]},
    )
    assert site.start().returncode == 0
    assert "started as ocsd.forkserver\n" in site.ocsd("logs", "warm").stdout
    assert "started as ocsd.forkserver.cold\n" in site.ocsd("logs", "cold").stdout
    assert site.ocsd("restart", "cold").returncode == 0


def test_a_closed_terminal_does_not_stop_the_telescope(site):
    site.write(fake_agent("thermo1"))
    daemon = site.foreground()
    next(line for line in daemon.stdout if "instances up" in line)
    daemon.send_signal(signal.SIGHUP)
    daemon.stdout.close()
    daemon.stderr.close()
    assert site.instance("thermo1")["state"] == "up"
    assert site.ocsd("restart", "thermo1").returncode == 0
    site.ocsd("stop")
    assert daemon.wait() == 0


def test_a_module_in_the_working_directory_is_not_taken_for_a_library(site):
    (site.folder / "yaml.py").write_text("raise RuntimeError('not the library')\n")
    site.write(fake_agent("thermo1"))
    assert site.start().returncode == 0


def test_a_fork_server_that_cannot_start_ends_the_start_with_its_reason(site):
    site.write(fake_agent("thermo1"))
    (site.folder / "broken").mkdir()
    (site.folder / "broken" / "setproctitle.py").write_text("raise RuntimeError('broken')\n")
    site.extra_environment = {"PYTHONPATH": str(site.folder / "broken")}
    begun = site.ocsd("start", "-d", "--site-file", str(site.file), "--host", "lab")
    assert begun.returncode == 1
    assert "the fork server ended with exit code 1 while it started" in begun.stderr
    assert site.processes() == []


def test_a_daemon_that_cannot_open_its_sockets_ends_and_says_why(site):
    site.write(fake_agent("thermo1"))
    (site.folder / "run" / "lab" / "control.sock").mkdir(parents=True)
    begun = site.ocsd("start", "-d", "--site-file", str(site.file), "--host", "lab")
    assert begun.returncode == 1
    assert "the daemon cannot start: IsADirectoryError: " in begun.stderr
    assert "Traceback (most recent call last)" in site.ocsd("logs", "ocsd").stdout
    wait_until(lambda: site.processes() == [], "the fork server to be gone")
