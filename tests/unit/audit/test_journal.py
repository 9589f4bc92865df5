"""The journal on disk: its chain over segments, and what happens to it."""

import os
from pathlib import Path

import pytest

from ocsd.audit.chain import BEFORE_ALL, chained, check
from ocsd.audit.checking import verify
from ocsd.audit.entry import AuditEntry, AuditKind
from ocsd.audit.journal import AuditJournal
from ocsd.audit.reading import read_audit
from ocsd.audit.segments import segments_of


def entry(number: int, **fields: object) -> AuditEntry:
    return AuditEntry(1000.0 + number, AuditKind.CHANGE, "restart", person="vera", **fields)  # type: ignore[arg-type]


def lines_of(count: int) -> list[bytes]:
    lines, last = [], BEFORE_ALL
    for number in range(count):
        line, last = chained(last, entry(number).as_row())
        lines.append(line.rstrip(b"\n"))
    return lines


def written(folder: Path, count: int, **limits: int) -> AuditJournal:
    journal = AuditJournal(folder, **limits)
    for number in range(count):
        journal.write(entry(number))
    journal.close()
    return journal


def told(folder: Path) -> list[str]:
    return [each.what for each in verify(folder).breaks]


def test_a_chain_that_nobody_touched_is_whole() -> None:
    assert check(lines_of(5)).breaks == ()


def test_a_changed_line_shows_once_and_where() -> None:
    lines = lines_of(5)
    lines[2] = lines[2].replace(b"vera", b"otto")
    assert [each.number for each in check(lines).breaks] == [2]
    assert "changed" in check(lines).breaks[0].what


def test_missing_lines_show_with_their_numbers() -> None:
    lines = lines_of(6)
    del lines[2:4]
    assert [each.what for each in check(lines).breaks] == ["entries 2 to 3 are missing"]


def test_an_inserted_line_shows() -> None:
    lines = lines_of(4)
    lines.insert(3, lines[1])
    assert "inserted" in check(lines).breaks[0].what


def test_a_removed_line_whose_followers_were_renumbered_shows() -> None:
    lines = lines_of(4)
    forged = lines[2].replace(b'"n": 2', b'"n": 1')
    assert "changed" in check([lines[0], forged]).breaks[0].what


def test_a_line_that_is_no_entry_shows() -> None:
    lines = lines_of(2)
    assert "no entry" in check([lines[0], b"# nothing to see", lines[1]]).breaks[0].what


def test_the_chain_goes_on_over_segments_and_restarts(tmp_path: Path) -> None:
    for _ in range(3):
        written(tmp_path, 10, segment_bytes=500)
    verdict = verify(tmp_path)
    assert (verdict.entries, verdict.last.number, verdict.breaks) == (30, 29, ())
    assert len(segments_of(tmp_path)) > 5


def test_a_missing_segment_shows(tmp_path: Path) -> None:
    written(tmp_path, 20, segment_bytes=500)
    segments_of(tmp_path)[1].unlink()
    assert "are missing" in told(tmp_path)[0]


def test_a_missing_beginning_shows_unless_the_journal_says_that_it_was_dropped(
    tmp_path: Path,
) -> None:
    written(tmp_path / "removed", 20, segment_bytes=500)
    segments_of(tmp_path / "removed")[0].unlink()
    assert "entries 0 to " in told(tmp_path / "removed")[0]

    written(tmp_path / "dropped", 40, segment_bytes=500, most_segments=3)
    verdict = verify(tmp_path / "dropped")
    assert verdict.first > 0
    assert verdict.breaks == ()
    assert len(segments_of(tmp_path / "dropped")) == 3


def test_a_torn_last_line_is_cut_and_told(tmp_path: Path) -> None:
    written(tmp_path, 3)
    with segments_of(tmp_path)[0].open("ab") as file:
        file.write(b'{"n": 3, "at": 10')
    written(tmp_path, 1)
    entries = [each.entry for each in read_audit(tmp_path)]
    assert [each.action for each in entries] == ["restart"] * 3 + ["torn", "restart"]
    assert "17 bytes" in entries[3].reason
    assert told(tmp_path) == []


def test_a_full_disk_keeps_entries_in_memory_and_counts_those_that_it_drops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = AuditJournal(tmp_path, most_unwritten=3)
    journal.write(entry(0))
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:10]))
    for number in range(1, 6):
        journal.write(entry(number))
    assert "5 entries of the audit wait" in journal.trouble
    assert "No space left" in journal.trouble
    monkeypatch.undo()
    journal.flush()
    journal.close()
    assert journal.trouble == ""
    entries = [each.entry for each in read_audit(tmp_path)]
    assert [each.action for each in entries] == ["restart", "lost", *["restart"] * 3]
    assert "2 entries are missing" in entries[1].reason
    assert told(tmp_path) == []


def test_a_second_writer_waits_until_the_first_one_has_ended(tmp_path: Path) -> None:
    first, second = AuditJournal(tmp_path), AuditJournal(tmp_path)
    first.write(entry(0))
    second.write(entry(1))
    assert "another process" in second.trouble
    first.close()
    second.flush()
    second.close()
    assert [each.number for each in read_audit(tmp_path)] == [0, 1]
    assert told(tmp_path) == []


def test_a_segment_that_is_removed_under_the_writer_shows(tmp_path: Path) -> None:
    journal = AuditJournal(tmp_path)
    journal.write(entry(0))
    segments_of(tmp_path)[0].unlink()
    journal.write(entry(1))
    journal.close()
    assert told(tmp_path) == ["entries 0 to 0 are missing"]


def test_files_are_for_the_owner_only(tmp_path: Path) -> None:
    written(tmp_path / "audit", 1)
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o700
    assert segments_of(tmp_path / "audit")[0].stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for others")
def test_what_root_writes_is_the_daemons(tmp_path: Path) -> None:
    """A command of root while no daemon runs must not lock the daemon's user out."""
    os.chown(tmp_path, 1234, 1235)
    written(tmp_path / "audit", 1)
    made = [tmp_path / "audit", *(tmp_path / "audit").iterdir()]
    assert len(made) == 3
    assert {(each.stat().st_uid, each.stat().st_gid) for each in made} == {(1234, 1235)}


def test_no_link_is_followed(tmp_path: Path) -> None:
    """Otherwise the daemon's user has root write wherever it likes."""
    other = tmp_path / "other"
    other.write_text("half a line")
    for name in (".lock", "00000000.jsonl"):
        folder = tmp_path / f"audit{name}"
        folder.mkdir()
        (folder / name).symlink_to(other)
        assert "symbolic links" in written(folder, 1).trouble
    assert other.read_text() == "half a line"


def test_old_segments_are_not_read_for_a_late_time(tmp_path: Path) -> None:
    written(tmp_path, 40, segment_bytes=500)
    found = read_audit(tmp_path, 1035.0)
    assert found[-1].number == 39
    assert 5 <= len(found) < 20
