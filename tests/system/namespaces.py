"""Several hosts on one machine: own network, processes, host name, files and `/etc/hosts`.

A `Network` is a bridge, and each `Host` is plugged into it. A host is a set of namespaces of the
kernel (unshare(1)) that live as long as its first process. That process ends with the process of
the test, however this one ends, and takes everything that runs on the host along, also its network
interfaces. So nothing is ever left behind, and nothing of the real machine's network is touched.
"""

import contextlib
import ctypes
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ocsd.cli.talk.control import DaemonClient
from ocsd.data import overview
from ocsd.data.folder import DataFolder
from tests import forked_commands
from tests.system.waiting import wait_until

SUBNET = "10.79.0"
"""First three numbers of the addresses of all hosts. They exist in the namespaces only."""
OCSD = (sys.executable, "-m", "ocsd")
"""The start of every command of ocsd."""
_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000  # sched.h; os.setns is there from Python 3.12 on
_BRIDGE = "switch"
_PROGRAMS = ("ip", "unshare", "nsenter", "setpriv")
# A child that ends is reaped by the kernel where its parent ignores SIGCHLD, also over exec.
_FIRST_PROCESS = 'trap "" CHLD; echo ready; exec sleep infinity'
# Own files are at the same path inside and outside; those of the other hosts are not there.
_OWN_FILES = """
set -e
mount --bind "$FOLDER" /mnt
mount -t tmpfs -o mode=755 hosts "$ALL"
mkdir "$FOLDER"
mount --move /mnt "$FOLDER"
mount --bind "$FOLDER/etc-hosts" /etc/hosts
hostname "$NAME"
ip link set lo up
"""


def obstacle(*more_programs):
    """Return the reason why this machine can have no such hosts, or None.

    Parameters
    ----------
    more_programs : str
        What a test needs beside the usual programs.
    """
    if os.geteuid() != 0:
        return "only root can make hosts of namespaces"
    missing = [name for name in (*_PROGRAMS, *more_programs) if shutil.which(name) is None]
    if missing:
        packages = "gcc, iproute2, iptables, libc6-dev, util-linux"
        return f"hosts of namespaces need {', '.join(missing)} (of Debian's {packages})"
    command = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "true"]
    tried = subprocess.run(command, capture_output=True, text=True)
    if tried.returncode:
        return f"this machine allows no namespaces: {tried.stderr.strip()}"
    return None


