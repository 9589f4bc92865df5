import errno
import os
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd import journal
from ocsd.aggregator.disk.journal_writer import JournalWriter
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import gather
from ocsd.journal.ranges import Ranges
from ocsd.journal.segments import segments
from tests.unit.journal.written import KINDS, chunk, layout

ROWS = [(0.5, 1, True, "a"), (2.5, -2, False, "ö")]


def entries(folder):
    return [e for _, path in segments(folder) for e in journal.read(path.read_bytes())]


def write_everything(folder, segment_bytes=10**6):
    writer = JournalWriter(folder, 0, segment_bytes)
    whole, numbers = layout(), layout({"x": Kind.FLOAT}, seq=None)
    key = journal.BlockKey("observatory.a.feeds.f", "1.5", True, "block")
    cover = journal.Cover(key, Ranges([0, 3]))
    writer.event(journal.File("17953/1.g3", 0))
    for number in range(4):
        writer.message(number, 9.0, [chunk(whole, *ROWS), chunk(numbers, (float(number),))])
        writer.event(journal.FrameAppended("17953/1.g3", 10 * number, 10, 77, (cover,)))
    writer.event(journal.Outage(1.0, 2.0, "the link was away"))
    writer.event(journal.Alive(3.0))
    writer.close()


def columns_of(data):
    return [
        {name: list(values) for name, values in gather([each], each.layout.kinds).items()}
        for each in data.blocks
    ]


def test_what_was_written_is_read_back(tmp_path):
    write_everything(tmp_path)
    found = entries(tmp_path)
    kinds = [type(entry).__name__ for entry in found]
    assert kinds == ["File", *["Message", "FrameAppended"] * 4, "Outage", "Alive"]
    data = found[3]
    assert (data.number, data.arrived_at) == (1, 9.0)
    assert columns_of(data) == [
        {"": [0.0, 1.0], "f": [0.5, 2.5], "n": [1, -2], "b": [True, False], "s": ["a", "ö"]},
        {"": [0.0], "x": [1.0]},
    ]
    assert data.blocks[0].layout.kinds == KINDS
    assert data.blocks[0].layout.origin == layout().origin
    assert data.blocks[1].layout.origin.numbered is False
    assert found[2].covers[0].numbers == Ranges([0, 3])
    assert found[-2] == journal.Outage(1.0, 2.0, "the link was away")


def test_each_segment_can_be_read_alone(tmp_path):
    write_everything(tmp_path / "whole")
    write_everything(tmp_path, segment_bytes=300)
    paths = [path for _, path in segments(tmp_path)]
    assert len(paths) > 3
    assert [path.name for path in paths][:2] == ["00000000.wal", "00000001.wal"]
    data = [e for e in entries(tmp_path) if isinstance(e, journal.Message)]
    whole = [e for e in entries(tmp_path / "whole") if isinstance(e, journal.Message)]
    assert [(e.number, columns_of(e)) for e in data] == [(e.number, columns_of(e)) for e in whole]
    for path in paths[1:]:
        # A torn end of the G3 file must show even if all older segments are gone.
        first = next(journal.read(path.read_bytes()))
        assert isinstance(first, journal.File)
    lengths = [e.length for e in entries(tmp_path) if isinstance(e, journal.File)]
    assert lengths == sorted(lengths)


@pytest.fixture(scope="module")
def segment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journal")
    write_everything(folder)
    return (folder / "00000000.wal").read_bytes()


def test_any_prefix_is_read_as_far_as_it_is_whole(segment):
    counts = [len(list(journal.read(segment[:length]))) for length in range(len(segment) + 1)]
    assert counts[0] == 0
    assert counts[-1] == 11
    assert all(0 <= after - before <= 1 for before, after in pairwise(counts))


@settings(max_examples=500)
@given(st.data())
def test_no_damage_raises_and_none_goes_unnoticed(segment, data):
    place = data.draw(st.integers(0, len(segment) - 1))
    damage = data.draw(st.binary(min_size=1, max_size=40))
    damaged = segment[:place] + damage + segment[place + len(damage) :]
    if damaged != segment:
        found = [e for e in journal.read(damaged) if not isinstance(e, journal.Message)]
        whole = [e for e in journal.read(segment) if not isinstance(e, journal.Message)]
        assert found == whole[: len(found)]


@given(st.binary(max_size=200))
def test_anything_can_be_read(content):
    assert list(journal.read(content)) == []
    list(journal.read(journal.MAGIC + content))


def test_zeros_at_the_end_as_a_power_cut_leaves_them_are_no_records(segment):
    assert len(list(journal.read(segment + bytes(1000)))) == 11


def test_after_a_write_that_failed_the_journal_goes_on_whole(tmp_path, monkeypatch):
    writer = JournalWriter(tmp_path, 0)
    floats = layout({"x": Kind.FLOAT})
    real = {"write": os.write, "ftruncate": os.ftruncate}

    def torn(descriptor, data):
        if len(data) < 10:
            raise OSError(errno.ENOSPC, "full")
        return real["write"](descriptor, data[: len(data) // 2])

    for broken in ((), ("ftruncate",)):
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", torn)
            for name in broken:
                patched.setattr(os, name, lambda *_: (_ for _ in ()).throw(OSError(5, "broken")))
            with pytest.raises(OSError, match="full"):
                writer.message(7, 0.0, [chunk(floats, (7.0,))])
        writer.message(1, 0.0, [chunk(floats, (1.0,))])
    writer.close()
    assert [e.number for e in entries(tmp_path)] == [1, 1]
    assert len(segments(tmp_path)) == 2  # the torn one is left behind


def test_chunks_of_all_types_and_lengths_become_one_column(tmp_path):
    narrow, wide = (
        layout({"x": Kind.INT, "s": Kind.TEXT}),
        layout({"s": Kind.TEXT, "x": Kind.FLOAT}),
    )
    chunks = [
        chunk(narrow, (1, "a")),
        chunk(narrow, (2, "b")),
        chunk(narrow, (3, "c"), (4, "d")),
        chunk(wide, ("e", 0.5)),
    ]
    columns = gather(chunks, {"x": Kind.FLOAT, "s": Kind.TEXT})
    assert list(columns["x"]) == [1.0, 2.0, 3.0, 4.0, 0.5]
    assert columns["s"] == list("abcde")
    assert list(columns[""]) == [0.0, 0.0, 0.0, 1.0, 0.0]
