"""What is missing, and why."""

import json
import os
from dataclasses import asdict

import pytest

from ocsd.data import overview
from ocsd.data.folder import DataFolder
from ocsd.data.gaps import GapKind, find, within
from ocsd.data.index import FileSummary
from ocsd.data.repair import repair
from ocsd.data.scan import scan
from ocsd.data.spans import between, union
from tests.unit.data import recorded
from tests.unit.data.recorded import HOLES, OPENED, THERMO, every, hole, samples, sound

OTHER = "observatory.thermo2.feeds.temps"


def gaps(tmp_path, *files, addresses=(THERMO, OTHER, HOLES)):
    summaries = []
    for number, frames in enumerate(files):
        opened = OPENED + number
        path = sound(tmp_path, *frames, opened=opened, addresses=addresses)
        summaries.append(scan(path, f"17953/{opened}.g3"))
    return find(summaries)


def thermo(*at, run="1", interval_s=1.0):
    times = [time for begin, end in at for time in every(interval_s, end - begin, OPENED + begin)]
    return samples(times, run=run)


def other(*at):
    times = [time for begin, end in at for time in every(1.0, end - begin, OPENED + begin)]
    return samples(times, 1, OTHER)


def told(found):
    return [(gap.kind, gap.feed, gap.from_at - OPENED, gap.until_at - OPENED) for gap in found]


def test_nothing_is_missing_where_samples_came_all_the_time(tmp_path):
    assert gaps(tmp_path, [thermo((0, 60)), other((0, 60))], [thermo((60, 99))]) == []


def test_a_recorded_hole_is_told_with_its_cause(tmp_path):
    holes = recorded.holes(2, hole(OPENED + 10, OPENED + 20))
    (gap,) = gaps(tmp_path, [thermo((0, 10), (20, 30)), other((0, 30)), holes])
    assert told([gap]) == [(GapKind.HOLE, THERMO, 10, 20)]
    assert (gap.count, gap.estimated, gap.cause) == (10, False, "the disk was full")


def test_a_hole_that_was_recorded_twice_is_one(tmp_path):
    holes = recorded.holes(2, hole(OPENED + 10, OPENED + 20))
    assert len(gaps(tmp_path, [thermo((0, 9)), holes], [holes])) == 1


def test_the_silence_of_one_feed_is_told(tmp_path):
    found = gaps(tmp_path, [thermo((0, 10), (20, 30)), other((0, 30))])
    assert told(found) == [(GapKind.SILENCE, THERMO, 9, 20)]
    assert found[0].estimated
    assert "although the agent was not restarted" in found[0].cause


def test_a_silence_in_which_the_agent_was_started_anew_says_so(tmp_path):
    again = samples(every(1, 10, OPENED + 20), run="2")
    (gap,) = gaps(tmp_path, [thermo((0, 10)), other((0, 30)), again])
    assert gap.cause == "the agent was restarted"


def test_the_silence_of_all_feeds_is_one(tmp_path):
    found = gaps(tmp_path, [thermo((0, 10), (60, 70)), other((0, 9), (62, 70))])
    assert told(found) == [(GapKind.SILENCE, "*", 9, 60)]
    assert "aggregator or router were away" in found[0].cause


def test_a_feed_that_was_silent_for_much_longer_than_all_is_told_too(tmp_path):
    found = gaps(tmp_path, [thermo((0, 10), (60, 70)), other((0, 9), (500, 510))])
    assert (GapKind.SILENCE, OTHER, 8, 500) in told(found)


