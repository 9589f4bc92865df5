"""Agents survive whatever happens to the daemon and to the fork server."""

import os
import signal
import subprocess
import time

import psutil
import pytest

from ocsd.forkserver.protocol import Spawned, encode
from ocsd.forkserver.record import boot_id
from ocsd.system.proc import start_ticks
from tests.system.conftest import a_site, fake_agent
from tests.system.invariants import Watch, copies, fork_servers
from tests.system.survivors import Lab, is_dead, is_up
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def kept_lab():
    """A lab with a router of its own, for all tests: each start takes seconds of CPU."""
    with a_site(free_port()) as site:
        yield Lab(site)


@pytest.fixture
def lab(request, kept_lab):
    """The lab, with everything up and nothing on record."""
    if "new_daemon" in request.fixturenames:
        kept_lab.site.ocsd("stop")
    kept_lab.renew()
    return kept_lab


@pytest.fixture
def new_daemon():
    """Tells `lab` that daemon and fork server must be new: the one started the other."""


def test_the_daemon_is_killed(lab):
    with Watch(lab.site):
        lab.kill(lab.status()["pid"])
        lab.start()
    lab.is_as_it_was()


def test_the_daemon_is_killed_and_an_agent_ends_before_the_next_one_starts(lab):
    with Watch(lab.site, may_change=["thermo1"]):
        lab.kill(lab.status()["pid"])
        ended_after = time.time()
        lab.kill(lab.pids["thermo1"])
        ended_before = time.time()
        lab.start()
    lab.is_as_it_was(but=["thermo1"])
    [end] = lab.ends("thermo1")
    assert (end.pid, end.signal, end.code) == (lab.pids["thermo1"], signal.SIGKILL, None)
    assert end.reason == "while no daemon ran: killed by SIGKILL"
    assert ended_after <= end.at <= ended_before + 1
    assert lab.counted_ends("thermo1") == 1


def test_the_fork_server_is_killed(new_daemon, lab):
    with Watch(lab.site, may_change=["thermo1", "thermo2"]):
        fork_server = lab.fork_server
        lab.kill(fork_server)
        lab.is_as_it_was()
        [end] = wait_until(lambda: lab.ends("ocsd", "ForkServerEnded"), "its end on record")
        assert (end.pid, end.reason) == (fork_server, "killed by SIGKILL")
        lab.kill(lab.pids["thermo1"])
        wait_until(lambda: is_up(lab, "thermo1") not in {None, lab.pids["thermo1"]}, "thermo1")
        # An orphan is stopped and started like any other.
        assert lab.site.ocsd("restart", "thermo2").returncode == 0
        children = {each.pid for each in psutil.Process(lab.fork_server).children()}
        assert children == {lab.row("thermo1")["pid"], lab.row("thermo2")["pid"]}
    lab.is_as_it_was(but=["thermo1", "thermo2"])
    [end] = lab.ends("thermo1")
    assert "cause unknown: exit code unknown" in end.reason
    assert "was gone: killed by SIGKILL" in end.reason
    assert "while it started" not in lab.log()


def test_the_fork_server_is_killed_while_no_daemon_runs(lab):
    with Watch(lab.site):
        fork_server = lab.fork_server
        lab.kill(lab.status()["pid"])
        lab.kill(fork_server)
        lab.start()
    lab.is_as_it_was()


def test_daemon_and_fork_server_are_killed_together(lab):
    with Watch(lab.site):
        lab.kill(lab.fork_server, lab.status()["pid"])
        lab.start()
        lab.is_as_it_was()
        # Within two seconds all of them have told the new daemon how they are.
        assert {row["health"] for row in lab.status()["instances"] if row["pid"]} == {"ok"}
        # The next daemons find the orphans of the first fork server, too.
        lab.kill(lab.status()["pid"])
        lab.start()
        lab.is_as_it_was()
        lab.kill(lab.fork_server, lab.status()["pid"])
        lab.start()
    lab.is_as_it_was()


