"""Whatever is sent, the recorder goes on, and what it refuses can be looked at."""

import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ocsd.aggregator.frames import provider
from ocsd.aggregator.incoming import quarantine
from ocsd.aggregator.incoming.message import sender_of
from ocsd.aggregator.incoming.quarantine import Quarantine, cut
from ocsd.aggregator.recording.arrivals import Received, Unreadable
from tests.unit.aggregator.rig import START, Recording

# Each message comes with each info: to draw them takes most of the time.
EXAMPLES, MESSAGES, INFOS = int(os.environ.get("OCSD_TEST_EXAMPLES", "400")), 4, 5

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, -(2**64), math.nan, math.inf, Decimal("1.5")])
    | st.integers(5000, 6000).map(lambda digits: 10**digits)  # cannot even be shown
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["\ud800", "\0", "x" * 300, ""])
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.none(), inner, max_size=3)
    ),
    max_leaves=5,
)
values = st.lists(st.floats() | st.integers(0, 9), min_size=2, max_size=2) | st.lists(
    anything, max_size=3
)
blocks = st.fixed_dictionaries(
    {
        "timestamps": st.lists(st.floats(1e9, 2e9), min_size=2, max_size=2)
        | st.lists(st.floats() | anything, max_size=3)
        | anything,
        "data": st.dictionaries(
            st.sampled_from(["a", "x", "_y", "1", "\0", "\ud800", "z" * 256, 3]), values, max_size=3
        )
        | anything,
    }
)
messages = (
    st.dictionaries(
        st.sampled_from(["b", "c", "\ud800", "", "n" * 256, 7]), blocks | anything, max_size=2
    )
    | anything
)
infos = (
    st.fixed_dictionaries(
        {
            "record": st.just(True) | anything,
            "address": st.sampled_from(["observatory.evil.feeds.x", "observatory.odd.feeds.y"])
            | anything,
            "session_id": st.sampled_from(["1", "1795328999.5", 3.5]) | anything,
        },
        optional={
            "agent_address": st.sampled_from(["observatory.evil", "observatory.odd"]) | anything,
            "agg_params": st.dictionaries(
                st.sampled_from(["frame_length", "fresh_time"]), anything, max_size=2
            )
            | anything,
            "seq": st.integers(0, 50) | anything,
        },
    )
    | anything
)


def exactly(count, strategy):
    """Return the strategy of lists of a length."""
    return st.lists(strategy, min_size=count, max_size=count)


def take(recorder, message, feed_info):
    """Do what the aggregator does with what comes off the bus."""
    if not isinstance(feed_info, Mapping):
        recorder.record(Unreadable(message, feed_info))
    elif feed_info.get("record"):
        recorder.record(Received(message, feed_info))


@pytest.mark.timeout(600)
def test_thousands_of_hostile_messages_never_stop_the_recorder_and_the_refused_are_kept(tmp_path):
    recording = Recording(tmp_path, time_per_file_s=7200.0)
    recording.start()
    recorder = recording.recorder
    expected = Counter()
    sent = 0

    def counted():
        return sum(recorder.encoded()["refused"].values())

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(exactly(MESSAGES, messages), exactly(INFOS, infos))
    def send(drawn_messages, drawn_infos):
        nonlocal sent
        refused = counted()
        for message, feed_info in product(drawn_messages, drawn_infos):
            take(recorder, message, feed_info)
            sent += 1
            before, refused = refused, counted()
            expected[sender_of(feed_info)] += refused - before
        recording.send([recording.clock.at], feed="good.feeds.x", a=[1.0])
        recording.run(4, step_s=2)
        assert recorder.trouble is None

    send()
    assert sent >= EXAMPLES * MESSAGES * INFOS * 0.99
    assert sum(expected.values()) > EXAMPLES
    good = recorder.encoded()["messages"]
    recorder.close()
    assert good > EXAMPLES
    assert not any("defect" in line for line in recording.log.lines)
    kept = Counter()
    for path in (tmp_path / "ocsd" / "quarantine").glob("*.jsonl"):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            kept[entry["sender"]] += 1
            assert entry["reason"]
            assert "message" in entry
    assert kept == +expected
    for block in recording.blocks("observatory.good.feeds.x"):
        assert set(block["a"]) == {1.0}
    recording.blocks("observatory.evil.feeds.x")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"a": [1, math.nan, 2**70]}, {"a": [1, "nan", hex(2**70)]}),
        ({3: b"x", None: Decimal(1)}, {"3": "b'x'", "null": "a Decimal"}),
        ("\ud800", "\ud800"),
    ],
)
def test_a_refused_message_is_kept_as_json_can_hold_it(value, kept):
    assert cut(value) == kept
    json.dumps(cut(value))


