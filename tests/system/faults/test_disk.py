"""The disk is full; supervision and acquisition go on, and both say so."""

import contextlib
import os
import signal

import pytest

from tests.system.faults.lab import AGENT_BACK_S, a_lab, faulty, wait_until
from tests.system.invariants import Watch
from tests.system.small_disk import fill, free, is_full, mounted

# Beside many other tests its agents need longer to write than the limits here.
pytestmark = [pytest.mark.system, pytest.mark.in_pairs]

SIZE = "24m"
"""Room for what crossbar keeps there; filled to the last byte by the tests."""


@contextlib.contextmanager
def a_small_disk(folder):
    """Mount a small file system in memory."""
    with contextlib.ExitStack() as disk:
        try:
            disk.enter_context(mounted(folder, SIZE))
        except PermissionError as error:
            pytest.skip(str(error))
        yield folder


def test_full_disks_under_state_and_logs_stop_nothing_and_are_told_of():
    with a_lab() as lab, contextlib.ExitStack() as disks:
        state, logs = (
            disks.enter_context(a_small_disk(lab.site.folder / name)) for name in ("state", "log")
        )
        lab.write(
            faulty("thermo1"),
            faulty("thermo2"),
            faulty("talks"),
            faulty("grows", limits={"memory": "200M"}),
        )
        lab.start()
        try:
            _survives(lab, state, logs)
        finally:
            for disk in (state, logs):
                free(disk)
            lab.site.ocsd("stop")


def of_logs(lab):
    """Return the row of the disk that has the logs."""
    [disk] = [each for each in lab.status()["disks"] if "logs" in each["what"]]
    return disk


def reason(lab, name):
    """Return the reason of an instance's health; empty if there is none."""
    return lab.row(name)["reason"] or ""


def _survives(lab, state, logs):
    with Watch(lab.site, may_change=["thermo1", "thermo2", "grows"]):
        for disk in (state, logs):
            fill(disk)
            assert is_full(disk)
        pid = lab.pid("thermo1")
        os.kill(pid, signal.SIGKILL)
        lab.back("thermo1", pid, AGENT_BACK_S)
        # A full disk stops nobody from stopping an agent; what is not remembered is said.
        # It is filled again: what had been recorded of the spools was deleted meanwhile.
        fill(state)
        done = lab.site.ocsd("down", "thermo2")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning: up and down are not remembered in" in done.stdout
        assert lab.row("thermo2")["state"] == "down"
        assert "are not remembered" in lab.status()["trouble"]
        done = lab.site.ocsd("up", "thermo2")
        assert done.returncode == 0, done.stdout + done.stderr
        assert lab.site.ocsd("down", "thermo2").returncode == 0
        # The disks are told of.
        wait_until(lambda: "100 % full" in of_logs(lab)["warning"], "another measurement")
        assert of_logs(lab)["used"] > 0.99
        # So is what only an agent notices: nobody could fetch from it what it keeps, if it died.
        wait_until(lambda: "kept in memory only" in reason(lab, "thermo1"), "its spool's trouble")
        assert lab.row("thermo1")["health"] == "degraded"
        # The record of a hang cannot be kept, but it is ended all the same.
        pid = lab.pid("grows")
        lab.ask("grows", "grow")
        lab.back("grows", pid, 10 + AGENT_BACK_S)
        # An agent that talks a lot is not ended by what it cannot say.
        lab.done("talks", "talk")
        # The journal has a rest of a page for some twenty entries.
        for _ in range(15):
            if "entries wait" not in lab.status()["trouble"]:
                assert lab.site.ocsd("restart", "thermo1").returncode == 0
        told = lab.site.ocsd("status").stdout
        assert "entries wait for" in told
        assert "No space left" in told or "no space left" in told

        for disk in (state, logs):
            free(disk)
        wait_until(lambda: not lab.status()["trouble"], "the journal to be written", AGENT_BACK_S)
        wait_until(lambda: "memory" not in reason(lab, "thermo1"), "its spool", AGENT_BACK_S)
        assert lab.site.ocsd("down", "thermo2").returncode == 0
        assert lab.site.ocsd("up", "thermo2").returncode == 0
    for name in ("thermo1", "grows"):
        assert lab.row(name)["restarts"] == 1
        lab.has_kept_its_policy(name)
    lab.done("talks", "talk")
    lost = "bytes of this log were lost: No space left on device"
    wait_until(lambda: lost in (logs / "lab" / "talks.log").read_text(), "what its log lacks")
    # The daemon's own log goes on, too.
    log = (logs / "lab" / "ocsd.log").read_text()
    assert "thermo2: starting -> up" in log