def test_both_are_killed_and_an_agent_ends_before_the_next_daemon_starts(lab):
    with Watch(lab.site, may_change=["thermo1"]):
        lab.kill(lab.fork_server, lab.status()["pid"], lab.pids["thermo1"])
        lab.start()
        # Watched orphans that end later are started again, once.
    lab.is_as_it_was(but=["thermo1"])
    [end] = lab.ends("thermo1")
    assert (end.pid, end.reason) == (
        lab.pids["thermo1"],
        "ended while no daemon ran, exit code unknown",
    )
    assert lab.counted_ends("thermo1") == 1
    assert [each.reason for each in lab.ends("ocsd", "ForkServerEnded")] == [
        "ended while no daemon ran, exit code unknown"
    ]
    with Watch(lab.site, may_change=["thermo2"]):
        lab.kill(lab.pids["thermo2"])
        wait_until(lambda: is_up(lab, "thermo2") not in {None, lab.pids["thermo2"]}, "thermo2")
    # What is on record is told once, and what was asked to end is on record as that.
    lab.kill(lab.fork_server, lab.status()["pid"])
    assert lab.site.ocsd("stop").returncode == 0
    lab.start()
    names = ("thermo1", "thermo2", "thermo3")
    assert [lab.counted_ends(name) for name in names] == [1, 1, 0]
    assert ["ocsd stop" in lab.ends(name)[-1].reason for name in names] == [True, True, True]


SPAWNING = """
import subprocess, time
from ocs import ocs_agent, site_config

STUBBORN = "trap '' INT TERM; while :; do sleep 1; done"

def main(args=None):
    args = site_config.parse_args(agent_class="Spawning", args=args)
    agent, runner = ocs_agent.init_site_agent(args)
    for shell in (STUBBORN, "exec sleep 1000"):
        subprocess.Popen(["sh", "-c", shell])
    runner.run(agent)
"""


@pytest.fixture(scope="module")
def spawning():
    """A site of one agent with children. After each test it is a child of the fork server again."""
    with a_site(free_port()) as site:
        plugins = site.folder / "plugins"
        plugins.mkdir()
        (plugins / "ocs_plugin_spawning.py").write_text("agents = {'Spawning': 'spawning.py'}")
        (plugins / "spawning.py").write_text(SPAWNING)
        entry = {"agent-class": "Spawning", "instance-id": "parent"}
        site.write(entry, **{"agent-paths": [str(plugins)]})
        site.bring_up()
        yield site


@pytest.mark.parametrize("end", ["kill", "restart", "killed while no daemon runs"])
def test_the_children_of_an_orphan_do_not_outlive_it(spawning, end):
    site = spawning
    parent = psutil.Process(site.instance("parent")["pid"])
    children = wait_until(lambda: len(found := parent.children()) == 2 and found, "its children")
    [fork_server] = wait_until(lambda: fork_servers(site), "a fork server")
    os.kill(fork_server, signal.SIGKILL)
    if end == "restart":
        assert site.ocsd("restart", "parent").returncode == 0
    elif end == "kill":
        parent.kill()
    else:
        daemon = psutil.Process(site.status()["pid"])
        wait_until(lambda: fork_servers(site) not in ([], [fork_server]), "the next fork server")
        for each in (daemon, psutil.Process(fork_servers(site)[0]), parent):
            each.kill()
        assert site.start().returncode == 0
    wait_until(lambda: all(map(is_dead, children)), "the end of its children")
    wait_until(
        lambda: (row := site.instance("parent"))["state"] == "up" and row["pid"] != parent.pid,
        "the next one",
    )


def test_a_stopped_worker_of_an_orphaned_router_does_not_keep_its_port(new_daemon, lab):
    router = psutil.Process(lab.pids["router"])
    workers = wait_until(lambda: router.children(recursive=True), "its workers")
    lab.kill(lab.fork_server)
    for each in workers:
        each.suspend()
    lab.kill(router.pid)
    wait_until(lambda: all(map(is_dead, workers)), "the end of its workers")
    wait_until(
        lambda: (
            lab.status()["router"]["state"] == "up" and lab.status()["router"]["pid"] != router.pid
        ),
        "the next router",
    )
    assert not any("no WAMP router" in each.reason for each in lab.ends("router"))


@pytest.mark.alone
def test_an_orphan_tells_a_new_daemon_within_two_seconds_that_it_is_ready(lab):
    lab.kill(lab.fork_server, lab.status()["pid"])
    daemon = lab.site.foreground()
    try:
        wait_until(lab.record.exists, "the record")
        wait_until(lambda: "found running" in next(daemon.stdout, "found running"), "the adoption")
        adopted_at = time.time()
        wait_until(lambda: is_up(lab, "thermo1"), "thermo1", limit_s=5)
        assert lab.row("thermo1")["since_at"] - adopted_at < 2.0
    finally:
        lab.site.ocsd("stop")
        daemon.communicate(timeout=30)


