"""What the fork server reports reaches the keepers, whatever was lost on the way."""

import os
import subprocess
import time
from select import select

import pytest

from ocsd.daemon.children.processes import ForkLauncher, Processes, _started_at
from ocsd.daemon.children.words import Words
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.errors import AccessFilesError
from ocsd.forkserver.protocol import Ended, ForgetRequest, Hello, KillRequest, Spawned, SpawnRequest
from ocsd.site.model import Instance, Manage
from ocsd.supervisor.events import State, Target, UpRequested
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.system.proc import start_ticks


class Wire:
    """Stands for the connection to the fork server."""

    connected = True

    def __init__(self):
        self.sent = []

    def send(self, request):
        self.sent.append(request)

    def took(self, kind):
        """Return the requests of a kind since the last time."""
        found = [each for each in self.sent if isinstance(each, kind)]
        self.sent = [each for each in self.sent if not isinstance(each, kind)]
        return found


class Descriptors:
    """Stands for the reactor: tells readers when they are ready."""

    def __init__(self):
        self.readers = []

    def addReader(self, reader):
        self.readers.append(reader)

    def removeReader(self, reader):
        self.readers.remove(reader)

    def turn(self):
        for each in select(self.readers, [], [], 10)[0]:
            each.doRead()


class Host:
    """A host of two agents, one of which nobody wants to run."""

    def __init__(self, folder, clock):
        self.fleet = Fleet(Targets(folder / "targets.json"))
        self.descriptors = Descriptors()
        self.missed = []
        self.hellos = []
        self.processes = Processes(
            fleet=self.fleet,
            reactor=self.descriptors,
            on_hello=self.hellos.append,
            on_stranger=self.add,
            on_spawned=lambda keeper: None,
            drain=lambda: None,
            last_words=lambda name, since: "" if since is None else f"said since {since.pid}",
            on_lost=lambda: None,
            on_missed=self.missed.append,
        )
        self.connection, self.wire = self.processes.connection, Wire()
        self.processes.connection = self.wire
        self.clock = clock
        self.wanted = self.add("wanted", Manage.UP)
        self.unwanted = self.add("unwanted")

    def add(self, name, manage=Manage.DOWN):
        launcher = ForkLauncher(self.processes, lambda name: SpawnRequest(name, "log", "/"))
        keeper = Keeper(
            name,
            Lifecycle(),
            launcher,
            self.clock,
            lambda: 0.0,
            lambda: 0.0,
            self.fleet.announce,
        )
        self.fleet.add(Instance(instance_id=name, agent_class="A", manage=manage), keeper)
        return keeper

    def hears(self, report):
        self.processes.reported(report)

    def lose_fork_server(self):
        self.connection.connectionLost()


@pytest.fixture
def host(tmp_path, clock):
    return Host(tmp_path, clock)


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def of(process, name="wanted"):
    return Spawned(name, process.pid, start_ticks(process.pid))


def test_a_process_that_a_dead_daemon_had_asked_for_is_taken_in_once(host):
    host.wanted.deliver(UpRequested())
    late = Spawned("wanted", 41, 1)
    host.hears(late)
    host.hears(late)  # the answer to our own request: it runs already
    assert (host.wanted.life.state, host.wanted.pid) == (State.STARTING, 41)
    host.hears(Ended("wanted", 0, None, None, "a process of this name still runs"))
    assert (host.wanted.life.state, host.wanted.pid) == (State.STARTING, 41)


def test_a_late_process_that_nobody_wants_is_ended(host):
    host.hears(Spawned("unwanted", 42, 1))
    assert host.unwanted.life.state is State.STOPPING
    assert [each.pid for each in host.wire.took(KillRequest)] == [42]
    host.hears(Ended("unwanted", 42, 0, None))
    assert (host.unwanted.life.state, host.unwanted.life.target) == (State.DOWN, Target.DOWN)


def test_an_orphan_is_watched_and_started_again_when_it_ends(host, sleeper):
    host.hears(Hello(1, 1, (), (), (of(sleeper),)))
    assert (host.wanted.life.state, host.wanted.pid) == (State.STARTING, sleeper.pid)
    assert host.wire.took(SpawnRequest) == []
    sleeper.kill()
    host.descriptors.turn()
    assert host.descriptors.readers == []
    assert "cause unknown: exit code unknown" in host.wanted.life.last_end
    assert [each.instance_id for each in host.wire.took(SpawnRequest)] == ["wanted"]


@pytest.mark.parametrize("place", ["running", "orphans"])
def test_what_a_process_reported_before_it_was_taken_over_counts(host, sleeper, place):
    words = Words(lambda pid: host.wanted if host.wanted.pid == pid else None)
    host.processes.on_spawned = words.claim
    words.receive(sleeper.pid, {"READY": "1"})
    host.hears(Hello(1, 1, **{"running": (), "ended": (), place: (of(sleeper),)}))
    assert (host.wanted.life.state, host.wanted.pid) == (State.UP, sleeper.pid)


