"""The text of ocsd's units for systemd; systemd/ holds it for an installation in /opt/ocsd."""

from dataclasses import dataclass

_UNIT_TEXT = """\
# Written by `ocsd install`; see docs/run/systemd.md. Change it with: {systemctl} edit {name}
[Unit]
Description=ocsd, the supervisor of {whose} observatory agents
{order}# A daemon that cannot start is tried for ever: its agents may be running, and at night no
# operator is there to reset a counter.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={program} start{options}
# Agents outlive a daemon that crashes, hangs or is restarted. A stop ends everything in order,
# and so does SIGTERM should ExecStop fail.
KillMode=process
ExecStop=-{program} stop --unit %n
# Takes an edited site file into use and touches only what it changed.
ExecReload={program} reload --no-wait {which}
# Time for `ocsd stop` to end agents, then aggregator and registry, then the router, and to end
# them itself if the daemon does not.
TimeoutStopSec=120s
# `ocsd stop` by hand is not a failure.
Restart=on-failure
RestartSec=2s
# Ctrl-C and SIGTERM while it started.
SuccessExitStatus=130
TimeoutStartSec=90s
WatchdogSec=30s
# One agent that eats all memory must not cost the others.
OOMPolicy=continue

{account}# Data files are there for others to read.
UMask=0022
LimitNOFILE=65536

{sandbox}[Install]
WantedBy={target}
"""


@dataclass(frozen=True, slots=True)
class _Manager:
    """The parts of a unit in which systemd's two kinds of service managers differ."""

    systemctl: str
    target: str
    order: str
    account: str
    sandbox: str


_SYSTEM = _Manager(
    systemctl="systemctl",
    target="multi-user.target",
    order="""\
Wants=network-online.target
After=network-online.target time-sync.target
""",
    account="""\
User={user}
SupplementaryGroups=dialout
WorkingDirectory=/var/lib/ocsd
# All hosts of a machine share these; each has a folder of its own in them.
RuntimeDirectory=ocsd
# The sockets of the agents that run on.
RuntimeDirectoryPreserve=yes
StateDirectory=ocsd
LogsDirectory=ocsd
""",
    sandbox="""\
# Left out on purpose: PrivateTmp (agents that outlive the daemon would lose their /tmp),
# PrivateDevices, DeviceAllow and ProtectClock (they hide serial ports and USB), PrivateUsers (the
# group of a device would not count), MemoryDenyWriteExecute (libraries of vendors).
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=full
ProtectHome=read-only
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

""",
)

# It has no targets of the network, cannot change the account, and its sandbox would need
# namespaces that many machines refuse to users. Its folders are those of a start by hand.
_OF_USER = _Manager(
    systemctl="systemctl --user",
    target="default.target",
    order="",
    account="""\
# The home folder: what is relative in the site file counts from it.
WorkingDirectory=~
""",
    sandbox="""\
NoNewPrivileges=yes

""",
)


@dataclass(frozen=True, slots=True)
class UnitFile:
    """A unit for one host of a machine, or for any of several."""

    several: bool = False
    """Whether it is the template ``ocsd@.service``, whose instances have the names of the hosts in
    the site file.
    """
    program: tuple[str, ...] = ("/opt/ocsd/bin/ocsd",)
    """The program that runs ocsd: an absolute path, and arguments if need be."""
    site_file: str | None = None
    """Absolute path of the site file; None leaves it to ``ocsd start`` to find it."""
    user: str = "ocs"
    """The account that runs it; a unit of a user has that user's."""
    of_user: bool = False
    """Whether it belongs to the service manager of a user (``systemctl --user``)."""

    @property
    def name(self) -> str:
        """Its file name."""
        return "ocsd@.service" if self.several else "ocsd.service"

    @property
    def text(self) -> str:
        """Its content."""
        name, whose, options, which = "ocsd", "this host's", "", "--unit %n"
        if self.several:
            name, whose, options, which = "ocsd@HOST", "host %i's", " --host %i", "--host %i"
        if self.site_file is not None:
            options += f" --site-file {_quoted(self.site_file)}"
        manager = _SYSTEM
        if self.of_user:
            manager = _OF_USER
        return _UNIT_TEXT.format(
            name=name,
            whose=whose,
            program=" ".join(map(_quoted, self.program)),
            options=options,
            which=which,
            systemctl=manager.systemctl,
            order=manager.order,
            account=manager.account.format(user=self.user),
            sandbox=manager.sandbox,
            target=manager.target,
        )


def _quoted(word: str) -> str:
    """Return one word of a command line as systemd reads it (systemd.service(5))."""
    word = word.replace("%", "%%").replace("$", "$$")
    if not set(word) & set(" \t\"'\\;"):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