def test_stop_ends_what_has_neither_daemon_nor_fork_server(lab):
    lab.kill(lab.fork_server, lab.status()["pid"])
    assert set(copies(lab.site)) == set(lab.pids)
    stopped = lab.site.ocsd("stop")
    assert stopped.returncode == 0, stopped.stderr
    assert [name for name in lab.pids if name not in stopped.stdout] == [], stopped
    assert lab.site.processes() == []
    assert lab.site.ocsd("stop").returncode == 69


def test_stop_ends_orphans_and_children_of_a_fork_server(new_daemon, lab):
    lab.kill(lab.fork_server)
    restarted = lab.site.ocsd("restart", "thermo1")
    assert restarted.returncode == 0, restarted
    lab.kill(lab.status()["pid"])
    stopped = lab.site.ocsd("stop")
    assert [name for name in lab.pids if name not in stopped.stdout] == [], stopped
    assert lab.site.processes() == []


def test_a_record_fools_nobody_with_numbers_that_others_have_by_now(site):
    site.write(fake_agent("thermo1"))
    other = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        record = site.folder / "run" / "lab" / "processes"
        record.parent.mkdir(parents=True)
        wrong = [
            Spawned("thermo1", other.pid, start_ticks(other.pid) - 1),
            Spawned("router", os.getpid(), start_ticks(os.getpid()) + 1),
        ]
        record.write_bytes(f"{boot_id()}\n".encode() + b"".join(map(encode, wrong)))
        site.bring_up()
        assert site.instance("thermo1")["pid"] not in {other.pid, None}
        assert site.ocsd("stop").returncode == 0
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_record_of_another_boot_is_not_believed(site):
    site.write(fake_agent("thermo1"))
    other = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        record = site.folder / "run" / "lab" / "processes"
        record.parent.mkdir(parents=True)
        right = Spawned("thermo1", other.pid, start_ticks(other.pid))
        boot = "01234567-89ab-cdef-0123-456789abcdef"
        record.write_bytes(f"{boot}\n".encode() + encode(right))
        assert site.ocsd("stop").returncode == 69
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("damage", ["torn", "garbage", "empty"])
def test_a_damaged_record_is_told_and_survived(lab, damage):
    whole = lab.record.read_bytes()
    damaged = {
        "torn": whole[:-30],
        "garbage": whole + b"\x00\xff{]\n[1]\n" + b'["Spawned", {"name": "x", "pid": "1"}]\n',
        "empty": b"",
    }[damage]
    lab.kill(lab.fork_server, lab.status()["pid"])
    lab.record.write_bytes(damaged)
    if damage == "garbage":
        lab.start()
        lab.is_as_it_was()
    else:
        # What the record has lost, nobody can know; the others are taken over.
        for name in {"torn": ["thermo3"], "empty": lab.pids}[damage]:
            lab.kill(lab.pids[name])
        lab.start()
        if damage == "torn":
            lab.is_as_it_was(but=["thermo3"])
    assert "record of processes" in lab.log()
    # Until all was stopped there may be second copies.
    assert "record of processes" in lab.status()["trouble"]
    lab.kill(lab.status()["pid"])
    lab.start()
    assert "record of processes" in lab.status()["trouble"]
    assert lab.site.ocsd("stop").returncode == 0
    lab.start()
    assert lab.status()["trouble"] == ""


def test_remembered_targets_that_are_lost_are_told_by_status(lab):
    targets = lab.site.folder / "state" / "lab" / "targets.json"
    assert lab.site.ocsd("stop").returncode == 0
    targets.write_text('{"thermo4": ')
    lab.start()
    assert "remembered targets are lost" in lab.status()["trouble"]
    assert is_up(lab, "thermo4")
    assert lab.site.ocsd("down", "thermo4").returncode == 0
    lab.kill(lab.status()["pid"])
    lab.start()
    assert lab.status()["trouble"] == ""


