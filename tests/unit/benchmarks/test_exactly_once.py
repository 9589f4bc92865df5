"""What `benchmarks.exactly_once` does, and what it concludes."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.counting import plan
from benchmarks.counting.judge import Excuses, Recorded, judge
from benchmarks.counting.published import Published
from benchmarks.exactly_once import Run
from ocsd.aggregator.numbers.hole import Hole

FEED = "observatory.count-1.feeds.quick"
PUBLISHED = Published(
    feed=FEED,
    session_id="1800000000.5",
    may_be=102,
    sure=100,
    per_message=2,
    rate_hz=100,
    begun_at=1_800_000_000.0,
)
NEXT_LIFE = replace(PUBLISHED, session_id="1800000100.5", may_be=0, sure=0)
HOLE = Hole(FEED, PUBLISHED.session_id, 5, 9, 5, 0.0, 0.0, "because", estimated=False)
KILLED = Excuses(ended={"count-1": [1_800_000_050.0]})
KINDS = {plan.KILL, plan.RESTART, plan.STOP, plan.CUT, plan.DATA_FULL, plan.BOTH_FULL}


def found(*numbers, **more):
    """Return the verdict on files that have these samples."""
    numbers = np.array(numbers, np.int64)
    columns = {
        "times": PUBLISHED.begun_at + numbers / PUBLISHED.rate_hz,
        "number": numbers,
        "half": numbers / 2,
        "text": numbers.astype(str),
        **more.pop("columns", {}),
    }
    recorded = Recorded(holes=more.pop("holes", []))
    recorded.columns[FEED, PUBLISHED.session_id].append(columns)
    return judge([PUBLISHED, NEXT_LIFE], recorded, more.pop("excuses", Excuses()))


@pytest.mark.parametrize("end", [100, 102])
def test_all_samples_once_are_in_order(end):
    verdict = found(*range(end))
    assert verdict.violations == []
    assert (verdict.published, verdict.recorded) == (100, end)


def test_a_lost_and_a_repeated_sample_are_seen():
    verdict = found(*range(40), *range(41, 100), 99)
    assert (verdict.missing, verdict.duplicate) == (1, 1)
    missing, double = verdict.violations
    assert "1 are missing without a hole: 40-40 of 100" in missing
    assert "1 are there more than once: 99-99" in double


@pytest.mark.parametrize(
    ("name", "value"), [("times", 1_800_000_000.01), ("half", 0.25), ("text", "zero")]
)
def test_a_changed_sample_is_seen(name, value):
    column = {
        "times": PUBLISHED.begun_at + np.arange(100) / 100,
        "half": np.arange(100) / 2,
        "text": np.arange(100).astype(str).astype("U9"),
    }[name]
    column[0] = value
    verdict = found(*range(100), columns={name: column})
    assert verdict.changed == 1
    assert len(verdict.violations) == 1


def test_samples_that_nobody_has_published_are_seen():
    (violation,) = found(*range(100), 5000).violations
    assert "never published, but there: [5000]" in violation
    recorded = Recorded()
    recorded.columns[FEED, "1.5"] = []
    assert "nobody has published it" in judge([NEXT_LIFE], recorded, Excuses()).violations[0]


def test_a_hole_is_in_order_only_after_a_kill_that_explains_it():
    there = [*range(10), *range(20, 100)]
    verdict = found(*there, holes=[HOLE], excuses=KILLED)
    assert verdict.violations == []
    assert (verdict.in_holes, verdict.missing) == (10, 0)
    for another in ({}, {"count-1": [1_800_000_150.0]}, {"count-2": [1_800_000_050.0]}):
        (violation,) = found(*there, holes=[HOLE], excuses=Excuses(ended=another)).violations
        assert "nothing explains" in violation


def test_what_is_there_must_not_be_in_a_hole():
    verdict = found(*range(100), holes=[HOLE], excuses=KILLED)
    (violation,) = verdict.violations
    assert "10 are there, and in a hole: 10-19" in violation


def test_the_plan_follows_from_the_seed_and_has_everything():
    agents = ("count-1", "count-2")
    steps = plan.plan(7, 600, 30, agents, agents)
    assert steps == plan.plan(7, 600, 30, agents, agents)
    assert steps != plan.plan(8, 600, 30, agents, agents)
    assert [step.at_s for step in steps] == sorted(step.at_s for step in steps)
    kinds = {step.kind for step in steps}
    assert kinds == KINDS
    assert {step.lasts_s for step in steps if step.kind in {plan.STOP, plan.DATA_FULL}} == {30}
    killed = {target for step in steps if step.kind == plan.KILL for target in step.targets}
    assert killed == {"aggregator", "router", "daemon", *agents}
    assert all(step.at_s + step.lasts_s < 610 for step in steps)


@pytest.mark.parametrize("seed", range(20))
def test_a_short_plan_has_everything_as_well(seed):
    steps = plan.plan(seed, 30, 3, ("count-1", "count-2"), ())
    kinds = {step.kind for step in steps}
    assert kinds == KINDS
    killed = {target for step in steps if step.kind == plan.KILL for target in step.targets}
    assert killed == {"aggregator", "router", "daemon"}


class Scene:
    """A site that only notes what is done to it."""

    has_disks = True

    def __init__(self):
        self.never_full = []
        self.while_full = lambda: None

    def fill(self, *disks):
        self.while_full()

    def free(self):
        return self.never_full

    def stall(self, names):
        raise OSError("there is no such link")

    def kill(self, names):
        return [(name, 1) for name in names]

    def command(self, *words):
        return SimpleNamespace(wait=lambda: 0)


def step(kind, *targets):
    return plan.Step(at_s=0.0, kind=kind, targets=targets, lasts_s=0.0)


def done(run, *steps):
    for each in steps:
        run.begin(each)
        run.join()


def test_a_step_that_fails_is_a_violation_and_has_not_happened():
    run = Run(Scene(), [])
    done(run, step(plan.CUT, "count-1"))
    assert run.violations == ["cut agent: OSError('there is no such link')"]
    assert not run.happened


def test_a_disk_that_never_was_full_is_a_violation_and_has_not_happened():
    run = Run(Scene(), [])
    done(run, step(plan.DATA_FULL))
    assert (run.violations, run.happened) == ([], {"full: data disk full": 1})
    run._scene.never_full = ["data"]
    done(run, step(plan.DATA_FULL))
    assert run.violations == ["data disk full: there was always room in ['data']"]
    assert run.happened == {"full: data disk full": 1}


def test_only_a_kill_is_excused_after_the_disk_has_room_again():
    run = Run(Scene(), [])
    restart, kill = step(plan.RESTART, "count-1"), step(plan.KILL, "count-2")
    done(run, restart, kill)
    assert not run.excuses.ended
    run._scene.while_full = lambda: run._restart(restart)
    done(run, step(plan.BOTH_FULL))
    assert [len(times) for times in run.excuses.ended.values()] == [1]
    done(run, restart, kill)
    assert {name: len(times) for name, times in run.excuses.ended.items()} == {
        "count-1": 1,
        "count-2": 1,
    }
