"""The unit is right, and a real systemd starts, watches, restarts and stops a host with it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from ocsd.cli.systemd.unit_file import UnitFile
from tests.system.conftest import Site, fake_agent
from tests.system.systemd_machine import REPOSITORY, UNITS, Machine, hierarchies
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

NEEDED = ("systemctl", "systemd-analyze", "unshare", "nsenter", "dbus-daemon", "ps", "setpriv")
SERVICE = "ocsd@lab.service"
WORST_EXPOSURE = 3.0
WHAT_AGENTS_DO = """
import ctypes, os, pathlib, socket, subprocess
here, there = os.openpty()                                 # as a serial port or USB adapter
assert os.open(os.ttyname(there), os.O_RDWR) > 0
assert os.path.exists("/dev/ptmx") and len(os.listdir("/dev")) > 20    # all devices of the machine
for family in (socket.AF_INET, socket.AF_UNIX, socket.AF_NETLINK):
    socket.socket(family, socket.SOCK_DGRAM).close()
ctypes.CFUNCTYPE(None)(lambda: None)()                     # a library of a vendor that calls back
subprocess.run(["true"], check=True)
pathlib.Path("/var/lib/ocsd/data").write_text("")
pathlib.Path("/tmp/ocsd-sandbox").write_text("")           # the machine's own /tmp
"""


def missing():
    """Return why no systemd can be booted here, or nothing."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (Debian: systemd, dbus, procps, util-linux)"
    if os.geteuid() != 0:
        return "only root can make the namespaces in which systemd boots"
    if not hierarchies():
        return "no cgroup can be made here"
    mount = "mount -t tmpfs tmpfs /run"
    tried = subprocess.run(
        ["unshare", "-m", "-p", "-f", "-C", "-u", "-i", "--mount-proc", "sh", "-c", mount],
        capture_output=True,
        text=True,
    )
    return f"namespaces cannot be made here: {tried.stderr}" if tried.returncode else ""


