"""The folders that are looked at in benchmarks have what they say."""

import pytest

from benchmarks.looking.folders import START_AT, a_year, made, two_days
from ocsd.data import Archive


@pytest.mark.parametrize("recorded", [a_year(days=0.05), two_days(hours=0.1)])
def test_a_folder_is_made_once_and_has_every_sample(tmp_path, recorded):
    folder = made(tmp_path, recorded)
    found = Archive(folder).window([recorded.field()], START_AT, START_AT + 1e6)
    assert found.fields[recorded.field()].n.sum() == recorded.samples
    before = (folder / "ocsd" / "ledger.json").stat().st_mtime_ns
    assert made(tmp_path, recorded) == folder
    assert (folder / "ocsd" / "ledger.json").stat().st_mtime_ns == before