def test_a_long_deep_or_endless_message_is_cut():
    assert len(cut(["x" * 100] * 1000)) == quarantine.LONGEST_KEPT_MESSAGE
    endless = []
    endless += [endless, endless]
    assert len(json.dumps(cut(endless))) < 3 * quarantine.LONGEST_KEPT_MESSAGE


def lines(folder):
    return [line for path in sorted(folder.glob("*")) for line in path.read_text().splitlines()]


def test_the_quarantine_is_bounded_and_keeps_the_newest(tmp_path, monkeypatch):
    monkeypatch.setattr(quarantine, "FILE_BYTES", 1000)
    monkeypatch.setattr(quarantine, "TOTAL_BYTES", 5000)
    kept = Quarantine(tmp_path)
    for number in range(200):
        kept.add(START, "observatory.a", number, {"address": "f"}, "because")
    total = sum(path.stat().st_size for path in tmp_path.glob("*"))
    assert 3000 < total <= 5500
    numbers = sorted(json.loads(line)["message"] for line in lines(tmp_path))
    assert numbers == list(range(200 - len(numbers), 200))


def test_each_day_has_a_file_and_a_restart_goes_on_with_it(tmp_path):
    for _ in range(2):
        kept = Quarantine(tmp_path)
        kept.add(START, "observatory.a", "one", None, "because")
        kept.add(START + 86400, "observatory.a", "two", None, "because")
    names = sorted(path.name for path in tmp_path.glob("*"))
    assert names == ["2026-11-22.jsonl", "2026-11-23.jsonl"]
    assert len(lines(tmp_path)) == 4


@pytest.mark.parametrize("hours", [20, 25])
def test_a_day_of_a_clock_that_is_a_year_ahead_deletes_nothing_before_it_is_over(tmp_path, hours):
    now_s = [0.0]
    kept = Quarantine(tmp_path, lambda: now_s[0])
    kept.add(START, "observatory.a", "of the right time", None, "because")
    os.utime(tmp_path / "2026-11-22.jsonl", (START, START))
    year_later = START + 366 * 86400
    kept.add(year_later, "observatory.a", "ahead", None, "because")
    now_s[0] += hours * 3600
    kept.add(year_later + hours * 3600, "observatory.a", "ahead", None, "because")
    assert (tmp_path / "2026-11-22.jsonl").exists() == (hours < 24)


def test_memory_of_block_names_is_bounded(recording, monkeypatch):
    monkeypatch.setattr(provider, "MOST_BLOCKS", 20)
    for i in range(300):
        recording.send([recording.clock.at], block=f"scan_{i}", **{f"a{i}": [i], "n": [i]})
        recording.run(1)
        (sender,) = recording.parts.ledger.sources.values()
        assert len(sender.providers) <= 2
        assert all(len(each.blocks) <= 20 for each in sender.providers)
    recording.recorder.close()
    assert sorted(recording.raw("thermo1.feeds.temps", "n")) == list(range(300))


def test_more_blocks_than_a_provider_has_are_recorded_all_the_same(recording, monkeypatch):
    monkeypatch.setattr(provider, "MOST_BLOCKS", 20)
    for i in range(300):
        recording.send([recording.clock.at], block=f"scan_{i % 30}", n=[i])
        recording.run(1)
    recording.recorder.close()
    assert sorted(recording.raw("thermo1.feeds.temps", "n")) == list(range(300))
    assert recording.recorder.encoded()["refused"] == {}


def test_a_quarantine_that_cannot_be_written_is_no_data_that_were_dropped(recording):
    (recording.folder / "ocsd" / "quarantine").touch()
    recording.send([START], a=[{"no": "value"}])
    recording.recorder.close()
    data = recording.recorder.encoded()
    assert data["dropped"] == {}
    assert data["not_kept"] == {"observatory.thermo1": 1}
    assert data["not_kept_because"] == {"observatory.thermo1": "File exists"}
    assert data["refused"] == {"observatory.thermo1": 1}
