"""A keeper carries out what the state machine decides."""

import signal

import pytest

from ocsd.daemon.instances.keeper import Keeper
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.supervisor.events import BecameHung, DownRequested, RestartRequested, State, UpRequested
from ocsd.supervisor.health import LIFE, Health, Layer
from ocsd.supervisor.lifecycle import Lifecycle


class RecordingLauncher:
    """A launcher that writes down what it is asked for."""

    def __init__(self):
        self.calls = []
        self.queued = False
        self.reaches = True

    def spawn(self, name):
        self.calls.append(("spawn", name))

    def withdraw(self, name):
        self.calls.append(("withdraw", name))
        return self.queued

    def kill(self, name, pid, number):
        self.calls.append(("kill", name, pid, signal.Signals(number).name))


@pytest.fixture
def launcher():
    return RecordingLauncher()


@pytest.fixture
def seen():
    return []


@pytest.fixture
def keeper(clock, launcher, seen):
    return Keeper(
        instance_id="thermo1",
        life=Lifecycle(),
        launcher=launcher,
        clock=clock,
        wall_clock=lambda: 1000.0 + clock.seconds(),
        jitter=lambda: 0.0,
        reaches=lambda _: launcher.reaches,
        what_holds=lambda pid: f"{pid} is stopped",
        on_transition=lambda each: seen.append(str(each.after.state)),
    )


def start(keeper, pid=7):
    keeper.deliver(UpRequested())
    keeper.spawned(Spawned("thermo1", pid, 1))
    keeper.notified({"READY": "1", "WATCHDOG": "1"})


def test_an_instance_is_spawned_and_is_up_once_it_says_so(keeper, launcher, seen):
    keeper.deliver(UpRequested())
    assert launcher.calls == [("spawn", "thermo1")]
    keeper.spawned(Spawned("thermo1", 7, 1))
    keeper.notified({"WATCHDOG": "1", "STATUS": "waiting for the router"})
    assert keeper.life.state is State.STARTING
    keeper.notified({"READY": "1", "WATCHDOG": "1", "STATUS": ""})
    assert seen == ["starting", "up"]
    assert (keeper.pid, keeper.started_at) == (7, 1000.0)


def test_a_change_of_what_is_wanted_is_told_and_begins_no_state(keeper, clock, seen):
    start(keeper)
    keeper.deliver(DownRequested())
    clock.advance(1)
    keeper.deliver(RestartRequested())
    keeper.deliver(UpRequested())
    assert seen[2:] == ["stopping", "stopping"]
    assert (keeper.life.reason, keeper.since_at) == ("restart requested", 1000.0)
    keeper.deliver(DownRequested())
    keeper.ended(Ended("thermo1", 7, 0, None))
    assert seen[4:] == ["stopping", "down"]


def test_a_crash_is_told_in_the_words_of_the_process(keeper):
    start(keeper)
    keeper.notified({"X_FAILURE": "OSError: no device"})
    keeper.ended(Ended("thermo1", 7, 1, None))
    assert keeper.life.state is State.STARTING
    assert keeper.life.reason == "ended with exit code 1: OSError: no device"
    assert (keeper.pid, keeper.started_at) == (None, None)


def test_what_a_process_said_is_not_held_against_the_next_one(keeper):
    start(keeper)
    keeper.notified({"X_FAILURE": "OSError: no device"})
    keeper.ended(Ended("thermo1", 7, 1, None))
    keeper.spawned(Spawned("thermo1", 8, 1))
    keeper.ended(Ended("thermo1", 8, None, 9))
    assert keeper.life.reason == "killed by SIGKILL"


def test_old_words_are_not_why_the_next_process_cannot_be_started(keeper):
    start(keeper)
    keeper.notified({"X_FAILURE": "OSError: no device"})
    keeper.ended(Ended("thermo1", 7, 1, None))
    keeper.ended(Ended("thermo1", 0, 125, None))
    assert keeper.life.reason == "ended with exit code 125"


