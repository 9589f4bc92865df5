"""Jobs that are done are not done again by another daemon."""

import json

import pytest

from ocsd.daemon.instances.finished import Finished
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.site.model import Instance
from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.policy import RestartPolicy
from ocsd.supervisor.wish import Cause


class Launcher:
    """Starts nothing."""

    def spawn(self, name):
        pass

    def kill(self, name, pid, number):
        pass


class Host:
    """A machine on which one daemon follows another."""

    def __init__(self, folder, clock):
        self.folder = folder
        self.clock = clock
        self.path = folder / "finished.json"
        self.boot = "the first"
        self.transitions = []

    def daemon(self, launched=True, **entry):
        """Return the fleet of a new daemon with a job, and who waits for it."""
        fleet = Fleet(Targets(self.folder / "targets.json"), Finished(self.path, lambda: self.boot))
        fleet.observe(lambda each: self.transitions.append(each))
        job = Instance(**{"instance_id": "job", "agent_class": "A", "restart": "never", **entry})
        follower = Instance(instance_id="follower", agent_class="A", after=("job",))
        for instance in (follower, job):
            life = Lifecycle(policy=RestartPolicy(instance.restart))
            keeper = Keeper(
                *(instance.instance_id, life, Launcher(), self.clock),
                *(lambda: 1000.0 + self.clock.seconds(), lambda: 0.0, fleet.announce),
            )
            fleet.add(instance, keeper)
        if launched:
            fleet.launch()
        return fleet


@pytest.fixture
def host(tmp_path, clock):
    return Host(tmp_path, clock)


def runs_to_its_end(fleet, code=0, pid=7):
    fleet.keeper("job").spawned(Spawned("job", pid, 1))
    fleet.keeper("job").ended(Ended("job", pid, code, None))


def stands(fleet):
    life = fleet.keeper("job").life
    return life.state, life.target, life.reason


DONE = (State.DOWN, Target.DOWN, "ended with exit code 0; restart is never")
FAILED = (State.DOWN, Target.UP, "ended with exit code 3; restart is never")


def test_a_job_that_is_done_keeps_nobody_waiting(host):
    fleet = host.daemon()
    assert fleet.waits_for("follower") == ("job",)
    runs_to_its_end(fleet)
    assert fleet.waits_for("follower") == ()
    assert fleet.resting() == {"job": DONE[2]}
    fleet.up(["job"])
    assert fleet.waits_for("follower") == ("job",)


def test_a_job_that_has_failed_is_waited_for(host):
    fleet = host.daemon()
    runs_to_its_end(fleet, code=3)
    assert fleet.waits_for("follower") == ("job",)


@pytest.mark.parametrize(("code", "stood"), [(0, DONE), (3, FAILED)])
def test_the_next_daemon_leaves_it_as_it_stood(host, clock, code, stood):
    fleet = host.daemon()
    runs_to_its_end(fleet, code)
    clock.advance(60)
    seen = len(host.transitions)
    for _ in range(2):
        fleet = host.daemon()
        assert stands(fleet) == stood
        assert fleet.keeper("job").since_at == 1000.0
        assert fleet.waits_for("follower") == (() if code == 0 else ("job",))
    assert [each.instance_id for each in host.transitions[seen:]] == ["follower"] * 2


def test_it_runs_again_when_an_operator_asks_for_it(host):
    runs_to_its_end(host.daemon())
    fleet = host.daemon()
    fleet.restart(["job"], "alice")
    assert stands(fleet)[0] is State.STARTING
    # That it was started holds, too: it may end while there is no daemon.
    assert stands(host.daemon())[0] is State.STARTING


def test_it_runs_again_when_its_entry_changes_not_when_that_moves(host):
    runs_to_its_end(host.daemon())
    assert stands(host.daemon(line=7)) == DONE
    assert stands(host.daemon(arguments=("--fast",)))[0] is State.STARTING


def test_an_entry_that_changes_twice_has_no_end_of_old(host):
    fleet = host.daemon()
    runs_to_its_end(fleet)
    job = fleet.instance("job")
    fleet.replace(job.model_copy(update={"restart": "always"}))
    fleet.replace(job)
    assert fleet.wish("job").cause is not Cause.ENDED


def test_after_a_stop_and_after_a_boot_it_runs_again(host):
    runs_to_its_end(host.daemon())
    Finished(host.path).clear()
    assert not host.path.exists()
    fleet = host.daemon()
    assert stands(fleet)[0] is State.STARTING
    runs_to_its_end(fleet)
    host.boot = "another"
    assert stands(host.daemon())[0] is State.STARTING


def test_what_an_operator_ends_is_no_job_that_is_done(host):
    fleet = host.daemon()
    fleet.keeper("job").spawned(Spawned("job", 7, 1))
    fleet.down(["job"], "alice")
    fleet.keeper("job").ended(Ended("job", 7, 0, None))
    assert fleet.wish("job").cause is not Cause.ENDED


@pytest.mark.parametrize("content", ["", "[]", '{"boot": 1}', "spoilt"])
def test_a_damaged_file_is_not_believed(host, content):
    runs_to_its_end(host.daemon())
    kept = json.loads(host.path.read_text())
    host.path.write_text(content or json.dumps({**kept, "ends": {"job": {"target": "side"}}}))
    fleet = host.daemon()
    assert stands(fleet)[0] is State.STARTING
    runs_to_its_end(fleet)
    assert stands(host.daemon()) == DONE


def test_a_file_that_cannot_be_written_hinders_nothing(host):
    fleet = host.daemon()
    host.path.mkdir()
    runs_to_its_end(fleet)
    assert stands(fleet) == DONE
    assert fleet.wish("job").cause is Cause.ENDED


def test_what_ended_while_no_daemon_ran_has_ended(host):
    fleet = host.daemon(launched=False)
    assert fleet.ended_unseen(Ended("job", 7, 0, None, "", 990.0))
    fleet.launch()
    assert stands(fleet) == (*DONE[:2], f"while no daemon ran: {DONE[2]}")
    (end,) = [each for each in host.transitions if each.instance_id == "job"]
    assert (end.before.state, end.after.state, end.at) == (State.UP, State.DOWN, 990.0)
    assert stands(host.daemon())[:2] == DONE[:2]


@pytest.mark.parametrize("restart", ["always", "on-failure"])
def test_what_is_to_be_started_again_is_after_an_unseen_end(host, restart):
    fleet = host.daemon(launched=False, restart=restart)
    assert not fleet.ended_unseen(Ended("job", 7, 3, None))
    fleet.launch()
    assert stands(fleet)[0] is State.STARTING


def test_an_end_of_an_earlier_process_does_not_count(host):
    fleet = host.daemon(launched=False)
    fleet.keeper("job").adopt(Spawned("job", 8, 1), 0.0)
    assert not fleet.ended_unseen(Ended("job", 7, 0, None))
    assert not fleet.ended_unseen(Ended("gone", 6, 0, None))
    assert stands(fleet)[0] is State.STARTING
