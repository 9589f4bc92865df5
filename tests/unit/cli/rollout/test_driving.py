"""A roll-out to hosts in memory: what is done where, and how it ends."""

import signal
import threading

import pytest

from ocsd.cli.rollout.driving import Drive, course_of, pushed, worst
from ocsd.cli.rollout.looking import looked
from ocsd.cli.rollout.steps import Performer
from ocsd.rollout.course import HostStep, Stage, StepEvent, exit_code
from tests.unit.cli.rollout.fake_host import NEW, NEW_DIGEST, OLD, FakeHost


class Trial:
    """A roll-out of the text `NEW` to fake hosts."""

    def __init__(self, *hosts, waves=(1,), upgrades=False, limit_s=0.0, text=NEW):
        self.ports = {host.name: host for host in hosts}
        self.text, self.waves, self.upgrades = text, waves, upgrades
        self.sights = looked(hosts, text, upgrades=upgrades)
        self.told, self.said = [], []
        self.performer = Performer(
            self.ports,
            {sight.host: sight for sight in self.sights},
            text,
            NEW_DIGEST,
            limit_s,
            lambda *words: self.said.append(words),
            poll_period_s=0.01,
        )

    def run(self, on_tell=lambda *_: None):
        def tell(course, step, outcome):
            if outcome is None:
                self.told.append((step.host, step.stage))
            on_tell(step, outcome)

        course = course_of(
            self.sights, NEW_DIGEST, self.waves, in_order=True, upgrades=self.upgrades
        )
        return Drive(self.performer, tell).run(course, lambda course: self.said.append(course))


def test_a_good_file_is_taken_and_used_by_one_host_after_the_other():
    hosts = [FakeHost("a"), FakeHost("b")]
    trial = Trial(*hosts)
    course = trial.run()
    assert course.stages == {"a": Stage.DONE, "b": Stage.DONE}
    assert [host for host, _ in trial.told] == ["a"] * 3 + ["b"] * 3
    assert [(host.text, host.used, host.previous) for host in hosts] == [(NEW, NEW, OLD)] * 2


def test_a_host_whose_agent_fails_gets_its_file_back_and_the_others_keep_theirs():
    hosts = [FakeHost("a", broken=[NEW]), FakeHost("b")]
    course = Trial(*hosts).run()
    assert course.stages == {"a": Stage.WENT_BACK, "b": Stage.UNTOUCHED}
    assert course.reasons["a"] == "a: failed: no port"
    assert [(host.text, host.used) for host in hosts] == [(OLD, OLD)] * 2
    assert exit_code(course) == 1
    assert "take" not in hosts[1].calls


def test_a_host_that_does_not_come_up_in_time_goes_back_with_what_it_waited_for():
    host = FakeHost("a")
    host.may_come_up.clear()
    course = Trial(host).run()
    assert course.stages == {"a": Stage.STUCK}  # nor does it come up with its old file
    assert "not up and well after 0 s: a: starting" in course.reasons["a"]
    assert (host.text, host.used) == (OLD, OLD)


def test_a_file_that_was_changed_meanwhile_is_not_replaced():
    host = FakeHost("a")
    trial = Trial(host)
    host.text = "somebody else's"
    course = trial.run()
    assert course.stages == {"a": Stage.REFUSED}
    assert course.reasons == {"a": "the file was changed meanwhile"}
    assert host.text == "somebody else's"


def test_a_host_that_refuses_to_reload_is_put_back_as_far_as_it_goes():
    host = FakeHost("a", refused={"reload": ("the router changed", 1)})
    course = Trial(host).run()
    assert course.stages == {"a": Stage.STUCK}
    assert host.text == OLD


def test_a_host_that_goes_away_before_its_turn_is_not_changed_and_stops_the_others():
    host = FakeHost("a")
    trial = Trial(host, FakeHost("b"))
    host.away |= {"take", "file", "put_back", "reload", "status"}
    course = trial.run()
    assert course.stages == {"a": Stage.REFUSED, "b": Stage.UNTOUCHED}


