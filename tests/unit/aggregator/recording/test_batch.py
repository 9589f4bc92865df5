"""A batch leaves what the same messages leave that come one by one."""

import errno
import random

import pytest

from ocsd import journal
from ocsd.aggregator.disk import append_file
from ocsd.aggregator.recording import batch, message_path
from tests.unit.aggregator.rig import START, Recording

SESSION = repr(START + 1)


def pair(number, feed="thermo1.feeds.temps", **blocks):
    info = {
        "agent_address": f"observatory.{feed.split('.', maxsplit=1)[0]}",
        "address": f"observatory.{feed}",
        "session_id": SESSION,
        "record": True,
        "agg_params": {},
        "seq": number,
    }
    message = {
        name: {"block_name": name, "timestamps": times, "data": data}
        for name, (times, data) in blocks.items()
    }
    return message, info


def usual(number, feed="thermo1.feeds.temps", samples=1, **columns):
    times = [START + number + i / samples for i in range(samples)]
    data = columns or {"x": [number + 0.5] * samples, "n": [float(number)] * samples}
    return pair(number, feed, b=(times, data))


@pytest.fixture
def two(tmp_path):
    """Two recordings with the same clock, for the same messages in both ways."""
    found = []
    for name in ("single", "batch"):
        recording = Recording(tmp_path / name, segment_bytes=20_000)
        recording.start()
        found.append(recording)
    return found


def take(two, pairs):
    single, together = (recording.recorder for recording in two)
    for each in pairs:
        single.accept(*each)
    together.accept_all(pairs)


def entries(recording):
    """Return all messages of the journal, comparable."""
    found = []
    for _, path in journal.segments(journal.journal_folder(recording.folder)):
        for entry in journal.read(path.read_bytes()):
            if isinstance(entry, journal.Message):
                blocks = [
                    (each.layout.origin, each.layout.block_name, each.layout.kinds, *each[1:])
                    for each in entry.blocks
                ]
                found.append((entry.number, entry.arrived_at, blocks))
    return found


def state(recording):
    told = recording.recorder.encoded()
    return {key: told[key] for key in told.keys() - {"current_file", "disk", "lost_last_day"}}


def assert_alike(two):
    single, together = two
    assert entries(together) == entries(single)
    assert state(together) == state(single)
    ledgers = [recording.parts.ledger for recording in two]
    assert [
        {key: source.numbering.to_json() for key, source in ledger.sources.items()}
        for ledger in ledgers
    ].count({key: source.numbering.to_json() for key, source in ledgers[0].sources.items()}) == 2
    for recording in two:
        recording.recorder.close()
    frames = [
        [str(block) for name in ("thermo1", "thermo2") for block in blocks_of(recording, name)]
        for recording in two
    ]
    assert frames[0] == frames[1]


def blocks_of(recording, name):
    for block in recording.blocks(f"observatory.{name}.feeds.temps"):
        yield [[at.time for at in block.times]] + [
            (key, list(block[key])) for key in sorted(block.keys())
        ]


@pytest.mark.parametrize("samples", [1, 3, 40])
def test_usual_messages_are_recorded_as_if_they_had_come_one_by_one(two, samples):
    numbers = range(30)
    names = ("thermo1.feeds.temps", "thermo2.feeds.temps")
    take(two, [usual(number, name, samples) for number in numbers for name in names])
    take(two, [usual(30, samples=samples), usual(31, samples=samples)])
    assert_alike(two)


def test_usual_messages_are_written_at_once(recording, monkeypatch):
    written = []
    append = recording.parts.writer._file.append
    recording.recorder.accept(*usual(0))
    monkeypatch.setattr(
        recording.parts.writer._file, "append", lambda data: written.append(data) or append(data)
    )
    recording.recorder.accept_all([usual(number) for number in range(1, 100)])
    assert len(written) == 1
    assert recording.recorder.encoded()["messages"] == 100


def odd_pairs():
    """Return messages of which many are not as usual, a different lot each time."""
    dice = random.Random(4)
    number = 0
    for _ in range(400):
        feed = dice.choice(["thermo1.feeds.temps", "thermo2.feeds.temps"])
        samples = dice.choice([1, 1, 1, 2, 30])
        column = dice.choice(
            [
                [1.5] * samples,
                [1.5] * samples,
                [1] * samples,
                [None] * samples,
                ["text"] * samples,
                [True] * samples,
                [2**70] * samples,
                [1.0] * (samples + 1),
                [[]] * samples,
                (1.0,) * samples,
            ]
        )
        number += dice.choice([0, 1, 1, 1, 1, 1, 2, -3])
        times = [START + abs(number) + i / samples for i in range(samples)]
        times = dice.choice([times] * 9 + [[float("nan")] * samples])
        data = dice.choice([{"x": column}] * 4 + [{"y": column, "x": column}, {}, None])
        more = dice.choice([{}] * 5 + [{"c": (times, {"z": [2.0] * samples})}])
        found = pair(number, feed, b=(times, data), **more)
        if dice.random() < 0.05:
            found = dice.choice(
                [(None, found[1]), (found[0], {**found[1], "agg_params": {"a": 1}})]
            )
        yield found