@pytest.mark.parametrize("odd", [7200, 40_000, -40_000_000, -OPENED, 10 * 365 * 86400])
def test_one_sample_with_an_impossible_time_is_no_silence_and_is_named(tmp_path, odd):
    strange = samples([OPENED + 20 + odd], run="1")
    frames = [thermo((0, 20)), strange, thermo((20, 40)), other((0, 40))]
    path = sound(tmp_path, *frames, opened=OPENED, addresses=(THERMO, OTHER, HOLES))
    os.utime(path, (OPENED + 40, OPENED + 40))
    summary = scan(path, f"17953/{OPENED}.g3")
    assert find([summary]) == []
    first, second = overview.feeds([summary])
    assert (first.span, first.samples) == ((OPENED, OPENED + 39), 41)
    (outlier,) = first.outliers
    assert (outlier.samples, outlier.from_at) == (1, OPENED + 20 + odd)
    assert abs(outlier.away_s - odd) < 60
    assert second.outliers == []
    assert FileSummary.of_json(json.loads(json.dumps(asdict(summary)))) == summary


def test_a_feed_that_has_only_impossible_times_is_listed(tmp_path):
    path = sound(tmp_path, samples([37.0, 38.0]), opened=OPENED)
    (feed,) = overview.feeds([scan(path, f"17953/{OPENED}.g3")])
    assert (feed.span, feed.samples) == (None, 2)


def test_no_silence_ends_after_now(tmp_path):
    path = sound(tmp_path, samples(every(1.0, 9)), samples([OPENED + 60]), opened=OPENED)
    summary = scan(path, f"17953/{OPENED}.g3")
    assert find([summary], now_at=OPENED + 10) == []
    assert [gap.until_at for gap in find([summary], now_at=OPENED + 61)] == [OPENED + 60]


def test_a_silence_over_the_end_of_a_file_is_told(tmp_path):
    found = gaps(tmp_path, [thermo((0, 10)), other((0, 30))], [thermo((40, 60)), other((30, 60))])
    assert told(found) == [(GapKind.SILENCE, THERMO, 9, 40)]


def test_what_was_fetched_late_into_another_file_is_not_missing(tmp_path):
    files = [thermo((0, 10), (20, 30)), other((0, 30))], [thermo((10, 20)), other((30, 35))]
    assert gaps(tmp_path, *files) == []


def test_a_short_pause_and_a_feed_without_rhythm_are_no_silence(tmp_path):
    pausing = thermo((0, 10), (13, 30))
    rare = samples([OPENED, OPENED + 25], 1, OTHER)
    assert gaps(tmp_path, [pausing, rare]) == []


def test_damage_is_told_with_its_file(tmp_path):
    (gap,) = gaps(tmp_path, [thermo((0, 10)), b"torn"])
    assert gap.kind is GapKind.DAMAGE
    assert gap.cause.startswith("17953/1795328225.g3: 4 bytes at ")


def test_what_a_repair_has_cut_off_is_told_as_the_damage_that_it_was(tmp_path):
    path = sound(tmp_path, thermo((0, 10)), b"torn")
    (damage,) = find([scan(path, f"17953/{OPENED}.g3")])
    repair(path)
    cut_off = DataFolder(tmp_path, lambda: OPENED + 86400.0).cut_off()
    (gap,) = find([scan(path, f"17953/{OPENED}.g3")], cut_off)
    assert (gap.kind, gap.feed, gap.span) == (GapKind.DAMAGE, "*", damage.span)
    assert gap.cause == (
        f"17953/{OPENED}.g3: a repair cut off 4 bytes that were not a whole frame; they are "
        f"in 17953/{OPENED}.g3.torn"
    )


def test_gaps_are_chosen_by_time(tmp_path):
    found = gaps(tmp_path, [thermo((0, 10), (20, 30), (50, 60)), other((0, 60))])
    assert len(found) == 2
    assert within(found, OPENED + 25, None) == found[1:]
    assert within(found, None, OPENED + 25) == found[:1]


def test_spans_are_joined_and_their_gaps_found():
    joined = union([(10, 20), (0, 5), (4, 6), (21, 30), (12, 13)], pause_s=1)
    assert joined == [(0, 6), (10, 30)]
    assert between(joined) == [(6, 10)]