def _keep(*flags, environment=None, before=""):
    """Start the first process of new namespaces; return it, and its pid as the kernel has it."""
    death = ["setpriv", "--pdeathsig", "KILL"]
    apart = ["unshare", "--net", *flags, "--fork", "--kill-child=KILL"]
    process = subprocess.Popen(
        [*death, *apart, "sh", "-c", before + _FIRST_PROCESS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    if process.stdout.readline() != "ready\n":
        raise OSError(f"no namespaces: {process.stderr.read().strip()}")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return process, int(children)


def _checked(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


def _output(done):
    assert done.returncode == 0, f"{' '.join(done.args)}: {done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class Host:
    """A machine of the network, switched on."""

    name: str
    address: str
    folder: Path
    network: "Network"
    extra_environment: dict = field(default_factory=dict)
    _first: subprocess.Popen | None = None
    _pid: int = 0

    @property
    def site_file(self):
        return self.folder / "default.yaml"

    @property
    def runtime(self):
        """The runtime folder of the host's daemon."""
        return self.folder / "run" / self.name

    @property
    def state(self):
        """The state folder of the host's daemon."""
        return self.folder / "state" / self.name

    @property
    def logs(self):
        """The folder of the host's logs."""
        return self.folder / "log" / self.name

    @property
    def environment(self):
        """The variables of every program that is started on the host."""
        own = {
            "HOME": str(self.folder / "home"),
            "RUNTIME_DIRECTORY": str(self.folder / "run"),
            "STATE_DIRECTORY": str(self.folder / "state"),
            "LOGS_DIRECTORY": str(self.folder / "log"),
            "OCS_CONFIG_DIR": str(self.folder),
            "NO_COLOR": "1",
        }
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("OCS")}
        return {**inherited, **own, **self.extra_environment}

    def switch_on(self):
        """Give the host its namespaces, and plug it in."""
        for name in ("home", "run", "state", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        places = {"FOLDER": self.folder, "ALL": self.folder.parent, "NAME": self.name}
        self._first, self._pid = _keep(
            *("--mount", "--uts", "--ipc", "--pid", "--mount-proc"),
            environment={key: str(value) for key, value in places.items()},
            before=_OWN_FILES,
        )
        self.network.plug_in(self._pid, self.name)
        self.checked("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        self.checked("ip", "link", "set", "eth0", "up")

    def switch_off(self):
        """Cut the power: everything that runs on the host is gone at once. Its files stay."""
        if self._first is not None:
            self._first.kill()
            self._first.communicate()
            self._first = None
            gone = Path(f"/proc/{self._pid}")
            wait_until(lambda: not gone.exists(), f"the end of host {self.name}")

    def cut(self):
        """Let the host's network swallow everything, as a switch does that has failed."""
        self.network.switch("ip", "link", "set", self.name, "nomaster")

    def mend(self):
        """Undo `cut`."""
        self.network.switch("ip", "link", "set", self.name, "master", _BRIDGE)

    def worsen(self, loss, rate):
        """Let the link lose some of the packets that come in, and send slowly.

        Not by netem, which many kernels are built without.

        Parameters
        ----------
        loss : float
            Part of the packets that are lost, 0 to 1.
        rate : str
            How fast the host can send, as tc(8) has it: ``500kbit``.
        """
        chance = ("-m", "statistic", "--mode", "random", "--probability", loss)
        self.checked("iptables", "-A", "INPUT", "-i", "eth0", *chance, "-j", "DROP")
        bucket = ("tbf", "rate", rate, "burst", "4kb", "latency", "500ms")
        self.checked("tc", "qdisc", "add", "dev", "eth0", "root", *bucket)

    def improve(self):
        """Undo `worsen`."""
        self.checked("iptables", "-F", "INPUT")
        self.checked("tc", "qdisc", "del", "dev", "eth0", "root")

    def command(self, *words, user=None):
        """Return the command that runs `words` on the host, as root or as another user."""
        inside = ["nsenter", "--target", str(self._pid), "--mount", "--uts", "--ipc", "--net"]
        # nsenter forks, and whoever ends it means its child.
        begun = ["setpriv", "--pdeathsig", "KILL"]
        if user is not None:
            group = pwd.getpwnam(user).pw_gid
            begun += [f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        return [*inside, "--pid", "--", *begun, *map(str, words)]

    def run(self, *words, user=None, limit_s=60, **more):
        """Run a program on the host; return the finished process, its output as text."""
        return subprocess.run(
            self.command(*words, user=user),
            env={**self.environment, **more.pop("environment", {})},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=limit_s,
            **more,
        )

    def begin(self, *words, user=None, **more):
        """Start a program on the host; return its process."""
        environment = {**self.environment, **more.pop("environment", {})}
        command = self.command(*words, user=user)
        return subprocess.Popen(command, env=environment, cwd=self.folder, **more)

    def connect(self, address, port, limit_s=20):
        """Connect to a TCP port from this host; return the socket, which stays on the host."""

        def connected():
            # Only this thread moves to the network of the host.
            with open(f"/proc/{self._pid}/ns/net") as there:
                if _LIBC.setns(there.fileno(), _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            return socket.create_connection((address, port), limit_s)

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(connected).result()

    def checked(self, *words, **more):
        """Return the output of a program on the host, which must succeed."""
        return _output(self.run(*words, **more))

    def ocsd(self, *words, limit_s=60, **more):
        """Run a command of ocsd on the host."""
        if more or not self.network.forks or not forked_commands.is_usual(self.environment):
            return self.run(*OCSD, *words, limit_s=limit_s, **more)
        words = tuple(map(str, words))
        return forked_commands.run(
            words, self.environment, self.folder, limit_s, forks_daemons=True, inside=self._pid
        )

    def checked_ocsd(self, *words, **more):
        """Return the output of a command of ocsd, which must succeed."""
        return _output(self.ocsd(*words, **more))

    def bring_up(self, limit_s=120):
        """Start the host's daemon, and wait until everything on it has settled."""
        words = ("start", "-d", "--site-file", self.site_file, "--host", self.name)
        begun = self.ocsd(*words, limit_s=limit_s)
        # On a busy machine it may come up later, or not answer at once.
        assert begun.returncode in (0, 3, 69, 75), begun.stdout + begun.stderr
        wait_until(self.is_well, f"host {self.name} to come up", limit_s)
        return begun

    def stop(self):
        """End the daemon and everything that it runs."""
        return self.ocsd("stop", "--host", self.name)

    def daemon(self):
        """Return a client of the host's daemon."""
        return DaemonClient(self.name, self.runtime / "control.sock")

    def status(self):
        """Return the status as `ocsd status --json` has it."""
        return self.daemon().status()

    def instance(self, name):
        """Return one instance's row of the status."""
        return {row["instance_id"]: row for row in self.status()["instances"]}[name]

    def recorded(self):
        """Return the number of samples of each feed that this host has recorded."""
        # In this process: a command for each look would take the machine from who is looked at.
        summaries = DataFolder(self.state / "data").summaries()
        return {row.feed: row.samples for row in overview.feeds(summaries)}

    def is_well(self):
        """Say whether all that should be up is up and well."""
        rows = self.status()["instances"]
        wanted = [row for row in rows if row["target"] == "up"]
        return all(row["state"] == "up" and row["health"] == "ok" for row in wanted)


class Network:
    """A bridge with hosts that know each other by name.

    Attributes
    ----------
    forks : bool
        Whether commands and daemons come from processes that have loaded them
        (`tests/forked_commands.py`).
    """

    def __init__(self, folder):
        self.folder = folder
        self.hosts = {}
        self.forks = True
        self._first, self._pid = _keep()
        self.switch("ip", "link", "add", _BRIDGE, "type", "bridge", "forward_delay", "0")
        self.switch("ip", "link", "set", _BRIDGE, "up")

    def switch(self, *words):
        """Run a program where the bridge is."""
        _checked("nsenter", "--target", str(self._pid), "--net", "--", *words)

    def plug_in(self, pid, name):
        """Lead a cable from the namespace of process `pid`, `eth0` there, to the bridge."""
        end = ("peer", "name", "eth0", "netns", str(pid))
        self.switch("ip", "link", "add", name, "type", "veth", *end)
        self.switch("ip", "link", "set", name, "master", _BRIDGE, "up")

    def host(self, name, *, resolves=None):
        """Switch on a new host.

        Parameters
        ----------
        name : str
            At most 15 letters, as it is also the name of a network interface.
        resolves : dict, optional
            Names that this host has for other addresses, beside the names of all hosts.
        """
        address = f"{SUBNET}.{len(self.hosts) + 1}"
        host = Host(name, address, self.folder / name, self)
        host.folder.mkdir()
        self.hosts[name] = host
        own = {"localhost": "127.0.0.1", **(resolves or {})}
        for other in self.hosts.values():
            file = other.folder / "etc-hosts"
            known = {each.name: each.address for each in self.hosts.values()}
            kept = own if other is host else _names_in(file)
            # Written in place, for the file is mounted.
            lines = (f"{where} {what}" for what, where in {**kept, **known}.items())
            file.write_text("\n".join(lines) + "\n")
        host.switch_on()
        return host

    def switch_off(self):
        """Switch off all hosts, and the bridge."""
        for host in self.hosts.values():
            host.switch_off()
        self._first.kill()
        self._first.communicate()


def _names_in(file):
    pairs = (line.split() for line in file.read_text().splitlines())
    return {name: address for address, name in pairs}


@contextlib.contextmanager
def network():
    """Make a network without hosts, in a folder whose path is short enough for sockets.

    Other users may pass through the folder, as through `/run` and `/var/lib`.
    """
    with tempfile.TemporaryDirectory(prefix="ocsd-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Network(Path(folder))
        try:
            yield made
        finally:
            made.switch_off()
