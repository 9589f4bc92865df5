"""Whether there is anything to do on a host."""

import pytest

from ocsd.status.verdict import exit_code, is_well, verdict_of
from tests.unit.cli.overview.hosts import RECORDING, agent, aggregator, host, run

DOWN = {"state": "down", "target": "down", "health": None}
ROUTER = {"state": "up", "url": "ws://x/ws", "reason": ""}
AWAY = {"state": "external", "health": "unreachable", "url": "ws://x/ws", "reason": "not reachable"}

# The report, the verdict, the exit code, and the one with --strict.
TABLE = {
    "all well": (host(agent("a"), aggregator()), "ok", 0, 0),
    "no instance at all": (host(), "ok", 0, 0),
    "one put down": (host(agent("a"), agent("b", **DOWN)), "ok", 0, 0),
    "all put down": (host(agent("a", **DOWN), aggregator(**DOWN)), "nothing runs", 0, 5),
    "one hung": (host(agent("a", health="hung")), "degraded", 0, 5),
    "one crashing": (host(agent("a", state="backoff")), "attention", 3, 3),
    "one crashing, one hung": (
        host(agent("a", state="backoff"), agent("b", health="hung")),
        "attention",
        3,
        3,
    ),
    "router crashing": (host(agent("a"), router={**ROUTER, "state": "backoff"}), "attention", 3, 3),
    "router hung": (host(agent("a"), router={**ROUTER, "health": "hung"}), "attention", 3, 3),
    "router of others": (host(agent("a"), router={**AWAY, "health": "ok"}), "ok", 0, 0),
    "router of others, not asked yet": (host(router={**AWAY, "health": None}), "ok", 0, 0),
    "router of others away": (host(agent("a"), router=AWAY), "attention", 3, 3),
    "trouble of the daemon": (host(agent("a"), trouble="the disk is full"), "degraded", 0, 5),
    "a disk that fills": (host(disks=[{"warning": "full in 3 h"}]), "degraded", 0, 5),
    "being stopped": (host(agent("a", state="stopping"), stopping=True), "stopping", 3, 3),
    "records nothing": (host(agent("a"), aggregator({"recording": False})), "degraded", 0, 5),
    "recording pauses": (host(aggregator({**RECORDING, "paused": True})), "degraded", 0, 5),
    "aggregator of an older release": (host(aggregator(None)), "ok", 0, 0),
    "aggregator put down": (host(agent("a"), aggregator(**DOWN)), "ok", 0, 0),
    "acq of the site file stopped": (host(agent("a", run(state="stopped"))), "degraded", 0, 5),
    "acq stopped that a client had started": (
        host(agent("a", run(state="stopped", startup=False))),
        "ok",
        0,
        0,
    ),
    "acq failed that a client had started": (
        host(agent("a", run(state="failed", startup=False))),
        "degraded",
        0,
        5,
    ),
    "acq ended by itself": (host(agent("a", run(state="ended"))), "degraded", 0, 5),
    "a client's task failed": (
        host(agent("a", run(state="failed", kind="task", startup=False))),
        "ok",
        0,
        0,
    ),
    "the task of its start failed": (
        host(agent("a", run(state="failed", kind="task"))),
        "degraded",
        0,
        5,
    ),
    "the task of its start is done": (
        host(agent("a", run(state="succeeded", kind="task"))),
        "ok",
        0,
        0,
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_verdict_is_that_of_the_table(case):
    report, word, code, strict_code = TABLE[case]
    verdict = verdict_of(report)
    works = report.router.works
    assert str(verdict.word) == word
    assert exit_code(verdict, router_works=works) == code
    assert exit_code(verdict, router_works=works, strict=True) == strict_code


def test_an_idle_aggregator_is_not_well_although_it_is_healthy():
    report = host(aggregator({"recording": False}), agent("a"), agent("b", run(state="stopped")))
    idle = verdict_of(report).idle
    assert [is_well(each, idle) for each in report.instances] == [False, True, False]
