"""A start that fails leaves the folder to the next one as it was."""

import errno
import os

import pytest

from ocsd.aggregator.disk import append_file
from ocsd.aggregator.recording import opening
from ocsd.errors import DataFolderError
from tests.unit.aggregator.rig import START, Recording


def held(folder):
    """Return the files of a folder that this process has open."""
    open_files = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue  # It was that of the list itself.
        if target.startswith(f"{folder}/"):
            open_files.append(target)
    return open_files


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock")


def crashed(folder):
    """Have samples wait in the journal; return the recording, which is dead."""
    recording = Recording(folder)
    recording.start()
    for number in range(3):
        recording.send([START + number], seq=number, a=[number])
    recording.kill()
    recording.archive.close()
    for descriptor in recording.archive.take_unsynced():
        os.close(descriptor)
    recording.parts.writer.close()
    return recording


def no_descriptors_for_g3(path, *more, **named):
    if str(path).endswith(".g3"):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return OPEN(path, *more, **named)


OPEN = os.open


def refuse(*_, **__):
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def defect(*_, **__):
    raise ZeroDivisionError("oh")


@pytest.mark.parametrize(
    ("place", "name", "fault", "raised"),
    [
        (append_file.os, "open", no_descriptors_for_g3, DataFolderError),
        (opening.Filing, "begin", defect, ZeroDivisionError),
        (opening.Filing, "take", refuse, DataFolderError),
        (opening.Filing, "take", defect, ZeroDivisionError),
        (opening, "Recovery", defect, ZeroDivisionError),
        (opening, "JournalWriter", refuse, DataFolderError),
    ],
)
def test_a_start_that_fails_holds_nothing_and_leaves_nothing(
    tmp_path, monkeypatch, place, name, fault, raised
):
    clock = crashed(tmp_path).clock
    before = files(tmp_path)
    for _ in range(3):
        clock.advance(2)
        with monkeypatch.context() as faulty:
            faulty.setattr(place, name, fault)
            with pytest.raises(raised):
                Recording(tmp_path, clock=clock).start()
        assert held(tmp_path) == []
        assert files(tmp_path) == before
    again = Recording(tmp_path, clock=clock)
    again.start()
    again.recorder.close()
    assert list(again.read("thermo1.feeds.temps.a")[1]) == [0, 1, 2]


def test_what_a_start_that_fails_has_filed_already_stays_and_is_there_once(tmp_path, monkeypatch):
    clock = crashed(tmp_path).clock
    clock.advance(2)
    take, taken = opening.Filing.take, []

    def take_two(self, *arguments, **named):
        if len(taken) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        taken.append(named["number"])
        take(self, *arguments, **named)

    with monkeypatch.context() as faulty:
        faulty.setattr(opening.Filing, "take", take_two)
        faulty.setattr("ocsd.aggregator.recording.frame_writing.LARGEST_FRAME_BYTES", 1)
        with pytest.raises(DataFolderError):
            Recording(tmp_path, clock=clock).start()
    assert held(tmp_path) == []
    clock.advance(2)
    again = Recording(tmp_path, clock=clock)
    again.start()
    again.recorder.close()
    assert sorted(again.raw("thermo1.feeds.temps", "a")) == [0, 1, 2]