def test_the_last_words_of_an_earlier_process_are_not_those_of_a_later_one(site):
    plugins = site.folder / "plugins"
    plugins.mkdir()
    (plugins / "ocs_plugin_ending.py").write_text("agents = {'Ending': 'ending.py'}")
    code = plugins / "ending.py"
    ending = "import os\ndef main(args=None):\n    os.write(2, {words!r})\n    os._exit({code})\n"
    code.write_text(ending.format(words=b"ADC card 3\n", code=3))
    entry = {"agent-class": "Ending", "instance-id": "ending", "restart": "never"}
    site.write(entry, **{"agent-paths": [str(plugins)]})
    site.start()
    told = wait_until(lambda: site.instance("ending")["reason"], "its end")
    assert told == "ended with exit code 3: ADC card 3; restart is never"
    code.write_text(ending.format(words=b"", code=4))
    site.ocsd("restart", "ending")
    wait_until(
        lambda: site.instance("ending")["reason"] == "ended with exit code 4; restart is never",
        "its second end",
    )


DONE = "ended with exit code 0; restart is on-failure"
JOB = """
import os, time

def main(args=None):
    open("runs", "a").write("x")
    while not os.path.exists("end"):
        time.sleep(0.02)
    os._exit(0)
"""


def test_a_job_that_is_done_is_done_once_and_keeps_nobody_waiting(site):
    plugins, runs, end = (site.folder / name for name in ("plugins", "runs", "end"))
    plugins.mkdir()
    (plugins / "ocs_plugin_job.py").write_text("agents = {'Job': 'job.py'}")
    (plugins / "job.py").write_text(JOB)
    end.touch()
    job = {"agent-class": "Job", "instance-id": "job", "restart": "on-failure"}
    site.write(job, fake_agent("b", after=["job"]), **{"agent-paths": [str(plugins)]})
    site.start()
    assert site.ocsd("restart", "b").returncode == 0
    assert site.ocsd("upgrade").returncode == 0
    row = site.instance("job")
    assert (row["state"], row["target"]) == ("down", "down")
    assert row["reason"] == DONE
    assert runs.read_text() == "x"

    end.unlink()
    assert site.ocsd("up", "job", "--timeout", "1").returncode == 75
    process = psutil.Process(site.instance("job")["pid"])
    os.kill(site.status()["pid"], signal.SIGKILL)
    end.touch()
    wait_until(lambda: is_dead(process), "its end")
    site.start()
    assert site.instance("b")["state"] == "up"
    assert site.instance("job")["reason"] == f"while no daemon ran: {DONE}"
    assert runs.read_text() == "xx"

    os.kill(site.status()["pid"], signal.SIGKILL)
    stopped = site.ocsd("stop")
    assert stopped.returncode == 0, stopped.stderr
    site.start()
    assert runs.read_text() == "xxx"


def test_a_stopped_daemon_costs_the_agents_nothing(lab):
    with Watch(lab.site):
        daemon = psutil.Process(lab.status()["pid"])
        daemon.suspend()
        wait_until(lambda: daemon.status() == psutil.STATUS_STOPPED, "the stop")
        assert lab.site.ocsd("status").returncode == 75
        daemon.resume()
        wait_until(lambda: is_up(lab, "thermo1"), "the daemon")
    lab.is_as_it_was()


def test_a_stopped_fork_server_delays_a_restart_but_nothing_else(new_daemon, lab):
    fork_server = lab.fork_server
    with Watch(lab.site, may_change=["thermo1"]):
        os.kill(fork_server, signal.SIGSTOP)
        asked = lab.site.ocsd("restart", "thermo1", "--timeout", "1")
        assert asked.returncode == 75
        assert lab.row("thermo2")["health"] == "ok"
        os.kill(fork_server, signal.SIGCONT)
        wait_until(lambda: is_up(lab, "thermo1") not in {None, lab.pids["thermo1"]}, "thermo1")
    lab.is_as_it_was(but=["thermo1"])
    assert lab.fork_server == fork_server


def test_no_daemon_starts_beside_a_fork_server_that_is_stuck(lab):
    fork_server = lab.fork_server
    os.kill(fork_server, signal.SIGSTOP)
    lab.kill(lab.status()["pid"])
    refused = lab.site.ocsd("start", "-d", "--site-file", lab.site.file, "--host", "lab")
    assert refused.returncode == 1
    assert f"(pid {fork_server}) does not answer" in refused.stderr
    assert f"kill -CONT {fork_server} lets it go on" in refused.stderr
    os.kill(fork_server, signal.SIGCONT)
    lab.start()
    lab.is_as_it_was()
