"""The disks of data, state and logs, as the status shows them."""

import os
from dataclasses import replace

import pytest

from ocsd.daemon.watching.disks import REMIND_S, SILENT_AFTER_S, Disks, space_of
from ocsd.supervisor.disk_space import Space


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def disks(tmp_path, clock, warnings):
    places = {"data": tmp_path / "not" / "yet", "state": tmp_path, "logs": tmp_path / "log"}
    return Disks(lambda: places, warnings.append, clock.seconds)


def test_folders_on_one_disk_are_one_row(disks, tmp_path):
    assert disks.as_json() == []
    disks.measure()
    [row] = disks.as_json()
    assert row["path"] == str(tmp_path)
    assert row["what"] == ["data", "state", "logs"]
    assert 0 < row["free_bytes"] <= row["total_bytes"]
    assert row["full_in_s"] is None


def test_a_disk_that_fills_is_told_once_until_it_has_space_again(disks, clock, warnings):
    disks.measure()
    [(device, disk)] = disks._disks.items()
    full, empty = disk.history.after(1.0, Space(100, 1)), disk.history.after(1.0, Space(100, 99))
    for history, told, wait_s in (
        (full, 1, 60),
        (empty, 1, 60),
        (full, 1, REMIND_S + 1),
        (full, 2, 0),
    ):
        disks._disks = {device: replace(disk, history=history)}
        disks.round()
        disks.round()
        assert len(warnings) == told
        clock.advance(wait_s)
    assert "is 99 % full" in warnings[-1]


def test_a_folder_that_cannot_be_seen_is_told_and_hides_no_other(clock, warnings, tmp_path):
    class Hidden(type(tmp_path)):
        def exists(self):
            raise PermissionError(13, "Permission denied")

    places = {"data": Hidden(tmp_path / "nas"), "state": tmp_path}
    disks = Disks(lambda: places, warnings.append, clock.seconds)
    disks.measure()
    disks.round()
    hidden, seen = disks.as_json()
    assert hidden["warning"].endswith("nas) cannot be measured: Permission denied")
    assert (hidden["what"], seen["what"]) == (["data"], ["state"])
    assert seen["free_bytes"] > 0
    assert hidden["warning"] in warnings


def test_a_disk_that_does_not_answer_is_told(disks, clock):
    disks.measure()
    clock.advance(SILENT_AFTER_S + 1)
    assert "does not answer" in disks.as_json()[0]["warning"]


def test_the_room_for_users_without_privileges_counts():
    found = os.statvfs_result((4096, 512, 100, 30, 20, 1000, 300, 200, os.ST_RDONLY, 255))
    assert space_of(found) == Space(90 * 512, 20 * 512, 900, 200, read_only=True)