def test_what_keeps_crashing_is_tried_when_its_time_has_come(keeper, clock, launcher):
    start(keeper)
    for pid in (7, 8, 9, 10):
        keeper.spawned(Spawned("thermo1", pid, 1))
        keeper.ended(Ended("thermo1", pid, None, 11))
    assert keeper.life.state is State.BACKOFF
    assert keeper.next_try_s == pytest.approx(0.5)
    spawned = launcher.calls.count(("spawn", "thermo1"))
    clock.advance(0.49)
    assert launcher.calls.count(("spawn", "thermo1")) == spawned
    clock.advance(0.02)
    assert launcher.calls.count(("spawn", "thermo1")) == spawned + 1


def test_a_stop_that_overtakes_the_start_waits_for_the_process(keeper, launcher, clock):
    keeper.deliver(UpRequested())
    keeper.deliver(DownRequested())
    assert launcher.calls == [("spawn", "thermo1"), ("withdraw", "thermo1")]
    keeper.spawned(Spawned("thermo1", 7, 1))
    assert launcher.calls[-1] == ("kill", "thermo1", 7, "SIGINT")
    keeper.ended(Ended("thermo1", 7, None, 2))
    assert keeper.life.state is State.DOWN


def test_a_start_that_still_waits_in_line_is_taken_back(keeper, launcher):
    launcher.queued = True
    keeper.deliver(UpRequested())
    keeper.deliver(DownRequested())
    assert keeper.life.state is State.DOWN


def test_a_restart_of_a_waiting_start_waits_in_line_again(keeper, launcher):
    launcher.queued = True
    keeper.deliver(UpRequested())
    keeper.deliver(RestartRequested())
    assert keeper.life.state is State.STARTING
    assert launcher.calls == [("spawn", "thermo1"), ("withdraw", "thermo1"), ("spawn", "thermo1")]


def test_a_stuck_process_is_asked_ever_more_firmly(keeper, launcher, clock):
    start(keeper)
    keeper.deliver(DownRequested())
    clock.advance(10)
    clock.advance(5)
    kills = [call for call in launcher.calls if call[0] == "kill"]
    assert kills == [("kill", "thermo1", 7, word) for word in ("SIGINT", "SIGTERM", "SIGKILL")]
    keeper.ended(Ended("thermo1", 7, None, 9))
    assert keeper.life.reason == "ended by SIGKILL"


def test_a_process_that_no_signal_reaches_is_not_blamed_for_that(keeper, launcher, clock):
    start(keeper)
    launcher.reaches = False
    keeper.deliver(RestartRequested())
    for _ in range(22):
        clock.advance(1)
    launcher.reaches = True
    keeper.deliver(UpRequested())  # which changes nothing
    clock.advance(1)
    clock.advance(9.9)
    assert [call for call in launcher.calls if call[0] == "kill"] == [
        ("kill", "thermo1", 7, "SIGINT")
    ]
    assert keeper.life.reason == "restart requested"
    clock.advance(0.2)
    assert launcher.calls[-1] == ("kill", "thermo1", 7, "SIGTERM")
    keeper.ended(Ended("thermo1", 7, None, 15))


def test_news_of_an_earlier_process_changes_nothing(keeper):
    start(keeper, pid=8)
    keeper.ended(Ended("thermo1", 7, 1, None))
    assert (keeper.life.state, keeper.pid) == (State.UP, 8)


def test_a_process_that_could_not_be_started_counts_as_a_crash(keeper):
    keeper.deliver(UpRequested())
    keeper.ended(Ended("thermo1", 0, None, None, "cannot fork: out of memory"))
    assert keeper.life.last_end == "ended, cause unknown: cannot fork: out of memory"