def test_a_host_that_gives_no_answer_when_it_takes_the_file_is_put_back():
    host = FakeHost("a", away=["take"])
    assert Trial(host).run().stages == {"a": Stage.WENT_BACK}
    assert (host.text, host.used) == (OLD, OLD)


def test_a_host_that_has_the_file_only_on_its_disk_takes_it_into_use():
    host = FakeHost("a")
    host.text, host.previous = NEW, OLD
    assert Trial(host).run().stages == {"a": Stage.DONE}
    assert host.used == NEW


def test_an_upgrade_comes_before_the_file_and_only_where_it_brings_another_version():
    host, newest = FakeHost("a"), FakeHost("b")
    newest.version = "2"
    assert Trial(host, newest, upgrades=True).run().stages["a"] is Stage.DONE
    assert host.calls.index("upgrade") < host.calls.index("take")
    assert "upgrade" not in newest.calls


def test_a_host_that_ran_the_file_already_is_not_given_an_older_one():
    host = FakeHost("a", broken=[NEW])
    host.text = host.used = NEW
    host.previous = OLD
    trial = Trial(host, upgrades=True)
    trial.performer.perform(HostStep("a", Stage.RELOADS))
    event, why = trial.performer.perform(HostStep("a", Stage.GOES_BACK))
    assert event is StepEvent.FAILED
    assert "no other to put back" in why
    assert host.text == NEW


def test_another_file_that_comes_back_is_told():
    host = FakeHost("a")
    host.text, host.previous = NEW, "an older one"
    trial = Trial(host)
    trial.performer.perform(HostStep("a", Stage.GOES_BACK))
    assert "is not the one in use" in trial.said[0][1]


def test_what_a_host_waits_for_is_told():
    host = FakeHost("a")
    host.may_come_up.clear()
    trial = Trial(host, limit_s=30.0)

    def say(*words):
        trial.said.append(words)
        host.may_come_up.set()

    trial.performer.say = say
    trial.performer.first_told_s = 0.0
    assert trial.run().stages == {"a": Stage.DONE}
    assert trial.said == [("a", "waits for a: starting")]


def test_ctrl_c_lets_the_host_come_to_its_end_and_begins_no_other():
    hosts = [FakeHost("a"), FakeHost("b")]
    hosts[0].may_come_up.clear()
    trial = Trial(*hosts, limit_s=30.0)

    def later(course):
        trial.said.append(course.under_way)
        hosts[0].may_come_up.set()

    course = course_of(trial.sights, NEW_DIGEST, (1,), in_order=True, upgrades=False)
    main = threading.main_thread().ident
    hosts[0].on_reload = lambda: signal.pthread_kill(main, signal.SIGINT)
    course = Drive(trial.performer, lambda *_: None).run(course, later)
    assert course.stages == {"a": Stage.DONE, "b": Stage.UNTOUCHED}
    assert trial.said == [("a",)]
    assert exit_code(course) == 130


def test_a_defect_of_ours_is_raised_and_not_taken_for_a_failed_host(monkeypatch):
    trial = Trial(FakeHost("a"))
    monkeypatch.setattr(trial.ports["a"], "take", None)
    with pytest.raises(TypeError):
        trial.run()


def test_a_push_gives_the_file_and_reloads_nothing():
    hosts = [FakeHost("a"), FakeHost("b", refused={"take": ("no", 77)}), FakeHost("c")]
    trial = Trial(*hosts)
    outcomes = pushed(trial.performer, ["a", "b", "c"], lambda *_: None)
    assert [each.event for each in outcomes.values()] == [
        StepEvent.DID,
        StepEvent.REFUSED,
        StepEvent.DID,
    ]
    assert worst(outcomes) == 1
    assert [host.used for host in hosts] == [OLD] * 3
    assert worst({}) == 0


def test_a_host_that_is_away_for_a_moment_is_asked_again():
    host = FakeHost("a")
    trial = Trial(host, limit_s=30.0)
    host.away.add("status")
    asked = host.calls.count("status")

    def back():
        if host.calls.count("status") > asked + 1:
            host.away.clear()

    host.on_status = back
    assert trial.run().stages == {"a": Stage.DONE}
