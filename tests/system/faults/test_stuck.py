"""What hangs is seen, put on record, ended and started again; it began long before these tests."""

import json

import pytest

from tests.system.faults.lab import (
    AGENT_BACK_S,
    HANG_ENDED_S,
    HANG_SEEN_S,
    ROUTER_BACK_S,
    wait_until,
)

pytestmark = pytest.mark.system

HANG_LASTS_S = 24.0
"""30 s after the last word, which for the router may be an answer of 5 s ago."""

# SIGINT, 10 s later SIGTERM, 5 s later SIGKILL (ocsd.supervisor.policy).
LADDER_S = 15.0


def seen_and_ended(lab, name, since_at, back_s=AGENT_BACK_S):
    """Return when a hang was seen and when its process was replaced [s after it began]."""
    seen_s = lab.moment(
        name, since_at, HANG_ENDED_S + back_s, lambda each: each.reason.startswith("hung: ")
    )
    ended_s = lab.moment(
        name,
        since_at,
        HANG_ENDED_S + back_s,
        lambda each: each.event == "Exited" and each.before == "stopping",
    )
    back_at_s = lab.moment(
        name,
        since_at + ended_s,
        2 * back_s,
        lambda each: each.after == "up" and each.before == "starting",
    )
    print(
        f"{name}: seen after {seen_s:.1f} s, ended after {ended_s:.1f} s, back in {back_at_s:.1f}"
    )
    assert seen_s < HANG_SEEN_S
    assert HANG_LASTS_S < ended_s < HANG_ENDED_S
    assert back_at_s < back_s + 5  # the restarts of what falls at once are spread over 5 s
    assert lab.row(name)["restarts"] == 1
    lab.has_kept_its_policy(name)


def stacks(lab, name):
    """Return what an instance was doing when it hung."""
    (folder,) = (lab.site.folder / "state" / "lab" / "incidents").glob(f"*-{name}")
    facts = json.loads((folder / "facts.json").read_text())
    assert facts["reason"].startswith("reactor: ")
    assert facts["process"]["pid"]
    return (folder / "stacks.txt").read_text()


def test_an_agent_that_holds_the_interpreter_is_replaced(stuck):
    seen_and_ended(stuck.lab, "gil", stuck.since_at["gil"])
    assert "in hold_gil" in stacks(stuck.lab, "gil")
    # Beside it stands the thread of `acq`: nothing tells which of the two has the interpreter.
    why = stuck.lab.site.ocsd("why", "gil").stdout
    (line,) = [line for line in why.splitlines() if line.startswith("last forced end")]
    assert "in hold_gil" in line
    assert "in main" not in line


def test_an_agent_that_blocks_its_reactor_is_replaced(stuck):
    lab = stuck.lab
    seen_and_ended(lab, "reactor", stuck.since_at["reactor"])
    assert "in block_reactor" in stacks(lab, "reactor")
    assert "in block_reactor; see " in lab.site.ocsd("why", "reactor").stdout
    # The operation was named long before.
    named_s = lab.moment(
        "reactor", stuck.since_at["reactor"], 1, lambda each: "'block_reactor'" in each.reason
    )
    assert named_s < AGENT_BACK_S


def test_an_agent_that_is_stopped_for_ever_is_replaced(stuck):
    seen_and_ended(stuck.lab, "halted", stuck.since_at["halted"])


def test_an_aggregator_that_is_stopped_for_ever_is_replaced(stuck):
    seen_and_ended(stuck.lab, "aggregator", stuck.since_at["aggregator"])


def test_a_router_that_is_stopped_for_ever_is_replaced(stuck):
    lab = stuck.routerless
    seen_and_ended(lab, "router", stuck.since_at["router"], ROUTER_BACK_S)
    wait_until(
        lambda: all(row["health"] == "ok" for row in lab.status()["instances"]),
        "all agents to join the next router",
        ROUTER_BACK_S,
    )
    # The agents themselves have found that no call gets through.
    assert any("no answer to a call" in each.reason for each in lab.entries("thermo1"))
    assert lab.row("thermo1")["restarts"] == 0


def test_an_agent_that_is_deaf_to_sigint_and_sigterm_is_killed_when_it_is_put_down(stuck):
    lab, pid = stuck.lab, stuck.pids["deaf"]
    code, took_s = stuck.putting_down.result()
    assert code == 0
    row = lab.row("deaf")
    assert (row["state"], row["restarts"]) == ("down", 0)
    assert LADDER_S < took_s < LADDER_S + AGENT_BACK_S
    end = lab.ends("deaf")[-1]
    assert (end.pid, end.signal) == (pid, 9)
    assert lab.site.ocsd("up", "deaf").returncode == 0