def test_a_taken_over_process_keeps_its_age(keeper):
    keeper.adopt(Spawned("thermo1", 7, 1), started_at=123.0)
    keeper.notified({"READY": "1", "WATCHDOG": "1"})
    assert (keeper.life.state, keeper.pid, keeper.started_at) == (State.UP, 7, 123.0)
    assert keeper.uptime_s == 1000.0 - 123.0


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0, -2e9])
def test_a_clock_that_jumps_changes_no_uptime_no_wait_and_no_health(
    keeper, clock, launcher, jump_s
):
    wall = [1000.0]
    keeper.wall_clock = lambda: wall[0]
    start(keeper)
    clock.advance(5.0)
    wall[0] += jump_s
    assert keeper.uptime_s == 5.0
    assert keeper.verdict.health is Health.OK
    for pid in (7, 8, 9, 10):
        keeper.ended(Ended("thermo1", pid, 1, None))
        keeper.spawned(Spawned("thermo1", pid + 1, 1))
    assert keeper.life.state is State.BACKOFF or keeper.uptime_s == 0.0
    wall[0] -= 2 * jump_s
    assert 0.0 <= (keeper.next_try_s or 0.0) <= 60.0
    keeper.deliver(DownRequested())
    clock.advance(200.0)


def test_a_process_of_the_future_is_no_older_than_it_is(keeper):
    keeper.adopt(Spawned("thermo1", 7, 1), started_at=5000.0)
    assert keeper.uptime_s == 0.0


def test_a_hang_from_before_the_takeover_is_found_out(keeper, launcher, clock):
    keeper.adopt(Spawned("thermo1", 7, 1), started_at=123.0)
    clock.advance(9.0)
    assert keeper.verdict.health is Health.OK
    assert keeper.reason_to_restart == ""
    clock.advance(21.5)
    assert (keeper.verdict.health, keeper.verdict.layer) == (Health.HUNG, Layer.REACTOR)
    keeper.deliver(BecameHung(keeper.reason_to_restart))
    clock.advance(1.0)
    assert launcher.calls == [("kill", "thermo1", 7, "SIGQUIT"), ("kill", "thermo1", 7, "SIGKILL")]
    keeper.ended(Ended("thermo1", 7, None, signal.SIGKILL))
    assert launcher.calls[-1] == ("spawn", "thermo1")


def test_who_holds_a_process_is_told_once_it_is_silent(keeper, clock):
    start(keeper)
    clock.advance(9.0)
    assert keeper.verdict.reason == ""
    clock.advance(2.0)
    assert keeper.verdict.reason == "no answer for 11 s: 7 is stopped"
    clock.advance(20.0)
    assert keeper.reason_to_restart == "reactor: no answer for 31 s: 7 is stopped"


def test_a_sign_of_life_alone_leaves_all_else_as_it_was_told(keeper, clock):
    start(keeper)
    keeper.notified({**LIFE, "STATUS": "", "X_OPERATIONS": "acq 3 s", "X_SAMPLE_AGE": "1.0"})
    clock.advance(4)
    keeper.notified(LIFE)
    assert (keeper.operations, keeper.silent_s) == ("acq 3 s", 0)
    assert keeper.activity.as_json(clock.seconds())["sample_age_s"] == 5.0
    clock.advance(11)
    assert keeper.verdict.layer is Layer.REACTOR


def test_a_heartbeat_counts_as_a_sign_of_life_if_one_is_due(keeper, clock):
    start(keeper)
    keeper.heard_heartbeat(2.0)
    assert keeper.report.heard_at_s == 0.0
    keeper.heard_heartbeat(3.5)
    clock.advance(12)
    assert keeper.verdict.health is Health.OK
    clock.advance(2)
    assert keeper.verdict.health is Health.HUNG


def test_a_heartbeat_hides_no_fault_that_the_agent_has_reported(keeper, clock):
    start(keeper)
    keeper.notified({"READY": "1", "WATCHDOG": "1", "STATUS": "no device", "X_SESSION": "1.5"})
    keeper.heard_heartbeat(5.0)
    assert (keeper.verdict.reason, keeper.session_id) == ("no device", "1.5")
    keeper.ended(Ended("thermo1", 7, 1, None))
    keeper.heard_heartbeat(9.0)
    assert keeper.report.heard_at_s is None
    keeper.spawned(Spawned("thermo1", 8, 1))
    assert keeper.session_id == ""
