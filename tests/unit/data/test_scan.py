"""What a file holds, found by reading it."""

import json
from dataclasses import asdict

import pytest

from ocsd.aggregator.numbers.hole import Hole
from ocsd.data.index import FileSummary, IndexedFrame
from ocsd.data.scan import MOST_SPANS_OF_BLOCK, scan
from tests.unit.data import recorded
from tests.unit.data.recorded import HOLES, OPENED, THERMO, every, samples, sound


def test_feeds_fields_rates_and_times_are_found(tmp_path):
    fields = {"a": [1.5] * 40, "b": [1] * 40, "c": [True] * 40, "d": ["on"] * 40}
    path = sound(tmp_path, samples(every(0.25, 40), **fields))
    summary = scan(path, "17953/1795328225.g3")
    (source,) = summary.sources
    (block,) = source.blocks
    assert (source.feed, source.agent_session) == (THERMO, "1795328000.5")
    assert block.fields == {"a": "float", "b": "int", "c": "bool", "d": "str"}
    assert (block.name, block.samples, block.interval_s) == ("temps", 40, 0.25)
    assert block.spans == ((OPENED, OPENED + 9.75),)
    assert (summary.frames, summary.damage, summary.opened_at) == (3, (), OPENED)


def test_a_summary_survives_json(tmp_path):
    frames = [samples(every(1, 5)), recorded.holes(1, recorded.hole(OPENED, OPENED + 5)), b"torn"]
    summary = scan(sound(tmp_path, *frames, addresses=(THERMO, HOLES)), "17953/1795328225.g3")
    assert summary.holes
    assert summary.damage
    assert FileSummary.of_json(json.loads(json.dumps(asdict(summary)))) == summary


def test_a_silence_divides_spans_and_what_was_fetched_late_fills_it(tmp_path):
    early, late = every(0.5, 10), every(0.5, 10, OPENED + 60)
    between = every(0.5, 110, OPENED + 5)
    block = scan(sound(tmp_path, samples(early), samples(late)), "f").sources[0].blocks[0]
    assert block.spans == ((OPENED, OPENED + 4.5), (OPENED + 60, OPENED + 64.5))
    frames = samples(early), samples(late), samples(between)
    block = scan(sound(tmp_path, *frames), "f").sources[0].blocks[0]
    assert block.spans == ((OPENED, OPENED + 64.5),)


def test_a_feed_without_rhythm_keeps_its_longest_silences_only(tmp_path):
    times = sorted(
        {OPENED + number**2 / 40 + part for number in range(400) for part in (0, 0.01, 0.02)}
    )
    block = scan(sound(tmp_path, samples(times)), "f").sources[0].blocks[0]
    assert len(block.spans) == MOST_SPANS_OF_BLOCK
    assert block.spans[0][0] == OPENED
    assert block.spans[-1][1] == times[-1]


def test_an_agent_that_was_started_anew_is_another_source(tmp_path):
    runs = [samples(every(1, 3), run="1"), samples(every(1, 3, OPENED + 9), 1, run="2")]
    summary = scan(sound(tmp_path, *runs, addresses=(THERMO, THERMO)), "f")
    assert [source.agent_session for source in summary.sources] == ["1", "2"]


def test_a_field_of_another_type_makes_another_block(tmp_path):
    frames = samples(every(1, 3), x=[1, 2, 3]), samples(every(1, 3, OPENED + 3), 1, x=[0.5] * 3)
    summary = scan(sound(tmp_path, *frames, addresses=(THERMO, THERMO)), "f")
    assert [block.fields for block in summary.sources[0].blocks] == [{"x": "int"}, {"x": "float"}]


def test_frames_are_found_again_by_their_place(tmp_path):
    first, second = samples(every(1, 3)), samples(every(1, 3, OPENED + 3))
    path = sound(tmp_path, first, second)
    head = path.stat().st_size - len(first) - len(second)
    assert scan(path, "f").sources[0].frames == (
        IndexedFrame(head, len(first), OPENED, OPENED + 2),
        IndexedFrame(head + len(first), len(second), OPENED + 3, OPENED + 5),
    )


def test_recorded_holes_are_read(tmp_path):
    entry = recorded.hole(OPENED + 1, OPENED + 2, estimated=True, count=0)
    path = sound(tmp_path, recorded.holes(0, entry), addresses=(HOLES,))
    assert scan(path, "f").holes == (Hole(**entry),)


def test_a_file_of_ocs_without_the_addition_to_data_frames_is_read(tmp_path):
    from so3g.hk import HKSessionHelper
    from spt3g import core

    helper = HKSessionHelper(hkagg_version=2)
    number = helper.add_provider(THERMO)
    frame = helper.data_frame(number)
    frame["blocks"].append(recorded.block(every(1, 3), x=[1.0, 2.0, 3.0]))
    frame["block_names"].append("temps")
    writer = core.G3Writer(str(tmp_path / "ocs.g3"))
    for each in (helper.session_frame(), helper.status_frame(), frame):
        writer(each)
    writer(core.G3Frame(core.G3FrameType.EndProcessing))
    (source,) = scan(tmp_path / "ocs.g3", "f").sources
    assert (source.feed, source.agent_session) == (THERMO, "")


def test_a_file_that_is_not_there_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "1.g3", "f")


def test_a_frame_that_is_not_of_the_schema_is_damage_and_the_rest_is_read(tmp_path):
    from spt3g import core

    odd = core.G3Frame(core.G3FrameType.Housekeeping)
    odd["hkagg_type"] = 2
    serialised = bytes(odd.__getstate__()[1])
    summary = scan(sound(tmp_path, serialised, samples(every(1, 3))), "f")
    (damage,) = summary.damage
    assert (damage.length, damage.at_end) == (len(serialised), False)
    assert summary.sources[0].blocks[0].samples == 3


@pytest.mark.parametrize("address", ["odd\x1b[31m.feeds.x", ""])
def test_odd_addresses_are_read_as_they_are(tmp_path, address):
    path = sound(tmp_path, samples(every(1, 3), address=address), addresses=(address,))
    assert scan(path, "f").sources[0].feed == address
