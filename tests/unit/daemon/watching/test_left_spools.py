"""What instances have left goes when nobody will ask for it any more, and not before."""

import os
from types import SimpleNamespace

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.oversight import Oversight
from ocsd.daemon.watching.left_spools import SPOOL_CHECK_S, LeftSpools
from ocsd.site.model import Host, Instance
from ocsd.supervisor.retention import CONFIRMED_AFTER_S, KEPT_S
from ocsd.system.paths import of_host

NOW_AT = 1_795_000_000.0
CHECKS = int(CONFIRMED_AFTER_S / SPOOL_CHECK_S)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "spool")


class World:
    """Spools, and an hour that is over."""

    def __init__(self, folder):
        self.folder = folder
        self.listed = {"listed"}
        self.now_at = NOW_AT

    def keep(self, name, age_s, size_bytes=1000):
        file = self.folder / name / "1.5" / "f" / "0.spool"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x" * size_bytes)
        written_at = NOW_AT - age_s
        for each in (file, *file.relative_to(self.folder).parents):
            os.utime(self.folder / each, (written_at, written_at))
        return file

    def look(self):
        """Return what was said within the next day."""
        clock = Clock()
        spools = LeftSpools(self.folder, lambda: self.listed, clock, lambda: self.now_at)
        spools.start()
        before = self.names
        clock.pump([SPOOL_CHECK_S] * CHECKS)
        assert self.names == before
        with capturedLogs() as events:
            clock.advance(SPOOL_CHECK_S)
        return [formatEvent(event) for event in events]

    @property
    def names(self):
        if not self.folder.exists():
            return set()
        return {each.name for each in self.folder.iterdir()}


def test_what_an_instance_left_long_ago_is_deleted_and_named(world):
    world.keep("gone", KEPT_S + 86400, size_bytes=2_500_000)
    world.keep("gone-lately", KEPT_S - 86400)
    world.keep("listed", KEPT_S + 86400)
    assert world.look() == [
        f"deleted {world.folder}/gone (2.5 MB): gone is not in the site file any more, and "
        "last wrote there 31 days ago"
    ]
    assert world.names == {"gone-lately", "listed"}
    assert world.look() == []


def test_a_clock_that_is_a_year_ahead_for_some_hours_deletes_nothing(world):
    world.keep("gone", 86400)
    clock = Clock()
    spools = LeftSpools(world.folder, lambda: world.listed, clock, lambda: world.now_at)
    spools.start()
    for _ in range(3):
        world.now_at = NOW_AT + 365 * 86400
        clock.pump([SPOOL_CHECK_S] * (CHECKS - 1))
        world.now_at = NOW_AT
        clock.pump([SPOOL_CHECK_S] * 3)
    world.now_at = 0.0  # a machine without a battery for its clock
    clock.pump([SPOOL_CHECK_S] * 2 * CHECKS)
    assert world.names == {"gone"}


def test_the_newest_file_counts(world):
    file = world.keep("gone", KEPT_S + 86400)
    os.utime(file, (NOW_AT, NOW_AT))
    assert world.look() == []
    assert world.names == {"gone"}


def test_links_are_not_followed(world, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").touch()
    world.keep("gone", KEPT_S + 86400)
    (world.folder / "gone" / "1.5" / "link").symlink_to(other)
    (world.folder / "link").symlink_to(other)
    long_ago_at = NOW_AT - 2 * KEPT_S
    os.utime(other, (long_ago_at, long_ago_at))
    os.utime(world.folder / "gone" / "1.5" / "link", (0, 0), follow_symlinks=False)
    assert len(world.look()) == 1
    assert world.names == {"link"}
    assert (other / "file").exists()


def test_no_spools_at_all_are_no_trouble(world):
    assert world.look() == []
    world.folder.mkdir()
    (world.folder / "file").touch()
    assert world.look() == []
    assert world.names == {"file"}


def test_the_daemon_spares_what_its_site_file_lists_managed_or_not(world, tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    paths = of_host("lab")
    world.folder = paths.spools
    for name in ("up", "docker", "gone"):
        world.keep(name, KEPT_S + 86400)
    listed = [Instance(instance_id="up", agent_class="Thermo")]
    listed.append(Instance(instance_id="docker", agent_class="Thermo", manage="no"))
    plan = SimpleNamespace(host=Host(name="lab", instances=tuple(listed)), instances=())
    clock = Clock()
    fleet = Fleet(Targets(paths.targets))
    Oversight(SimpleNamespace(paths=paths, plan=plan), fleet, clock).start()
    clock.pump([SPOOL_CHECK_S] * (CHECKS + 1))
    assert world.names == {"up", "docker"}
