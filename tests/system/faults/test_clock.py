"""The clock of the machine is set; supervision uses one that nobody can set."""

import time

import pytest

from tests.system.faults.lab import AGENT_BACK_S, a_lab, faulty, wait_until
from tests.system.invariants import Watch

pytestmark = pytest.mark.system

HOUR_S = 3600.0

LOOKED_AT_S = 12.0
"""An agent whose timers stood still would be silent, and be called hung after 10 s."""


@pytest.fixture(scope="module")
def lab():
    with a_lab() as lab:
        # Commands have the wrong clock, too.
        lab.site.only_for_daemons = ()
        lab.write(faulty("thermo1"), faulty("thermo2"), faulty("grows", limits={"memory": "200M"}))
        lab.start()
        yield lab


def acquired_at(lab):
    """Return when an agent last took data, by its own clock."""
    return lab.client("thermo1").request("status", "acq")[2]["data"]["timestamp"]


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S])
def test_a_clock_that_jumps_by_an_hour_changes_nothing(lab, jump_s):
    began_s = time.monotonic()
    daemon = lab.site.daemon()
    before = {row["instance_id"]: row["pid"] for row in daemon.status()["instances"]}
    with Watch(lab.site, may_change=["thermo2", "grows"]):
        was_at = acquired_at(lab)
        (lab.faults / "clock").write_text(str(was_at - time.time() + jump_s))
        wait_until(
            lambda: abs(acquired_at(lab) - was_at - jump_s) < HOUR_S / 2,
            "data of the new time",
            AGENT_BACK_S,
        )
        while time.monotonic() - began_s < LOOKED_AT_S:
            lab.is_whole()
            time.sleep(0.2)  # a pause between two looks
        # What the daemon looks at each second, it still looks at.
        lab.ask("grows", "grow")
        lab.back("grows", before["grows"], 10 + AGENT_BACK_S)
        assert lab.site.ocsd("down", "thermo2").returncode == 0
        assert lab.site.ocsd("up", "thermo2").returncode == 0
        after = {row["instance_id"]: row["pid"] for row in daemon.status()["instances"]}
        for name in ("thermo2", "grows"):
            del before[name], after[name]
        assert after == before
