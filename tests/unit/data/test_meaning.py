"""Units and labels that an agent declared, from its messages to readers years later."""

import json

import cbor2
import pyarrow.parquet
import pytest
from so3g.hk import HKArchiveScanner

from ocsd.aggregator.incoming.message import read_origin
from ocsd.cli.main import main
from ocsd.data import export, plot, window
from ocsd.data.folder import DataFolder
from ocsd.data.meaning import Meaning, axis_label, units, with_units
from ocsd.data.table import load
from ocsd.journal import format as journal
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Layout, PackedBlock
from tests.unit.aggregator.rig import START, Recording, frames_of

X = "observatory.thermo1.feeds.temps.x"
Y = "observatory.thermo1.feeds.temps.y"
KELVIN = {"units": {"x": "K"}, "labels": {"x": "cold plate"}}
DECLARED = Meaning("K", "cold plate")


@pytest.fixture
def recording(tmp_path):
    recording = Recording(tmp_path / "data")
    recording.start()
    return recording


def send(recording, first, count=3, **info):
    for number in range(first, first + count):
        recording.send([START + number], seq=number, info=info, x=[0.5], y=[1.5])
        recording.run(1)


def test_they_are_in_the_files_and_so3g_reads_those_as_before(recording, tmp_path):
    send(recording, 0, **KELVIN)
    recording.recorder.close()
    assert units(tmp_path / "data") == {X: DECLARED, Y: Meaning()}
    [path] = recording.files()
    listed = [entry for f in frames_of(path) for entry in f.get("providers", [])]
    [told] = [entry for entry in listed if "units" in entry.keys()]  # noqa: SIM118 # no dict
    assert (dict(told["units"]), dict(told["labels"])) == ({"x": "K"}, {"x": "cold plate"})
    _, values = recording.read("thermo1.feeds.temps.x")
    assert values.tolist() == [0.5] * 3
    scanner = HKArchiveScanner()
    scanner.process_file(str(path))
    assert X in scanner.finalize().get_fields()[0]


def test_they_are_known_of_files_that_an_older_ocsd_has_indexed(recording, tmp_path):
    send(recording, 0, **KELVIN)
    recording.recorder.close()
    folder = tmp_path / "data"
    units(folder)
    [index] = (folder / "ocsd" / "index").glob("*.json")
    content = json.loads(index.read_text())
    for summary in content["files"].values():
        for source in summary["sources"]:
            del source["units"], source["labels"]
    index.write_text(json.dumps(content))
    assert units(folder)[X] == DECLARED


def test_they_are_in_the_journal_before_there_is_a_frame(recording, tmp_path):
    send(recording, 0, **KELVIN)
    assert units(tmp_path / "data") == {X: DECLARED, Y: Meaning()}


def test_they_survive_a_kill(recording, tmp_path):
    send(recording, 0, **KELVIN)
    recording.kill()
    after = Recording(tmp_path / "data", clock=recording.clock)
    after.clock.advance(5)
    after.start()
    after.recorder.close()
    assert units(tmp_path / "data") == {X: DECLARED, Y: Meaning()}


def test_each_file_has_those_of_its_time(recording, tmp_path):
    send(recording, 0, **KELVIN)
    recording.run(3700)
    send(recording, 3700, session_id="1795330000.5", units={"x": "mK"})
    recording.recorder.close()
    folder = tmp_path / "data"
    changed = Meaning("mK", "cold plate", ("K",))
    assert units(folder)[X] == changed
    assert units(folder)[X] == changed  # from the index as well
    assert units(folder, until_at=START + 1800)[X] == DECLARED
    assert with_units("x", changed) == "x [mK; before K]"


def test_bad_ones_from_the_wire_harm_nothing(recording, tmp_path):
    send(recording, 0, units={"x": "K", "y": "\x1b[31m", "z z": "V", "w": 7}, labels=[1])
    recording.recorder.close()
    assert units(tmp_path / "data") == {X: Meaning("K"), Y: Meaning()}
    assert recording.read("thermo1.feeds.temps.y")[1].tolist() == [1.5] * 3


def test_an_earlier_release_reads_the_journal():
    info = {"address": "observatory.a.feeds.f", "session_id": "1.5", "seq": 0}
    plain = Layout(read_origin(info), "b", {"x": Kind.FLOAT})
    told = Layout(read_origin(info | KELVIN), "b", {"x": Kind.FLOAT})
    head = 9  # length, checksum, kind
    assert cbor2.loads(journal.layout_record(0, told)[head:]) == cbor2.loads(
        journal.layout_record(0, plain)[head:]
    )
    content = b"\0" * 16
    for layout in (plain, told):
        message = b"".join(
            journal.message_records(9.0, [(3, [PackedBlock(layout, 1, content)])], {layout: 0})
        )
        [read] = journal.read(journal.MAGIC + journal.layout_record(0, layout) + message)
        assert read.blocks[0].layout.origin == layout.origin


def test_exports_and_plots_show_them(recording, tmp_path, monkeypatch):
    send(recording, 0, **KELVIN)
    recording.recorder.close()
    folder = DataFolder(tmp_path / "data")
    tables = load(folder, folder.summaries(), [X, Y])
    about = units(folder.path)
    export.write(tmp_path / "a.parquet", tables, about=about)
    schema = pyarrow.parquet.read_table(tmp_path / "a.parquet").schema
    assert schema.field(X).metadata == {b"units": b"K", b"label": b"cold plate"}
    assert not schema.field(Y).metadata
    drawn = window(folder.path, [X, Y], START - 1, START + 10)
    plot.draw(drawn, tmp_path / "a.svg", about=about)
    assert (tmp_path / "a.svg").stat().st_size > 1000


def test_the_header_of_csv_has_them_only_when_asked(recording, tmp_path, monkeypatch, capsys):
    send(recording, 0, **KELVIN)
    recording.recorder.close()
    monkeypatch.chdir(tmp_path)
    words = ["data", "export", "x", "y", "--folder", "data", "-o"]
    assert main([*words, "-"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"time,{X},{Y}"
    assert main([*words, "-", "--units"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"time,{X} [K],{Y}"
    for options, header in (([], X), (["--units"], f"{X} [K]")):
        assert main([*words, "out.csv", *options]) == 0
        assert (tmp_path / "out.csv").read_text().splitlines()[0] == f"time,{header},{Y}"
    capsys.readouterr()
    assert main(["data", "info", "x", "--folder", "data"]) == 0
    assert "    x  float [K]  cold plate\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("shown", "label"),
    [
        ([Meaning("K"), Meaning("K", "label")], "K"),
        ([Meaning("K"), Meaning("V")], ""),
        ([Meaning("K"), Meaning()], ""),
        ([Meaning("K", "", ("mK",))], ""),
        ([Meaning()], ""),
        ([], ""),
    ],
)
def test_an_axis_has_units_if_they_are_those_of_all(shown, label):
    assert axis_label(shown) == label
