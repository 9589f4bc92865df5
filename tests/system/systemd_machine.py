"""A machine that systemd boots: namespaces of its own, with a real system manager as process 1.

The unit runs as written, with its user, its sandbox and its folders. What it could do
to the true machine is kept away: cgroups, /run, /etc/systemd, /var/lib and /var/log are the
namespace's own, /proc/sys is read-only, and no unit of the true machine is loaded.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.system.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
UNITS = Path("/etc/systemd/system")
CGROUPS = Path("/sys/fs/cgroup")

# Runs in the new namespaces, as their process 1. $1: a folder.
BOOT = r"""
set -e
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
    hybrid=$([ ! -d /sys/fs/cgroup/unified ] || echo /sys/fs/cgroup/unified)
    # Not the machine's own tmpfs: systemd makes this one read-only, for whoever has it mounted.
    mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    mkdir /sys/fs/cgroup/systemd $hybrid
    mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
    [ -z "$hybrid" ] || mount -t cgroup2 cgroup2 $hybrid
fi
mkdir -p $1/root /var/lib /var/log /etc/systemd/system
mount --rbind /root $1/root
mount -t tmpfs -o mode=755 tmpfs /root
# An interpreter below /root is in reach of the unit's user here, and of nobody outside.
for each in $(ls -A $1/root); do
    [ ! -d $1/root/$each ] || { mkdir /root/$each; mount --rbind $1/root/$each /root/$each; }
done
for each in /run /var/lib /var/log /etc/systemd/system /usr/lib/systemd/system-generators \
        /usr/lib/systemd/system-environment-generators; do
    [ ! -d $each ] || mount -t tmpfs -o mode=755 tmpfs $each
done
for each in passwd group; do mount --bind $1/$each /etc/$each; done
cp $1/units/* /etc/systemd/system/
mkdir /run/systemd
exec env -i PATH=$PATH container=ocsd-test SYSTEMD_UNIT_PATH=/etc/systemd/system \
    /lib/systemd/systemd --system --unit=multi-user.target --log-target=console --show-status=no
"""
TARGETS = ("sysinit", "basic", "multi-user")


def hierarchies():
    """Return the cgroup file systems in which a machine can have a group of its own."""
    roots = (CGROUPS, CGROUPS / "systemd", CGROUPS / "unified")
    return [root for root in roots if os.access(root / "cgroup.procs", os.W_OK)]


class Machine:
    """One booted machine.

    Parameters
    ----------
    folder : Path
        For what it needs; seen from inside, too.
    """

    def __init__(self, folder):
        self.folder = folder
        self._enter = []
        self._cgroups = [root / f"ocsd-test-{os.getpid()}" for root in hierarchies()]
        self._prepare()
        self._boot()

    def _prepare(self):
        units = self.folder / "units"
        units.mkdir()
        for name in TARGETS:
            (units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
        for name in ("dbus.socket", "dbus.service"):
            shutil.copy(Path("/lib/systemd/system") / name, units)
        for name, entry in (("passwd", "ocs:x:9000:9000::/:/bin/sh"), ("group", "ocs:x:9000:")):
            lines = Path("/etc", name).read_text().splitlines()
            lines = [line for line in lines if not line.startswith("ocs:")]
            (self.folder / name).write_text("\n".join([*lines, entry, ""]))

    def _boot(self):
        for each in self._cgroups:
            each.mkdir()
        join = "".join(f"echo $$ > {each}/cgroup.procs; " for each in self._cgroups)
        unshare = "unshare -m -p -f -C -u -i --mount-proc --propagation private --kill-child"
        self.log = self.folder / "systemd.log"
        with self.log.open("w") as log:
            self._outer = subprocess.Popen(
                ["bash", "-c", f'{join} exec {unshare} bash -c "$0" boot "$1"', BOOT, self.folder],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        first = wait_until(self._first_process, "the namespace")
        self._enter = ["nsenter", "-t", str(first), "-m", "-p", "-C", "-u", "-i", "--"]
        wait_until(self._is_running, f"systemd to boot, see:\n{self.log.read_text()}", 60)
        self.run("systemctl", "start", "dbus.socket")

    def _first_process(self):
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text()
        return int(children.split()[0]) if children.strip() else None

    def _is_running(self):
        if self._outer.poll() is not None:
            pytest.fail(f"systemd does not boot:\n{self.log.read_text()}")
        done = self.run("systemctl", "is-system-running", check=False)
        return done.stdout.strip() in {"running", "degraded"}

    def run(self, *command, check=True, limit_s=60, **environment):
        """Run a command inside, as root; its output comes as text."""
        done = subprocess.run(
            [*self._enter, "env", *(f"{k}={v}" for k, v in environment.items()), *command],
            capture_output=True,
            text=True,
            timeout=limit_s,
        )
        if check:
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def ocsd(self, *words, check=True):
        """Run the command line inside."""
        return self.run(
            sys.executable, "-m", "ocsd", *words, check=check, PYTHONPATH=REPOSITORY, NO_COLOR="1"
        )

    def drop_in(self, unit, name, text):
        """Write a drop-in of a unit."""
        path = f"{UNITS}/{unit}.d/{name}.conf"
        self.run("sh", "-c", f'mkdir -p "$(dirname {path})"; printf "%s" "$0" > {path}', text)
        self.run("systemctl", "daemon-reload")

    def show(self, unit, *properties):
        """Return properties of a unit, by name."""
        shown = self.run("systemctl", "show", unit, *(f"--property={each}" for each in properties))
        return dict(line.split("=", 1) for line in shown.stdout.splitlines())

    def pids(self, host):
        """Return the pids of a host's processes by name, once all are up."""
        status = wait_until(lambda: self._status(host), f"host {host} to be up")
        return {row["instance_id"]: row["pid"] for row in status["instances"]} | {
            "router": status["router"]["pid"],
            "daemon": status["pid"],
        }

    def _status(self, host):
        answer = self.ocsd("status", "--json", "--host", host, check=False)
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def kill(self, pid, number):
        """Send a signal to a process inside."""
        self.run("kill", f"-{number.value}", str(pid))

    def processes(self):
        """Return the command lines of what runs inside, without systemd's own programs."""
        listed = self.run("ps", "-eo", "pid=,args=").stdout
        ours = re.compile(r"systemd|dbus-daemon|ps -eo")
        return [line.strip() for line in listed.splitlines() if not ours.search(line)]

    def halt(self):
        """End everything inside."""
        if self._outer.poll() is None:
            os.killpg(self._outer.pid, signal.SIGKILL)
        self._outer.wait()
        for each in self._cgroups:
            remove_cgroup(each)


def remove_cgroup(root):
    """Remove a cgroup, with those in it, as soon as the last process is gone."""
    deadline = time.monotonic() + 5
    while root.exists() and time.monotonic() < deadline:
        for folder, _, _ in os.walk(root, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        time.sleep(0.02)
