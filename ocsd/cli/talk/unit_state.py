"""The state of the units of systemd that may run a host's daemon."""

from collections.abc import Iterable
from pathlib import Path

_BOOTED_BY_SYSTEMD = Path("/run/systemd/system")
_LIMIT_S = 2.0
_STARTS = frozenset({"activating", "reloading"})


def starting(hosts: Iterable[str]) -> str:
    """Return the unit that is just starting the daemon of one of `hosts`, if there is one.

    A daemon that was killed is started again by systemd two seconds later.
    """
    if not _BOOTED_BY_SYSTEMD.exists():
        return ""
    units = ["ocsd.service", *(f"ocsd@{host}.service" for host in hosts)]
    import subprocess  # no command needs it whose daemon answers

    for scope in ((), ("--user",)):
        command = ["systemctl", *scope, "show", "--property=Id,ActiveState", "--", *units]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_LIMIT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        if found := of_properties(done.stdout):
            return " ".join((*scope, found))
    return ""


def of_properties(text: str) -> str:
    """Return the first unit that starts, by the output of ``systemctl show``; else nothing."""
    for block in text.strip().split("\n\n"):
        facts = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if facts.get("ActiveState") in _STARTS:
            return facts.get("Id", "").removesuffix(".service")
    return ""
