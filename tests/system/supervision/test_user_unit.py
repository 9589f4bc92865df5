"""A unit of a user, `ocsd install --user-unit`: a real `systemd --user` runs a host with it.

The system manager of a booted machine runs the user's manager as ``user@.service`` does, but
without PAM and logind.
"""

import json
import shutil
import subprocess
import sys

import pytest

from ocsd.cli.systemd.unit_file import UnitFile
from tests.system.conftest import Site, fake_agent
from tests.system.supervision.test_systemd import machine as machine
from tests.system.systemd_machine import REPOSITORY, UNITS
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

SERVICE = "ocsd@lab.service"
UID = 9000
RUNTIME = f"/run/user/{UID}"
MANAGER = """
[Service]
User={uid}
Delegate=yes
Type=notify
Environment=HOME={home} XDG_RUNTIME_DIR={runtime}
Environment=SYSTEMD_UNIT_PATH={home}/.config/systemd/user:/usr/lib/systemd/user
ExecStart=/lib/systemd/systemd --user
KillMode=mixed
"""


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_finds_nothing_to_say_about_a_unit_of_a_user(several, tmp_path):
    unit = UnitFile(several=several, program=(sys.executable, "-m", "ocsd"), of_user=True)
    path = tmp_path / unit.name.replace("@", "@lab")
    path.write_text(unit.text)
    verified = subprocess.run(
        ["systemd-analyze", "--user", "verify", path],
        env={"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


class User:
    """Somebody without root, with a service manager."""

    def __init__(self, machine):
        self.machine = machine
        self.home = machine.folder / "home"
        self.home.mkdir()
        shutil.chown(self.home, UID, UID)
        manager = MANAGER.format(uid=UID, home=self.home, runtime=RUNTIME)
        machine.run("install", "-d", "-o", str(UID), "-g", str(UID), "-m", "700", RUNTIME)
        machine.run("sh", "-c", f'printf "%s" "$0" > {UNITS}/manager.service', manager)
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", "manager.service")

    def run(self, *command, check=True):
        return self.machine.run(
            *("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", *command),
            check=check,
            HOME=self.home,
            XDG_RUNTIME_DIR=RUNTIME,
            PYTHONPATH=REPOSITORY,
            NO_COLOR="1",
        )

    def ocsd(self, *words, check=True):
        return self.run(sys.executable, "-m", "ocsd", *words, check=check)

    def systemctl(self, *words, check=True):
        return self.run("systemctl", "--user", *words, check=check).stdout

    def pids(self):
        """Return the pids of a host that is up."""

        def pids():
            told = self.ocsd("status", "-a", "--json", check=False)
            rows = json.loads(told.stdout)["instances"] if told.returncode == 0 else []
            return {row["instance_id"]: row["pid"] for row in rows}

        return wait_until(pids, "the host to be up")


@pytest.fixture(scope="module")
def user(machine):
    user = User(machine)
    reach = user.run(sys.executable, "-c", "import ocsd.daemon", check=False)
    if reach.returncode:
        pytest.skip(f"the interpreter is beyond the reach of a user: {reach.stderr}")
    return user


def test_a_user_installs_restarts_stops_and_removes_a_host(machine, user):
    site = Site(machine.folder)
    site.write(fake_agent("thermo1"))
    words = ("install", "--user-unit", "--host", "lab", "--site-file", str(site.file))
    folder = user.home / ".config/systemd/user/ocsd@.service.d"
    drop_in = f"[Service]\nEnvironment=PYTHONPATH={REPOSITORY}\n"
    user.run("mkdir", "-p", folder)
    user.run("sh", "-c", f'printf "%s" "$0" > {folder}/test.conf', drop_in)

    told = user.ocsd(*words, "--now").stdout
    assert f"write {user.home}/.config/systemd/user/ocsd@.service\n" in told
    assert f"{SERVICE} runs; see: systemctl --user status {SERVICE}, ocsd status" in told
    assert "ocs does not linger" in told
    assert "loginctl enable-linger ocs" in told
    assert user.systemctl("is-enabled", SERVICE) == "enabled\n"
    before = user.pids()
    shown = user.systemctl("show", "--property=StatusText,ActiveState", SERVICE)
    assert "ActiveState=active" in shown
    assert "instances up" in shown

    # ExecStop asks the right manager whether this is a restart, so the agents run on.
    user.systemctl("restart", SERVICE)
    after = user.pids()
    assert after["registry"] != before["registry"]
    assert after["thermo1"] == before["thermo1"]

    user.ocsd(*words[:-2], "--remove")
    assert user.systemctl("is-active", SERVICE, check=False) == "inactive\n"
    assert user.ocsd("status", check=False).returncode == 69
    gone = user.run("sh", "-c", f"kill -0 {after['thermo1']}", check=False)
    assert gone.returncode != 0
