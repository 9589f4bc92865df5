"""The folders that are looked at in benchmarks have what they say."""

import pytest

from benchmarks.looking import live
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


def test_viewers_get_every_sample_that_is_recorded(tmp_path):
    case = live.Case("short", feeds=3, rate_hz=100, messages_hz=4, viewers=3)
    cost = live.run(case, tmp_path, seconds=2)
    assert cost.samples_sent == cost.values_recorded == 3 * 16 * 100 * 2
