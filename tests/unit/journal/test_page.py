"""docs/reference/journal.md describes what the recorder writes."""

import re
import struct
from pathlib import Path

import cbor2
import pytest

from ocsd.aggregator.disk.journal_writer import SEGMENT_BYTES, JournalWriter
from ocsd.journal import MAGIC, VERSION, Alive
from ocsd.journal.format import HEAD, RecordKind, layout_record
from ocsd.journal.kinds import Kind
from tests.unit.journal.written import chunk, layout

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "journal.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SIZES = {"u8": 1, "u32": 4, "u64": 8, "f64": 8}


def table(title):
    """Return the rows of the first table under a title."""
    part = re.split(r"\n#+ ", PAGE.split(f"# {title}\n")[1])[0]
    lines = re.search(r"(^\|.*\n)+", part, re.MULTILINE)[0].splitlines()
    rows = [re.split(r" *\| *", line)[1:-1] for line in lines]
    return rows[2:]


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Change to a folder whose data folder has a journal of two messages."""
    monkeypatch.chdir(tmp_path)
    writer = JournalWriter(tmp_path / "data" / "ocsd" / "journal", 0)
    for number in range(2):
        temps = layout({"temp": Kind.FLOAT, "n": Kind.INT})
        writer.message(number, 9.0, [chunk(temps, (0.25, number), times=[number + 5.5])])
    writer.event(Alive(9.0))
    writer.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=["with ocsd", "without"])
def test_each_example_prints_the_newest_samples(data, capsys, example):
    exec(compile(example, "journal.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    expected = ["0 5.5", "1 6.5"]
    if "ocsd.journal" in example:
        feed = "observatory.a.feeds.f"
        expected = [f"{feed}.temp 5.5 0.25", f"{feed}.n 5.5 0", f"{feed}.temp 6.5 0.25"]
        expected.append(f"{feed}.n 6.5 1")
    assert lines == expected


def test_the_head_and_the_parts_of_a_message_have_the_offsets_of_the_page():
    pages = [table("Segments"), table("Messages")]
    for rows in pages:
        end = 0
        for offset, kind, *_ in rows[:-1]:
            assert int(offset) == end
            end += SIZES[kind]
        assert int(rows[-1][0]) == end
    assert HEAD.size == int(pages[0][-1][0])
    assert "| 12 | | packed samples |" in PAGE
    assert struct.calcsize("=III") == 12


def test_the_page_has_every_kind_of_record_type_and_the_version():
    told = {(int(number), name.strip("`")) for number, name, _ in table("Records")}
    assert told == {(kind.value, kind.name) for kind in RecordKind}
    assert all(f"`{kind}`" in PAGE for kind in Kind)
    assert f"format has version {VERSION}." in PAGE
    assert MAGIC.decode() in PAGE
    assert f"{SEGMENT_BYTES // 2**20} MiB is full" in PAGE


def test_the_page_has_every_place_of_a_layout():
    body = layout_record(3, layout())[HEAD.size :]
    assert len(cbor2.loads(body)) == len(table("Layouts"))
