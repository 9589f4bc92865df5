"""What the daemon sees when it looks at an instance."""

import subprocess
from types import SimpleNamespace

import pytest

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.watching.chronicle import Chronicle
from ocsd.daemon.watching.watches import (
    EvidenceWatch,
    ForeignLogWatch,
    HealthWatch,
    MemoryWatch,
    Rounds,
)
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.history.file import HistoryFile, read_history
from ocsd.log.file import LOG_FILE_LIMIT_BYTES
from ocsd.site.model import Instance
from ocsd.supervisor.events import State, UpRequested
from ocsd.supervisor.health import Health
from ocsd.supervisor.lifecycle import Lifecycle
from tests.unit.daemon.timers import cancel_timers


class World:
    """One instance whose process does what a test says."""

    def __init__(self, folder, clock):
        self.clock = clock
        self.fleet = Fleet(Targets(folder / "targets.json"))
        self.instance = Instance(
            instance_id="thermo1",
            agent_class="FakeDataAgent",
            limits={"memory": "500M"},
            retry_when=f"file://{folder}/ttyUSB0",
        )
        self.asked = []
        launcher = SimpleNamespace(
            spawn=lambda name: self.asked.append("spawn"),
            kill=lambda name, pid, number: self.asked.append(number.name),
        )
        self.keeper = Keeper(
            "thermo1",
            Lifecycle(),
            launcher,
            clock,
            clock.seconds,
            lambda: 0.0,
            self.fleet.announce,
            examine=lambda keeper, reason: self.asked.append(reason),
        )
        self.fleet.add(self.instance, self.keeper)
        self.keeper.deliver(UpRequested())
        self.runs(7)

    def runs(self, pid):
        self.keeper.spawned(Spawned("thermo1", pid, 1))
        self.keeper.notified({"READY": "1"})
        self.asked.clear()

    def ends(self, code=1):
        self.keeper.ended(Ended("thermo1", self.keeper.pid, code, None))


@pytest.fixture
def world(tmp_path, clock):
    world = World(tmp_path, clock)
    yield world
    cancel_timers(clock)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


def test_a_hung_instance_is_examined_and_ended_after_half_a_minute(world, clock, path):
    changes = []
    watch = HealthWatch(
        Chronicle(HistoryFile(path), clock.seconds), lambda *all: changes.append(all)
    )
    for _ in range(29):
        clock.advance(1)
        watch.check(world.instance, world.keeper)
    assert world.asked == []
    clock.advance(1)
    watch.check(world.instance, world.keeper)
    assert world.asked == ["reactor: its reactor has not answered for 30 s", "SIGQUIT"]
    assert changes == [("thermo1", Health.HUNG, "its reactor has not answered for 11 s")]
    assert [(each.event, each.reason) for each in read_history(path)] == [
        ("HealthChanged", "hung: its reactor has not answered for 11 s")
    ]


def test_a_change_of_health_is_noted_once_and_so_is_its_end(world, clock, path):
    watch = HealthWatch(Chronicle(HistoryFile(path), clock.seconds), lambda *_: None)
    for text in ("", "no device", "no device", "", ""):
        world.keeper.notified({"READY": "1", "STATUS": text})
        watch.check(world.instance, world.keeper)
    assert [each.reason for each in read_history(path)] == ["degraded: no device", "ok again"]


def test_an_instance_above_its_memory_limit_is_ended_with_both_figures(world):
    used = [400e6, 600e6]
    watch = MemoryWatch(lambda pid: used.pop(0))
    watch.check(world.instance, world.keeper)
    assert world.asked == []
    watch.check(world.instance, world.keeper)
    assert world.asked[0] == "memory: 572M is above its limit of 500M"


def test_an_instance_in_backoff_is_tried_when_its_device_is_back(world, tmp_path):
    watch = EvidenceWatch(world.fleet, None)
    world.fleet.observe(watch.transition)
    for pid in range(8, 11):
        world.ends()
        world.runs(pid)
    world.ends()
    assert world.keeper.life.state is State.BACKOFF
    watch.check(world.instance, world.keeper)
    assert world.asked == []
    (tmp_path / "ttyUSB0").touch()
    watch.check(world.instance, world.keeper)
    assert world.asked == ["spawn"]
    assert "ttyUSB0 holds now" in world.keeper.life.reason


def test_a_failed_instance_is_tried_when_its_code_is_mended(world, tmp_path):
    code = tmp_path / "agent.py"
    code.write_text("import no_such_module\n")
    watch = EvidenceWatch(world.fleet, None)
    world.fleet.observe(watch.transition)
    world.keeper.notified({"X_CODE": str(code)})
    world.ends(code=125)
    watch.check(world.instance, world.keeper)
    assert world.keeper.life.state is State.FAILED
    (tmp_path / "drivers.py").write_text("")
    watch.check(world.instance, world.keeper)
    assert world.asked == ["spawn"]


@pytest.mark.parametrize(
    ("entry", "rotated"), [({}, False), ({"user": "nobody"}, True), ({"runtime": "ocs"}, True)]
)
def test_a_log_that_its_agent_cannot_rotate_is_rotated_by_the_daemon(
    world, tmp_path, entry, rotated
):
    log = tmp_path / "thermo1.log"
    with log.open("w") as file:
        process = subprocess.Popen(["sleep", "60"], stdout=file, start_new_session=True)
        file.truncate(LOG_FILE_LIMIT_BYTES)
    world.keeper.pid = process.pid
    instance = Instance(instance_id="thermo1", agent_class="FakeDataAgent", **entry)
    try:
        ForeignLogWatch(lambda name: tmp_path / f"{name}.log").check(instance, world.keeper)
    finally:
        process.kill()
        process.wait()
    assert (tmp_path / "thermo1.log.1").exists() == rotated
    assert log.stat().st_size == (0 if rotated else LOG_FILE_LIMIT_BYTES)


def test_one_look_that_fails_does_not_end_the_others(world, clock):
    seen = []
    broken = SimpleNamespace(check=lambda *_: 1 / 0)
    sound = SimpleNamespace(check=lambda instance, keeper: seen.append(keeper.instance_id))
    rounds = Rounds(world.fleet, (broken, sound), clock)
    rounds.log = SimpleNamespace(failure=lambda *_, **__: None)
    rounds.check()
    assert seen == ["thermo1"]


def test_nothing_is_looked_at_while_everything_is_being_stopped(world, clock):
    seen = []
    world.fleet.stopping = True
    Rounds(world.fleet, (), clock, (lambda: seen.append(1),)).check()
    assert seen == []


def test_a_daemon_that_was_held_up_itself_calls_nobody_hung_for_it(world, clock, path):
    changes = []
    watch = HealthWatch(
        Chronicle(HistoryFile(path), clock.seconds), lambda *all: changes.append(all)
    )
    rounds = Rounds(world.fleet, (watch,), clock)
    rounds.check()
    clock.advance(3600)
    rounds.check()
    assert (changes, world.asked) == ([], [])
    # From then on silence counts as ever.
    for _ in range(11):
        clock.advance(1)
        rounds.check()
    assert changes == [("thermo1", Health.HUNG, "its reactor has not answered for 11 s")]


def test_a_look_after_everything_that_fails_does_not_end_the_looks(world, clock):
    seen = []
    rounds = Rounds(world.fleet, (), clock, (lambda: 1 / 0, lambda: seen.append(1)))
    rounds.log = SimpleNamespace(failure=lambda *_, **__: None)
    rounds.check()
    assert seen == [1]
