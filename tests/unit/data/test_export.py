"""Chosen fields in arrays, files and pictures."""

import csv
import math

import numpy as np
import pyarrow.parquet
import pytest
from so3g.hk import load_range

from ocsd.data import Archive, plot
from ocsd.data.export import check, library, time_text, write
from ocsd.data.folder import DataFolder
from ocsd.data.meaning import Meaning
from ocsd.data.table import load
from ocsd.errors import MissingLibraryError, NoDataError, OcsdError, OutputFileError, UsageError
from tests.unit.data.recorded import OPENED, THERMO, block, data, every, samples, sound

OTHER = "observatory.thermo2.feeds.temps"
A, B, C = f"{THERMO}.a", f"{THERMO}.b", f"{OTHER}.c"


def tables(folder, *fields, **window):
    found = DataFolder(folder)
    return load(found, found.summaries(), fields, **window)


def values(table, name):
    column = table.columns[name]
    return [
        value if there else None
        for value, there in zip(column.values.tolist(), column.there, strict=True)
    ]


def rows(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def recorded(tmp_path):
    """Two feeds in two files: a, b at 4 Hz and c at 1 Hz."""
    folder = tmp_path / "data"
    for number in range(2):
        opened = OPENED + 10 * number
        times = every(0.25, 40, opened)
        fast = {"a": [0.1 * n for n in range(40)], "b": [*range(39), 2**53 + 1]}
        slow = {"c": [-1.0] * 10}
        frames = samples(times, **fast), samples(every(1, 10, opened), 1, OTHER, **slow)
        sound(folder, *frames, opened=opened, addresses=(THERMO, OTHER))
    return folder


def test_arrays_are_those_that_so3g_reads(recorded):
    (table,) = tables(recorded, A, B)
    expected = load_range(OPENED, OPENED + 100, [A, B], data_dir=str(recorded))
    for name in (A, B):
        times, read = expected[name]
        assert np.array_equal(table.ticks / 1e8, times)
        assert np.array_equal(table.columns[name].values, read)
    assert table.columns[B].values.dtype == np.int64


def test_times_are_chosen_as_so3g_does(recorded):
    (table,) = tables(recorded, A, since_at=OPENED + 5, until_at=OPENED + 15)
    (times, read) = load_range(OPENED + 5, OPENED + 15, [A], data_dir=str(recorded))[A]
    assert np.array_equal(table.ticks / 1e8, times)
    assert np.array_equal(table.columns[A].values, read)
    assert (table.ticks[0], len(times)) == ((OPENED + 5) * 10**8, 40)


def test_only_the_frames_of_the_chosen_feed_are_read(recorded):
    read = []
    found = DataFolder(recorded)
    load(found, found.summaries(), [C], report=lambda done, work: read.append((done, work)))
    frame = len(samples(every(1, 10), 1, OTHER, c=[-1.0] * 10))
    assert read == [(frame, 2 * frame), (2 * frame, 2 * frame)]


def test_a_feed_of_several_files_is_in_order_though_a_part_came_late(tmp_path):
    early, late = every(1, 10), every(1, 10, OPENED + 20)
    sound(tmp_path, samples(early), samples(late))
    sound(tmp_path, samples(every(1, 10, OPENED + 10)), opened=OPENED + 40)
    (table,) = tables(tmp_path, f"{THERMO}.count")
    assert (np.diff(table.ticks) == 10**8).all()
    assert table.samples == 30


def test_a_field_that_changed_its_type_becomes_the_wider_one(tmp_path):
    frames = samples(every(1, 2), x=[1, 2]), samples(every(1, 2, OPENED + 2), 1, x=[0.5, math.nan])
    sound(tmp_path, *frames, addresses=(THERMO, THERMO))
    (table,) = tables(tmp_path, f"{THERMO}.x")
    found = values(table, f"{THERMO}.x")
    assert found[:3] == [1.0, 2.0, 0.5]
    assert math.isnan(found[3])


def test_a_field_that_came_later_has_no_values_before(tmp_path):
    frames = samples(every(1, 2), x=[1, 2]), samples(every(1, 2, OPENED + 2), 1, x=[3, 4], y=[5, 6])
    sound(tmp_path, *frames, addresses=(THERMO, THERMO))
    (table,) = tables(tmp_path, f"{THERMO}.x", f"{THERMO}.y")
    assert values(table, f"{THERMO}.x") == [1, 2, 3, 4]
    assert values(table, f"{THERMO}.y") == [None, None, 5, 6]
    write(tmp_path / "out.npz", [table])
    with np.load(tmp_path / "out.npz") as read:
        assert read[f"{THERMO}.y"].tolist() == [5, 6]
        assert read[f"{THERMO}.y:time"].tolist() == [OPENED + 2, OPENED + 3]


def test_two_blocks_of_a_feed_have_times_of_their_own_unless_they_share_a_field(tmp_path):
    one, two = block(every(1, 2), x=[1, 2]), block(every(1, 3), y=[1, 2, 3])
    sound(tmp_path, data(blocks={"one": one, "two": two}))
    assert [table.samples for table in tables(tmp_path, f"{THERMO}.x", f"{THERMO}.y")] == [2, 3]
    two = block(every(1, 3, OPENED + 2), x=[3, 4, 5])
    sound(tmp_path, data(blocks={"one": one, "two": two}))
    (table,) = tables(tmp_path, f"{THERMO}.x")
    assert values(table, f"{THERMO}.x") == [1, 2, 3, 4, 5]


def test_csv_has_a_column_for_each_field_and_loses_no_digit(recorded, tmp_path):
    write(tmp_path / "out.csv", tables(recorded, A, B))
    head, *lines = rows(tmp_path / "out.csv")
    assert head == ["time", A, B]
    assert lines[1] == ["1795328225.25000000", "0.1", "1"]
    assert [float(line[1]) for line in lines[:40]] == [0.1 * n for n in range(40)]
    assert int(lines[39][2]) == 2**53 + 1
    assert len(lines) == 80


def test_fields_of_several_feeds_are_joined_by_time_in_csv(recorded, tmp_path):
    write(tmp_path / "out.csv", tables(recorded, C, A))
    head, *lines = rows(tmp_path / "out.csv")
    assert head == ["time", C, A]
    assert len(lines) == 80
    assert [line[1] for line in lines[:5]] == ["-1.0", "", "", "", "-1.0"]


def test_samples_of_one_time_are_all_kept_when_joined(tmp_path):
    frames = samples([OPENED] * 2, a=[1, 2]), samples([OPENED] * 3, 1, OTHER, c=[3, 4, 5])
    sound(tmp_path, *frames, addresses=(THERMO, OTHER))
    write(tmp_path / "out.csv", tables(tmp_path, A, C))
    assert [line[1:] for line in rows(tmp_path / "out.csv")[1:]] == [
        ["1", "3"],
        ["2", "4"],
        ["", "5"],
    ]


def test_parquet_has_the_types_and_nulls(recorded, tmp_path):
    write(tmp_path / "out.parquet", tables(recorded, A, B, C))
    read = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert [str(field.type) for field in read.schema] == [
        "timestamp[ns, tz=UTC]",
        *("double", "int64", "double"),
    ]
    assert read.column_names == ["time", A, B, C]
    assert read["time"].cast("int64")[1].as_py() == OPENED * 10**9 + 250_000_000
    assert read[C].to_pylist()[:5] == [-1.0, None, None, None, -1.0]
    assert read[B][39].as_py() == 2**53 + 1


def test_npz_has_one_array_of_times_if_all_fields_share_them(recorded, tmp_path):
    write(tmp_path / "out.npz", tables(recorded, A, B))
    with np.load(tmp_path / "out.npz") as read:
        assert sorted(read) == sorted(["time", A, B])
        assert read["time"][1] == OPENED + 0.25
        assert read[B].dtype == np.int64


def test_npz_has_times_for_each_field_otherwise(recorded, tmp_path):
    write(tmp_path / "out.npz", tables(recorded, A, C))
    with np.load(tmp_path / "out.npz") as read:
        assert sorted(read) == sorted([A, C, f"{A}:time", f"{C}:time"])
        assert len(read[f"{C}:time"]) == len(read[C]) == 20


@pytest.mark.parametrize("ending", [".csv", ".npz", ".parquet"])
def test_texts_and_bools_are_written(tmp_path, ending):
    frame = samples(every(1, 2), a=["on, or off", "öffnen"], b=[True, False])
    sound(tmp_path, frame)
    out = tmp_path / f"out{ending}"
    write(out, tables(tmp_path, A, B))
    if ending == ".csv":
        assert [line[1:] for line in rows(out)[1:]] == [["on, or off", "True"], ["öffnen", "False"]]
    elif ending == ".npz":
        with np.load(out) as read:
            assert read[A].tolist() == ["on, or off", "öffnen"]
            assert read[B].tolist() == [True, False]
    else:
        read = pyarrow.parquet.read_table(out).to_pydict()
        assert (read[A], read[B]) == (["on, or off", "öffnen"], [True, False])


def test_a_field_that_was_text_once_is_text(tmp_path):
    frames = samples(every(1, 2), a=[1, 2]), samples(every(1, 2, OPENED + 2), 1, a=["on", "off"])
    sound(tmp_path, *frames, addresses=(THERMO, THERMO))
    found = tables(tmp_path, A)
    for ending in (".csv", ".npz", ".parquet"):
        write(tmp_path / f"out{ending}", found)
    assert [line[1] for line in rows(tmp_path / "out.csv")[1:]] == ["1", "2", "on", "off"]
    with np.load(tmp_path / "out.npz") as read:
        assert read[A].tolist() == ["1", "2", "on", "off"]
    read = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert read[A].to_pylist() == ["1", "2", "on", "off"]


def test_a_file_is_written_whole_or_not_at_all(recorded, tmp_path):
    found = tables(recorded, A)
    with pytest.raises(OutputFileError, match="choose another place with -o"):
        write(tmp_path / "nowhere" / "out.csv", found)
    out = tmp_path / "out.csv"
    out.write_text("before")

    def stop(_done, _work):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(out, found, stop)
    assert out.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out.csv"]


def test_another_kind_of_file_is_refused_with_those_that_there_are(tmp_path):
    with pytest.raises(UsageError, match=r"\.csv, \.npz, \.parquet"):
        check(tmp_path / "out.xlsx")


def test_a_library_that_is_missing_is_told_with_what_to_install():
    with pytest.raises(MissingLibraryError, match=r"pip install 'ocsd\[data\]'"):
        library("no_such_library.part", "to write Parquet")


def test_a_file_that_changed_meanwhile_is_told(recorded):
    found = DataFolder(recorded)
    summaries = found.summaries()
    path = found.files()[0]
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(OcsdError, match="ocsd data verify"):
        load(found, summaries, [C])


@pytest.mark.parametrize("at", [0.0, 1795328225.12345678, 1795328225.00000001, 5.99999999])
def test_times_are_written_without_loss(at):
    assert float(time_text(round(at * 10**8))) == at


def window(folder, *fields, since_at=OPENED - 60, until_at=OPENED + 3600):
    return Archive(folder).window(fields, since_at, until_at)


def test_a_plot_is_written(recorded, tmp_path):
    plot.check(tmp_path / "out.png")
    plot.draw(window(recorded, A, C), tmp_path / "out.png", about={A: Meaning("K")})
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


def test_a_line_is_broken_by_a_silence(tmp_path):
    sound(tmp_path, samples([*every(1, 5), *every(1, 5, OPENED + 100)], a=list(range(10))))
    drawn = plot.lines(window(tmp_path, A).fields[A])
    assert [n for n, value in enumerate(drawn.mean) if math.isnan(value)] == [5]
    assert len(drawn.times) == 11
    assert drawn.times[0] == np.datetime64("2026-11-22T06:17:05")


def test_what_cannot_be_plotted_is_refused(tmp_path, monkeypatch):
    sound(tmp_path, samples(every(1, 2), a=["on", "off"], b=[1, 2]))
    with pytest.raises(UsageError, match="holds texts"):
        plot.draw(window(tmp_path, A), tmp_path / "out.png")
    for name in ("out.xyz", "out"):
        with pytest.raises(UsageError, match=rf"{name}' is not the name of a picture; end it with"):
            plot.check(tmp_path / name)
    with pytest.raises(OutputFileError):
        plot.check(tmp_path / "nowhere" / "out.png")
    with pytest.raises(NoDataError):
        plot.draw(window(tmp_path, B, since_at=OPENED + 50), tmp_path / "out.png")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="write a file with -o"):
        plot.check(None)


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    sound(tmp_path, samples(every(1, 2), b=[1, 2]))
    (tmp_path / "out.png").write_text("old")

    def half(_figure, file, **_options):
        file.write_text("half")
        raise OSError(28, "full")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", half)
    with pytest.raises(OutputFileError, match=r"cannot write .*out\.png: full"):
        plot.draw(window(tmp_path, B), tmp_path / "out.png")
    assert (tmp_path / "out.png").read_text() == "old"
    assert [one.name for one in tmp_path.glob(".*")] == []


def test_a_plot_of_very_many_samples_keeps_peaks_and_silences(tmp_path):
    times = [*every(0.01, 30_000), *every(0.01, 30_000, OPENED + 1000)]
    values = [float(number % 7) for number in range(60_000)]
    values[12_345], values[54_321] = 99.0, -99.0
    sound(tmp_path, samples(times, a=values))
    drawn = plot.lines(window(tmp_path, A).fields[A])
    assert len(drawn.times) < 8000
    assert (np.nanmax(drawn.greatest), np.nanmin(drawn.least)) == (99.0, -99.0)
    assert np.isnan(drawn.mean).sum() == 1
    assert (np.diff(drawn.times) > np.timedelta64(0, "ns")).all()


def test_that_there_is_no_folder_for_the_file_is_told_before_anything_is_read(tmp_path):
    with pytest.raises(OutputFileError, match=r"there is no folder .*nowhere; make it, or choose"):
        check(tmp_path / "nowhere" / "out.csv")