@pytest.fixture(scope="module")
def machine():
    """A booted machine; whatever its tests do, it is gone afterwards."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="ocsd-") as folder:
        os.chmod(folder, 0o755)
        machine = Machine(Path(folder))
        try:
            yield machine
        finally:
            machine.halt()


@pytest.fixture(scope="module")
def user(machine):
    """The unit's own user, or root where the interpreter lies beyond that user's reach."""
    reach = machine.run(
        *("setpriv", "--reuid=9000", "--regid=9000", "--clear-groups"),
        *(sys.executable, "-c", "import ocsd.daemon"),
        check=False,
        PYTHONPATH=REPOSITORY,
    )
    return "root" if reach.returncode else "ocs"


@pytest.fixture(scope="module")
def lab(machine, user):
    """A host that `ocsd install` has started: two agents beside the built-in ones."""
    site = Site(machine.folder)
    site.write(fake_agent("thermo1"), fake_agent("thermo2"))
    environment = f"[Service]\nEnvironment=PYTHONPATH={REPOSITORY}\n"
    output = f"StandardOutput=append:{machine.folder}/output\nRestartSec=100ms\n"
    machine.drop_in("ocsd@.service", "test", environment + output)
    words = ("--host", "lab", "--user", user, "--site-file", site.file)
    return machine.ocsd("install", *words, "--now")


@pytest.fixture
def running(machine, lab):
    """The pids of a host that is up."""
    machine.run("systemctl", "start", SERVICE)
    return machine.pids("lab")


def main_pid(machine):
    return int(machine.show(SERVICE, "MainPID")["MainPID"])


def after_daemon(machine, before):
    """Wait for another daemon than the one of `before`; return the pids under it."""
    wait_until(lambda: main_pid(machine) not in {0, before["daemon"]}, "the next daemon")
    return machine.pids("lab")


def wait_for_status_line(machine, text):
    wait_until(lambda: machine.show(SERVICE, "StatusText")["StatusText"] == text, text)


def assert_only_the_daemon_changed(before, after):
    assert after["daemon"] != before["daemon"]
    # The registry lives in the daemon.
    for pids in (before, after):
        assert pids["registry"] == pids["daemon"]
    own = {"daemon", "registry"}
    assert {name: pid for name, pid in before.items() if name not in own} == {
        name: pid for name, pid in after.items() if name not in own
    }


def wait_for_nothing(machine):
    """Wait until the kernel has cleared away what has just ended."""
    wait_until(lambda: machine.processes() == [], "every process to be gone", 20)


# The files.


@pytest.mark.parametrize("several", [False, True])
def test_the_units_in_the_repository_are_those_that_ocsd_installs(several):
    unit = UnitFile(several=several)
    assert (REPOSITORY / "systemd" / unit.name).read_text() == unit.text


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_finds_nothing_to_say_about_a_unit_and_its_exposure_is_low(several, tmp_path):
    unit = UnitFile(several=several, program=(sys.executable, "-m", "ocsd"))
    path = tmp_path / unit.name
    path.write_text(unit.text)
    verified = subprocess.run(
        ["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=30
    )
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", path],
        capture_output=True,
        text=True,
        timeout=30,
    )
    exposure = re.search(r"Overall exposure level for .*: ([\d.]+)", judged.stdout)
    assert float(exposure[1]) <= WORST_EXPOSURE, judged.stdout


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.skipif(not shutil.which("systemctl"), reason="systemd is not installed")
def test_systemctl_enables_a_unit_of_the_repository_in_an_image(several, tmp_path):
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    name = UnitFile(several=several).name
    shutil.copy(REPOSITORY / "systemd" / name, units)
    service = name.replace("@", "@lab")
    systemctl = ["systemctl", "--root", tmp_path]
    subprocess.run([*systemctl, "enable", service], check=True, capture_output=True)
    assert (units / "multi-user.target.wants" / service).is_symlink()
    state = subprocess.run([*systemctl, "is-enabled", service], capture_output=True, text=True)
    assert state.stdout == "enabled\n"


# A real systemd. The tests share a machine and stand in the order of a host's life.


def test_install_starts_a_host_and_systemctl_tells_how_it_does(machine, lab, user):
    assert f"write {UNITS}/ocsd@.service" in lab.stdout
    assert f"{SERVICE} runs" in lab.stdout
    pids = machine.pids("lab")
    told = machine.run("systemctl", "status", "--no-pager", SERVICE).stdout
    assert "Active: active (running)" in told
    assert 'Status: "4 of 4 instances up"' in told
    assert pids["daemon"] == main_pid(machine)
    for pid in pids.values():
        assert machine.run("ps", "-o", "user=", "-p", str(pid)).stdout.strip() == user


def test_what_agents_need_of_the_machine_is_within_their_sandbox(machine, lab):
    text = machine.run("cat", f"{UNITS}/ocsd@.service").stdout
    program = machine.folder / "agent.py"
    program.write_text(WHAT_AGENTS_DO)
    text = re.sub(r"^Exec.*\n|^Restart=.*\n|^WatchdogSec.*\n", "", text, flags=re.MULTILINE)
    text = text.replace("Type=notify\n", f"Type=oneshot\nExecStart={sys.executable} {program}\n")
    text += f"[Service]\nStandardError=append:{machine.folder}/sandbox\n"
    machine.run("sh", "-c", f'printf "%s" "$0" > {UNITS}/sandbox.service', text)
    done = machine.run("systemctl", "start", "sandbox.service", check=False)
    trouble = machine.folder / "sandbox"
    assert done.returncode == 0, done.stderr + trouble.read_text()
    Path("/tmp/ocsd-sandbox").unlink()


def test_a_killed_daemon_is_started_again_and_takes_its_agents_over(machine, running):
    machine.kill(running["daemon"], signal.SIGKILL)
    assert_only_the_daemon_changed(running, after_daemon(machine, running))
    wait_for_status_line(machine, "4 of 4 instances up")
    assert machine.show(SERVICE, "ActiveState", "NRestarts") == {
        "ActiveState": "active",
        "NRestarts": "1",
    }


def test_systemctl_restart_replaces_the_daemon_and_leaves_the_agents_alone(machine, running):
    machine.run("systemctl", "restart", SERVICE)
    assert_only_the_daemon_changed(running, machine.pids("lab"))


def test_systemctl_reload_starts_and_ends_what_the_site_file_says_and_no_more(machine, running):
    site = Site(machine.folder)
    before = site.file.read_text()
    entries = yaml.safe_load(before)
    entries["hosts"]["lab"]["agent-instances"].append(fake_agent("thermo3"))
    site.file.write_text(yaml.safe_dump(entries))
    machine.run("systemctl", "reload", SERVICE)
    after = machine.pids("lab")
    assert {name: pid for name, pid in after.items() if name != "thermo3"} == running
    site.file.write_text("hosts: [")
    assert machine.run("systemctl", "reload", SERVICE, check=False).returncode != 0
    assert machine.pids("lab") == after
    site.file.write_text(before)
    machine.run("systemctl", "reload", SERVICE)
    wait_until(lambda: "thermo3" not in machine.pids("lab"), "thermo3 to end")
    assert machine.pids("lab") == running


def test_an_upgrade_in_place_changes_nothing_that_systemd_knows(machine, running):
    keys = ("ActiveState", "SubState", "MainPID", "NRestarts", "ExecMainStartTimestamp")
    before = machine.show(SERVICE, *keys)
    upgraded = machine.ocsd("upgrade", "--host", "lab").stdout
    assert upgraded.endswith("; 4 of 4 processes went on\n")
    assert machine.pids("lab") == running
    wait_for_status_line(machine, "4 of 4 instances up")
    assert machine.show(SERVICE, *keys) == before


def test_a_daemon_that_hangs_is_shot_by_the_watchdog_and_shows_where_it_hung(machine, running):
    machine.drop_in("ocsd@.service", "watchdog", "[Service]\nWatchdogSec=3s\n")
    machine.run("systemctl", "restart", SERVICE)
    before = machine.pids("lab")
    machine.kill(before["daemon"], signal.SIGSTOP)
    assert_only_the_daemon_changed(before, after_daemon(machine, before))
    assert "Fatal Python error: Aborted" in (machine.folder / "output").read_text()
    machine.drop_in("ocsd@.service", "watchdog", "")
    machine.run("systemctl", "restart", SERVICE)


def test_the_status_line_follows_what_happens(machine, running):
    machine.ocsd("down", "thermo2", "--host", "lab")
    wait_for_status_line(machine, "3 of 3 instances up")
    machine.ocsd("up", "thermo2", "--host", "lab")
    wait_for_status_line(machine, "4 of 4 instances up")


def test_a_stop_ends_everything_and_a_start_brings_it_back(machine, running):
    machine.run("systemctl", "stop", SERVICE)
    wait_for_nothing(machine)
    assert machine.show(SERVICE, "ActiveState", "Result") == {
        "ActiveState": "inactive",
        "Result": "success",
    }
    machine.run("systemctl", "start", SERVICE)
    assert machine.pids("lab").keys() == running.keys()


def test_ocsd_stop_by_hand_is_no_failure_that_systemd_would_mend(machine, running):
    machine.ocsd("stop", "--host", "lab")
    wait_until(
        lambda: machine.show(SERVICE, "ActiveState")["ActiveState"] == "inactive", "systemd to see"
    )
    assert machine.show(SERVICE, "Result", "NRestarts")["Result"] == "success"
    wait_for_nothing(machine)


def test_what_a_daemon_left_that_cannot_start_again_is_ended_by_hand(machine, running):
    # Of two drop-ins the one whose name comes last in the alphabet wins; `test` says 100 ms.
    machine.drop_in("ocsd@.service", "very-late", "[Service]\nRestartSec=1h\n")
    assert machine.show(SERVICE, "RestartUSec")["RestartUSec"] == "1h"
    machine.kill(running["daemon"], signal.SIGKILL)
    wait_until(
        lambda: machine.show(SERVICE, "SubState")["SubState"] == "auto-restart", "systemd to see"
    )
    machine.run("systemctl", "stop", SERVICE)
    machine.drop_in("ocsd@.service", "very-late", "")
    alive = {name for name in running if "ocsd: " + name in " ".join(machine.processes())}
    assert alive == {"aggregator", "thermo1", "thermo2"}
    stopped = machine.ocsd("stop", "--host", "lab").stdout
    assert stopped.startswith("lab: no daemon was running; ended what it had left: ")
    wait_for_nothing(machine)
    assert machine.ocsd("stop", check=False).returncode == 69


def test_a_stop_while_it_starts_leaves_nothing_behind(machine, lab):
    machine.run("systemctl", "start", "--no-block", SERVICE)
    wait_until(lambda: machine.ocsd("status", check=False).returncode != 69, "the daemon")
    machine.run("systemctl", "stop", SERVICE)
    wait_for_nothing(machine)
    assert machine.show(SERVICE, "ActiveState")["ActiveState"] == "inactive"


def test_agents_of_other_users_run_with_what_the_manual_says_to_add(machine, running, user):
    if user == "root":
        pytest.skip("no other user can run this interpreter")
    manual = (REPOSITORY / "docs/run/systemd.md").read_text()
    addition = re.search(r"Agents of other users.*?```ini\n(.*?)```", manual, re.DOTALL)[1]
    site = Site(machine.folder)
    before = site.file.read_text()
    entries = yaml.safe_load(before)
    entries["hosts"]["lab"]["agent-instances"][0]["user"] = "nobody"
    machine.run("systemctl", "stop", SERVICE)
    site.file.write_text(yaml.safe_dump(entries))
    machine.drop_in("ocsd@.service", "users", addition)
    machine.run("systemctl", "start", SERVICE)
    pids = machine.pids("lab")
    owners = {name: machine.run("ps", "-o", "user=", "-p", str(pids[name])) for name in pids}
    assert {name: told.stdout.strip() for name, told in owners.items()} == {
        **dict.fromkeys(pids, "root"),
        "thermo1": "nobody",
    }
    machine.run("systemctl", "stop", SERVICE)
    wait_for_nothing(machine)
    machine.drop_in("ocsd@.service", "users", "")
    site.file.write_text(before)


def test_disable_now_ends_everything_and_remove_takes_the_unit_away(machine, running):
    machine.run("systemctl", "disable", "--now", SERVICE)
    wait_for_nothing(machine)
    assert machine.run("systemctl", "is-enabled", SERVICE, check=False).stdout == "disabled\n"
    machine.run("systemctl", "enable", "--now", SERVICE)
    assert machine.pids("lab").keys() == running.keys()
    machine.ocsd("install", "--remove", "--host", "lab")
    wait_for_nothing(machine)
    assert machine.run("ls", UNITS / "ocsd@.service", check=False).returncode != 0
