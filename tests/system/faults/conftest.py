"""Sites that several tests share, for a start of crossbar takes seconds."""

import os
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from ocsd.client.http import ControlClientError
from tests.system.faults.lab import HANG_ENDED_S, Lab, a_lab, family, faulty, wait_until
from tests.system.invariants import Watch

STUCK = ("gil", "reactor", "halted", "aggregator", "deaf")
"""Instances of the first site that are stuck from the beginning: that takes 30 s to be answered."""

QUICK = (
    "killed",
    "paused",
    "exits",
    "fails",
    "gives_up",
    "crashes",
    "floods",
    "rubbish",
    "leaks",
    "grows",
    "forks",
)


@dataclass
class Stuck:
    """Two sites in which much is stuck since the time given for each."""

    lab: Lab
    routerless: Lab
    since_at: dict = field(default_factory=dict)
    pids: dict = field(default_factory=dict)
    putting_down: Future | None = None


@pytest.fixture(scope="package")
def stuck():
    """Begin everything that takes long, so that other tests can run meanwhile."""
    limits = {"leaks": {"limits": {"open-files": 64}}, "grows": {"limits": {"memory": "300M"}}}
    with a_lab() as lab, a_lab() as routerless:
        lab.write(
            *[
                faulty(name, **limits.get(name, {}))
                for name in (*STUCK, *QUICK)
                if name != "aggregator"
            ]
        )
        routerless.write(faulty("thermo1"), faulty("thermo2"))
        lab.start()
        routerless.start()
        found = Stuck(lab, routerless)
        everyone = [*STUCK, *QUICK]
        with Watch(lab.site, may_change=everyone), Watch(routerless.site, may_change=["router"]):
            found.pids = {name: lab.pid(name) for name in STUCK}
            found.pids["router"] = routerless.pid("router")
            _begin(found)
            yield found
            _end(found)
            for each in (lab, routerless):
                each.is_whole()


def _begin(found):
    lab, since_at = found.lab, found.since_at
    lab.done("deaf", "deafen")
    for name, operation in (("gil", "hold_gil"), ("reactor", "block_reactor")):
        since_at[name] = time.time()
        _ask_the_last_time(lab, name, operation)
    found.putting_down = ThreadPoolExecutor().submit(_put_down, lab, "deaf")
    for name in ("halted", "aggregator"):
        since_at[name] = time.time()
        os.kill(found.pids[name], signal.SIGSTOP)
    since_at["router"] = time.time()
    for pid in family(found.pids["router"]):
        os.kill(pid, signal.SIGSTOP)


def _end(found):
    """Wait until all that was stuck runs anew, though perhaps no test has waited for it."""
    found.putting_down.result()
    if found.lab.row("deaf")["target"] == "down":
        assert found.lab.site.ocsd("up", "deaf").returncode == 0

    def runs_anew(name):
        row = (found.routerless if name == "router" else found.lab).row(name)
        is_well = row.get("health") in {None, "ok", "unstable"}
        return is_well and row["state"] == "up" and row["pid"] != found.pids[name]

    for name in found.pids:
        wait_until(lambda name=name: runs_anew(name), f"{name} to run anew", HANG_ENDED_S * 2)


def _put_down(lab, name):
    """Return the exit code and how long it took [s]."""
    began_s = time.monotonic()
    code = lab.site.ocsd("down", name).returncode
    return code, time.monotonic() - began_s


def _ask_the_last_time(lab, name, operation):
    """Start an operation that leaves no time for an answer."""
    client = lab.client(name, timeout_s=0.5)
    try:
        client.request("start", operation, {})
    except ControlClientError:
        return


@pytest.fixture
def lab(stuck):
    """The site of agents that do harm, some of them right now."""
    return stuck.lab


@pytest.fixture(scope="package")
def centre():
    """A site whose centre fails: router, aggregator, daemon, fork server."""
    with a_lab() as lab:
        lab.write(faulty("thermo1"), faulty("thermo2"))
        lab.start()
        yield lab
        lab.is_whole()