def test_unusual_messages_among_them_leave_the_same(two):
    pairs = list(odd_pairs())
    dice = random.Random(5)
    while pairs:
        count = dice.choice([1, 5, 40, 200])
        take(two, pairs[:count])
        del pairs[:count]
        for recording in two:
            recording.clock.advance(1)
            recording.recorder.tick()
    assert_alike(two)


def test_a_usual_feed_with_odd_values_now_and_then_leaves_the_same(two):
    values = [1.5] * 20 + [None] + [2.5] * 20 + [3] * 5 + [float("nan")] + [4.5] * 9
    take(two, [usual(number, x=[value]) for number, value in enumerate(values)])
    assert_alike(two)


@pytest.mark.parametrize("odd", [[None], [[]], [1.0, 2.0], (1.0,), 1.0])
def test_an_odd_message_lets_few_others_be_written_one_by_one(two, monkeypatch, odd):
    for recording in two:
        recording.recorder.accept(*usual(0))
    singles = []
    message = two[1].parts.writer.message
    monkeypatch.setattr(
        two[1].parts.writer, "message", lambda *given: singles.append(given) or message(*given)
    )
    data = {"x": odd, "n": [1.0]}
    pairs = [usual(number) for number in range(1, 500)]
    pairs[300] = pair(301, b=([START + 301], data))
    take(two, pairs)
    assert 0 < len(singles) <= message_path.MOST_ONE_BY_ONE + 1
    assert_alike(two)


def test_a_batch_that_the_disk_refuses_is_left_out_whole_and_missing(recording, monkeypatch):
    recording.recorder.accept(*usual(0))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recording.parts.writer, "messages", full)
    recording.recorder.accept_all([usual(number) for number in range(1, 6)])
    told = recording.recorder.encoded()
    assert told["left_out"] == {"observatory.thermo1": 5}
    assert told["missing"] == {"observatory.thermo1.feeds.temps": 5}
    monkeypatch.undo()
    recording.run(2)
    recording.recorder.accept_all([usual(number) for number in range(1, 6)])
    assert recording.recorder.encoded()["missing"] == {}


def test_on_a_disk_that_is_nearly_full_messages_are_written_one_by_one(recording, monkeypatch):
    written = []
    messages = recording.parts.writer.messages
    recording.recorder.accept(*usual(0))

    def write(arrived_at, entries):
        written.append(len(entries))
        return messages(arrived_at, entries)

    monkeypatch.setattr(recording.parts.writer, "messages", write)
    recording.recorder.accept_all([usual(number) for number in range(1, 4)])
    monkeypatch.setattr(message_path, "ROOM_FOR_BATCH", 2**80)
    recording.recorder.accept_all([usual(number) for number in range(4, 7)])
    assert written == [3, 1, 1, 1]


def test_behind_a_batch_that_was_cut_off_another_segment_begins(recording, monkeypatch):
    """A follower may have read the first records before they were cut off."""
    recording.recorder.accept(*usual(0))
    file = recording.parts.writer._file
    assert len(recording.parts.writer.segments()) == 1

    def cut_off(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(append_file.os, "write", cut_off)
    recording.recorder.accept_all([usual(number) for number in range(1, 4)])
    monkeypatch.undo()
    assert file.path.stat().st_size == file.length
    recording.run(2)
    recording.recorder.accept_all([usual(number) for number in range(1, 4)])
    assert len(recording.parts.writer.segments()) == 2
    assert [number for number, _, _ in entries(recording)] == [0, 1, 2, 3]


def test_a_batch_is_bounded(two, monkeypatch):
    monkeypatch.setattr(batch, "MOST_IN_BATCH", 7)
    monkeypatch.setattr(batch, "MOST_BATCH_BYTES", 200)
    take(two, [usual(number, samples=3) for number in range(50)])
    assert_alike(two)


def test_a_defect_of_ours_sets_only_its_message_aside(recording, monkeypatch):
    recording.recorder.accept(*usual(0))
    monkeypatch.setattr(batch.Pool, "pack", lambda _: 1 / 0)
    recording.recorder.accept_all([usual(number) for number in range(1, 6)])
    assert recording.recorder.encoded()["messages"] == 6


def test_tags_that_change_or_break_a_rule_leave_the_same(two):
    def of(place):
        return {"x": {"_field": "t", "place": place}, "n": {"_field": "n"}}

    nan = float("nan")
    stated = [of("a")] * 9 + [of("b")] * 9 + [None] * 9 + [of(nan)] * 9 + [{"x": {}}] * 9 + [of(1)]
    pairs = [usual(number) for number in range(len(stated))]
    for (message, _), tags in zip(pairs, stated, strict=True):
        message["b"]["influxdb_tags"] = tags
    take(two, pairs)
    found = []
    for recording in two:
        [(_, path)] = journal.segments(journal.journal_folder(recording.folder))
        read = journal.read(path.read_bytes())
        messages = [each for each in read if isinstance(each, journal.Message)]
        found.append([message.blocks[0].layout.tags for message in messages])
    assert found[0] == found[1] == [of("a")] * 9 + [of("b")] * 9 + [None] * 27 + [of(1)]
    assert len({each.prov_id for each in two[1].parts.filing.providers.values()}) <= 4
    assert_alike(two)
