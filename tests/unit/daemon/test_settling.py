"""How a start goes is told, whether it succeeds or not."""

from types import SimpleNamespace

import pytest
from twisted.logger import globalLogPublisher

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.settling import SETTLING_LIMIT_S, Settling, attempt
from ocsd.site.model import Instance
from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle
from tests.unit.daemon.timers import cancel_timers


class Told(list):
    """Stands for the operator's terminal."""

    def say(self, text):
        self.append(text)


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def fleet(tmp_path):
    return Fleet(Targets(tmp_path / "targets.json"))


@pytest.fixture
def settling(fleet, told, clock):
    settling = Settling(fleet, lambda _: (), told, clock, lambda: told.append("settled"))
    settling.start()
    yield settling
    clock.advance(SETTLING_LIMIT_S)


def test_how_the_start_went_is_told_once(settling, told, clock):
    clock.advance(0.5)
    settling.report_if_settled()
    settling.report_if_settled()
    assert told == ["0 of 0 instances up after 0.5 s", "settled"]


def test_a_start_that_takes_long_is_told_as_it_stands(settling, told, clock):
    clock.advance(SETTLING_LIMIT_S)
    assert told == ["0 of 0 instances up after 30.0 s", "settled"]


def test_a_host_that_is_being_stopped_has_no_start_to_tell_of(settling, fleet, told):
    fleet.stopping = True
    settling.report_if_settled()
    assert told == []


def test_a_step_that_fails_ends_the_daemon_and_is_logged():
    def step():
        raise RuntimeError("boom")

    logged, given = [], []
    globalLogPublisher.addObserver(logged.append)
    try:
        attempt(step, given.append)
        attempt(lambda: None, given.append)
    finally:
        globalLogPublisher.removeObserver(logged.append)
    assert [str(each) for each in given] == [
        "the daemon cannot start: RuntimeError: boom; what led to it is in its log: ocsd logs ocsd"
    ]
    assert given[0].exit_code == 1
    assert [str(each["log_failure"].value) for each in logged] == ["boom"]


def test_no_start_waits_for_the_page_nor_counts_it(settling, fleet, told, clock):
    fleet.add(Instance(instance_id="web", agent_class="Web"), page := a_keeper(clock))
    fleet.launch()
    assert page.life.state is State.STARTING
    settling.report_if_settled()
    assert told == [
        "  the page still starts; ocsd status has its address",
        "0 of 0 instances up after 0.0 s",
        "settled",
    ]
    assert list(fleet.agents()) == []
    assert fleet.pages() == [page]
    cancel_timers(clock)


def test_a_page_that_does_not_start_is_said_to_be_what_it_is(settling, fleet, told, clock):
    fleet.add(Instance(instance_id="web", agent_class="Web"), page := a_keeper(clock))
    page.life = Lifecycle(state=State.BACKOFF, target=Target.UP, reason="exit code 1")
    fleet.add(Instance(instance_id="other", agent_class="Web"), other := a_keeper(clock))
    other.life = Lifecycle(state=State.FAILED, target=Target.UP, reason="exit code 2")
    settling.report_if_settled()
    assert told[:2] == [
        "  the page is backoff: exit code 1; see: ocsd why web",
        "  the page is failed: exit code 2; see: ocsd why web",
    ]


def a_keeper(clock):
    launcher = SimpleNamespace(spawn=lambda name: None, kill=lambda *_: None)
    return Keeper("web", Lifecycle(), launcher, clock, clock.seconds, float, lambda _: None)