def test_an_orphan_gets_its_signals_directly(host, sleeper):
    host.hears(Hello(1, 1, (), (), (of(sleeper, "unwanted"),)))
    host.fleet.reconsider("unwanted")
    assert host.wire.took(KillRequest) == []
    host.descriptors.turn()
    assert host.unwanted.life.state is State.DOWN
    assert sleeper.wait(10) == -2


def test_an_orphan_whose_number_another_process_has_is_not_it(host, sleeper):
    host.hears(Hello(1, 1, (), (), (Spawned("unwanted", sleeper.pid, 1),)))
    assert host.unwanted.life.has_process is False
    assert sleeper.poll() is None
    assert host.descriptors.readers == []


def test_what_a_dying_fork_server_was_asked_for_is_settled_by_the_next_one(host, sleeper):
    host.wanted.deliver(UpRequested())
    host.unwanted.deliver(UpRequested())
    host.lose_fork_server()
    assert len(host.wire.took(SpawnRequest)) == 2
    host.hears(Hello(2, 1, (), (), (of(sleeper),)))
    assert host.wanted.pid == sleeper.pid
    # The other one did not come to be, and is asked for again.
    assert [each.instance_id for each in host.wire.took(SpawnRequest)] == ["unwanted"]
    assert "its fork server died as it was started" in host.unwanted.life.last_end


def test_children_of_a_fork_server_that_only_hung_up_keep_their_exit_code(host, sleeper):
    host.hears(Hello(1, 1, (of(sleeper),), ()))
    host.lose_fork_server()
    assert len(host.descriptors.readers) == 1
    host.hears(Hello(1, 1, (of(sleeper),), ()))
    assert host.descriptors.readers == []
    host.hears(Ended("wanted", sleeper.pid, 3, None))
    assert host.wanted.life.last_end == f"ended with exit code 3: said since {sleeper.pid}"


def test_an_end_that_nobody_saw_is_passed_on_with_its_time_and_forgotten(host):
    ended = Ended("wanted", 43, 7, None, "", 1000.5)
    host.hears(Hello(1, 1, (), (ended,)))
    assert host.missed == [ended]
    assert host.wire.took(ForgetRequest) == [ForgetRequest(43)]
    assert host.wanted.life.state is State.DOWN
    assert len(host.hellos) == 1


def test_an_end_that_is_on_record_is_not_missed_once_more(host, sleeper):
    host.hears(Hello(1, 1, (of(sleeper),), ()))
    host.lose_fork_server()
    host.processes.server_ended(1, "killed by SIGKILL")
    sleeper.kill()
    host.descriptors.turn()
    assert host.wanted.life.last_end.endswith("was gone: killed by SIGKILL")
    assert host.wire.took(ForgetRequest) == [ForgetRequest(sleeper.pid)]
    # The next fork server has found it in the record.
    host.hears(Hello(2, 1, (), (Ended("wanted", sleeper.pid, None, None),)))
    assert host.missed == []
    assert host.wire.took(ForgetRequest) == [ForgetRequest(sleeper.pid)]


def test_what_the_record_lost_stays_known(host):
    host.hears(Hello(1, 1, (), (), (), "1 of 3 lines cannot be read"))
    host.hears(Hello(2, 1, (), ()))
    assert host.processes.notice == "1 of 3 lines cannot be read"


def test_a_process_that_the_site_file_does_not_know_is_ended(host):
    host.hears(Spawned("stranger", os.getpid() + 1, 1))
    assert host.fleet.keeper("stranger").life.state is State.STOPPING
    host.hears(Ended("stranger", os.getpid() + 1, 0, None))
    assert host.fleet.keeper("stranger").life.state is State.DOWN


def test_a_process_that_must_not_be_started_has_the_reason_and_is_tried_again(host):
    """Such as the router of a closed site without keys."""
    host.descriptors.callLater = host.clock.callLater
    troubles = [AccessFilesError("there are no keys")]

    def make(name):
        if troubles:
            raise troubles[0]
        return SpawnRequest(name, "log", "/")

    keeper = host.wanted
    keeper.launcher.make_request = make
    keeper.deliver(UpRequested())
    for _ in range(6):
        host.clock.advance(0.01)
    assert keeper.life.state is State.BACKOFF
    assert keeper.life.reason == "ended with exit code 78: there are no keys"
    assert host.wire.took(SpawnRequest) == []
    troubles.clear()
    host.clock.advance(60)
    assert [each.instance_id for each in host.wire.took(SpawnRequest)] == ["wanted"]


def test_a_router_that_has_waited_began_when_it_was_asked_for(sleeper):
    began_at = _started_at(Spawned("router", sleeper.pid, start_ticks(sleeper.pid)))
    asked = Spawned("router", sleeper.pid, start_ticks(sleeper.pid), waited_s=100.0)
    assert began_at <= _started_at(asked) <= time.time()
    assert _started_at(Spawned("router", 0, 0)) == pytest.approx(time.time(), abs=1.0)
