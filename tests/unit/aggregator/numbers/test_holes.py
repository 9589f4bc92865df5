"""What is missing is known, and what is lost is on record once."""

import errno
import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from so3g.hk import load_range

from ocsd.aggregator.disk import append_file
from ocsd.aggregator.frames import frames
from ocsd.aggregator.numbers.numbering import MOST_GAPS
from ocsd.aggregator.numbers.rhythm import Rhythm
from ocsd.aggregator.numbers.source_key import Pending, SourceKey
from ocsd.journal.format import Outage, RecordKind
from tests.unit.aggregator.rig import START, Recording

FEED = "thermo1.feeds.temps"
LATE = "1795328999.5"  # began after the folder was recorded
EARLY = "1795328000.5"
SENDER = "observatory.thermo1"


def key(session):
    return SourceKey(f"observatory.{FEED}", session)


def send(recording, number, session=LATE, **more):
    at = START + 1000 + number
    recording.send([at], feed=FEED, info={"session_id": session}, seq=number, a=[number], **more)


def test_a_session_that_began_later_than_the_folder_has_to_be_complete(recording):
    send(recording, 3)
    assert recording.recorder.pending() == {key(LATE): Pending(SENDER, 4, ((0, 3),), 0, True)}


def test_of_an_older_session_what_is_available_counts(recording):
    send(recording, 3, EARLY)
    send(recording, 6, EARLY)
    pending = recording.recorder.pending()[key(EARLY)]
    assert pending == Pending(SENDER, 7, ((4, 6),), 3, False)
    send(recording, 1, EARLY)
    assert recording.recorder.pending()[key(EARLY)].missing == ((2, 3), (4, 6))
    recording.lose(key(EARLY), 0, 2, "the spool reached back to 3 only")
    assert recording.recorder.pending()[key(EARLY)].missing == ((4, 6),)
    assert recording.recorder.encoded()["lost"] == {key(EARLY).address: 1}


def test_what_a_heartbeat_tells_of_is_missing(recording):
    recording.announce(key(LATE), 5)
    assert recording.recorder.pending()[key(LATE)].missing == ((0, 5),)
    recording.announce(key(EARLY), 5)
    pending = recording.recorder.pending()[key(EARLY)]
    assert (pending.missing, pending.first_number) == ((), 5)
    for nonsense in (-1, "7", 2**64, None, True):
        recording.announce(key(LATE), nonsense)
    assert recording.recorder.pending()[key(LATE)].next_number == 5


def test_a_hole_is_in_the_files_in_the_ledger_and_in_the_journal_once(recording):
    for number in (0, 1, 5, 6, 9):
        send(recording, number)
    for _ in range(2):
        recording.lose(key(LATE), 1, 6, "the agent was killed")
    (held,) = recording.parts.ledger.holes
    recording.kill()  # killed
    again = Recording(recording.folder, clock=recording.clock)
    again.start()
    assert again.parts.ledger.holes[0] == held
    again.lose(key(LATE), 0, 100, "again")
    again.recorder.close()
    first, *others = again.holes()
    assert first == {
        "feed": key(LATE).address,
        "agent_session": LATE,
        "first": 2,
        "last": 4,
        "count": 3,
        "from_time": START + 1001,
        "until_time": START + 1005,
        "cause": "the messages did not arrive, and the agent was killed",
        "estimated": False,
    }
    assert [(hole["first"], hole["last"]) for hole in others] == [(7, 8)]
    field = "observatory.aggregator.feeds.holes"
    read = load_range(
        START - 1, START + 100, [f"{field}.count", f"{field}.cause"], data_dir=str(again.folder)
    )
    assert sorted(read[f"{field}.count"][1]) == [2, 3]


def test_holes_are_known_after_a_restart_in_order_too(recording):
    send(recording, 0)
    send(recording, 4)
    recording.lose(key(LATE), 1, 3, "the agent was killed")
    recording.recorder.close()
    again = Recording(recording.folder, clock=recording.clock)
    again.start()
    assert again.recorder.pending()[key(LATE)].missing == ()
    assert again.recorder.encoded()["lost"] == {key(LATE).address: 3}
    assert len(again.parts.ledger.holes) == 1
    again.recorder.close()
    assert len(again.holes()) == 1


def test_a_sender_with_gaps_everywhere_gets_holes_and_no_memory(recording):
    for number in range(1, 2 * (MOST_GAPS + 30), 2):
        send(recording, number)
    recording.recorder.close()
    assert recording.recorder.encoded()["missing"] == {key(LATE).address: MOST_GAPS}
    assert Counter(hole["cause"] for hole in recording.holes()) == {"too many gaps at a time": 30}


def test_gaps_that_are_too_many_are_not_forgotten_before_they_are_on_record(recording, monkeypatch):
    write = os.write

    def refuse_holes(descriptor, data):
        if b"too many gaps" in bytes(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    with monkeypatch.context() as full:
        full.setattr("ocsd.aggregator.disk.append_file.os.write", refuse_holes)
        for number in range(1, 2 * (MOST_GAPS + 2), 2):
            send(recording, number)
    assert recording.recorder.pending()[key(LATE)].missing[0] == (0, 1)
    recording.run(1)
    send(recording, 2 * (MOST_GAPS + 2) + 1)
    recording.recorder.close()
    assert [hole["first"] for hole in recording.holes()] == [0, 2, 4]


def old_feed(recording, seconds):
    for _ in range(seconds):
        recording.send([recording.clock.at], feed="old.feeds.x", a=[1.0])
        recording.run(1)


@pytest.mark.parametrize(("away_s", "expected"), [(3, 0), (30, 1)])
def test_a_feed_without_numbers_has_an_estimated_hole_after_a_long_outage(
    recording, away_s, expected
):
    old_feed(recording, 10)
    began_at = recording.clock.at
    recording.clock.advance(away_s)
    recording.recorder.record(Outage(began_at, recording.clock.at, "the router was away"))
    old_feed(recording, 10)
    recording.recorder.close()
    holes = recording.holes()
    assert len(holes) == expected
    again = Recording(recording.folder, clock=recording.clock)
    again.start()
    again.recorder.close()
    for each in (recording, again):
        data = each.recorder.encoded()
        assert data["lost"] == {}
        assert data["estimated_holes"] == ({"observatory.old.feeds.x": 1} if expected else {})
    for hole in holes:
        assert (hole["estimated"], hole["count"], hole["first"], hole["last"]) == (True, 0, 0, -1)
        assert (hole["from_time"], hole["until_time"]) == (began_at - 1, began_at + away_s)
        assert hole["cause"] == "the router was away"


def test_a_silence_without_an_outage_is_no_hole(recording):
    old_feed(recording, 10)
    recording.clock.advance(30)
    old_feed(recording, 10)
    recording.recorder.close()
    assert recording.holes() == []


arrivals = st.lists(st.integers(0, 19), max_size=60)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(arrivals, st.permutations(range(20)), st.integers(1, 5))
def test_any_order_of_loss_repetition_and_delay_gives_the_same_content(
    tmp_path_factory, heard, late, frame_every
):
    recording = Recording(tmp_path_factory.mktemp("data"))
    recording.start()
    for count, number in enumerate(heard):
        give(recording, number)
        if count % frame_every == 0:
            recording.run(2)
    recording.announce(key(LATE), 20)
    missing = {
        number
        for first, end in recording.recorder.pending()[key(LATE)].missing
        for number in range(first, end)
    }
    assert missing == set(range(20)) - set(heard)
    for number in late:  # what was lost comes later, with what was not
        give(recording, number)
    recording.recorder.close()
    expected = [n + 0.25 * i for n in range(20) for i in range(n % 3 + 1)]
    for name, value_of in FIELDS.items():
        times, values = recording.read(f"{FEED}.{name}")
        # In order of time, too: else readers do not find what they search by time.
        assert list(np.round(times - START, 3)) == expected
        assert list(values) == [value_of(t) for t in expected]
    found = recording.read(f"{FEED}.f", start=START + 4.9, end=START + 12.1)[0]
    assert list(np.round(found - START, 3)) == [t for t in expected if 4.9 < t < 12.1]


FIELDS = {"f": lambda t: t / 7, "n": lambda t: int(4 * t), "s": lambda t: f"at {t}"}


def give(recording, number):
    """Send a message of one to three samples."""
    times = [number + 0.25 * i for i in range(number % 3 + 1)]
    data = {name: [value_of(t) for t in times] for name, value_of in FIELDS.items()}
    info = {"session_id": LATE, "agg_params": {"frame_length": 3}}
    recording.send([START + t for t in times], feed=FEED, info=info, seq=number, **data)


def test_messages_without_samples_leave_no_gap_in_what_is_framed(recording):
    info = {"session_id": LATE, "agg_params": {"frame_length": 3}}
    for number in range(60):
        at = START + number
        if number % 3 == 0:
            recording.send([at], feed=FEED, info=info, seq=number, a=[number])
        elif number % 3 == 1:
            recording.send([], feed=FEED, info=info, seq=number, a=[])
        else:
            recording.send([at], feed=FEED, info=info, seq=number, a=[{"no": "value"}])
        recording.run(1)
    recording.run(4)
    (source,) = recording.parts.ledger.sources.values()
    assert source.numbering.framed.bounds == [0, 60]
    recording.recorder.close()


@pytest.fixture
def unframeable(monkeypatch):
    """Return the feeds of which no frame can be made."""
    feeds = set()
    data_frame = frames.data_frame

    def made(run, provider, *more):
        if provider.origin.address in feeds:
            raise ZeroDivisionError("oh")
        return data_frame(run, provider, *more)

    monkeypatch.setattr(frames, "data_frame", made)
    return feeds


FRAMELESS = "a defect of ocsd, no frame could be made of them: ZeroDivisionError('oh')"


LOST = {
    "feed": key(LATE).address,
    "agent_session": LATE,
    "first": 0,
    "last": 2,
    "count": 3,
    "from_time": START + 1000,
    "until_time": START + 1002,
    "cause": FRAMELESS,
    "estimated": False,
}


def publish_three(recording):
    for number in range(3):
        send(recording, number)
        recording.send([START + number], feed="old.feeds.x", a=[number])


@pytest.mark.parametrize("killed", [False, True])
def test_what_no_frame_can_be_made_of_is_a_recorded_hole(recording, unframeable, killed):
    unframeable.add(key(LATE).address)
    publish_three(recording)
    recording.run(301)
    unframeable.clear()
    if killed:
        recording.kill()
        recording = Recording(recording.folder, clock=recording.clock)
        recording.start()
    send(recording, 3)
    send(recording, 1)  # It may not be written now: it is on record as lost.
    recording.recorder.close()
    assert recording.holes() == [LOST]
    data = recording.recorder.encoded()
    assert data["lost"] == {key(LATE).address: 3}
    assert data["missing"] == {}
    assert recording.raw(FEED, "a") == [3]
    assert recording.raw("old.feeds.x", "a") == [0, 1, 2]


def refusing_covers(write):
    """Return os.write that refuses to record which messages of the agents are in frames."""

    def refuse(descriptor, data):
        feeds = bytes(data).count(b".feeds.") - bytes(data).count(b".feeds.holes")
        if bytes(data[8:9]) == bytes([RecordKind.FRAME]) and feeds:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    return refuse


def start_again(recording):
    """Return the recording after a kill -9."""
    recording.kill()
    again = Recording(recording.folder, clock=recording.clock)
    again.start()
    return again


@pytest.mark.parametrize("mended", [False, True])
def test_a_kill_right_after_a_frame_could_not_be_made_leaves_no_loss_without_a_record(
    recording, unframeable, monkeypatch, mended
):
    unframeable.add(key(LATE).address)
    with monkeypatch.context() as patch:
        patch.setattr("ocsd.aggregator.recording.frame_writing.LARGEST_FRAME_BYTES", 1)
        publish_three(recording)  # and each is tried at once
    if mended:
        unframeable.clear()
    recording = start_again(recording)
    recording.recorder.close()
    assert recording.holes() == ([] if mended else [LOST])
    assert recording.raw(FEED, "a") == ([0, 1, 2] if mended else [])
    assert recording.raw("old.feeds.x", "a") == [0, 1, 2]


def test_a_kill_while_that_is_put_on_record_leaves_it_there_once(
    recording, unframeable, monkeypatch
):
    unframeable.add(key(LATE).address)
    publish_three(recording)
    with monkeypatch.context() as full:
        full.setattr(append_file.os, "write", refusing_covers(os.write))
        recording.run(301)
    recording = start_again(recording)
    send(recording, 3)
    recording.run(301)
    unframeable.clear()
    recording.recorder.close()
    first, second = recording.holes()
    assert first == LOST
    assert (second["first"], second["last"]) == (3, 3)
    assert recording.recorder.encoded()["lost"] == {key(LATE).address: 4}


def test_an_estimate_is_put_on_record_once_however_often_the_disk_refuses_the_rest(
    recording, unframeable, monkeypatch
):
    unframeable.add("observatory.old.feeds.x")
    publish_three(recording)
    monkeypatch.setattr(append_file.os, "write", refusing_covers(os.write))
    recording.run(310)
    assert recording.recorder.encoded()["estimated_holes"] == {"observatory.old.feeds.x": 1}


def test_until_that_is_on_record_the_journal_is_kept(recording, unframeable, monkeypatch):
    unframeable.add(key(LATE).address)
    publish_three(recording)
    segment = recording.parts.writer.segment
    monkeypatch.setattr(append_file.os, "write", refusing_covers(os.write))
    recording.run(301)
    assert recording.parts.filing.oldest_segment() == segment
    monkeypatch.undo()
    recording.run(1)
    recording.parts.filing.write_all(recording.clock())
    assert recording.parts.filing.oldest_segment() is None
    recording.recorder.close()
    assert [hole["cause"] for hole in recording.holes()] == [FRAMELESS]


def test_at_the_end_what_no_frame_can_be_made_of_is_a_recorded_hole_too(recording, unframeable):
    unframeable.add(key(LATE).address)
    publish_three(recording)
    recording.recorder.close()
    assert recording.holes() == [LOST]
    assert recording.recorder.encoded()["refused"] == {key(LATE).address: 1}
    assert recording.raw("old.feeds.x", "a") == [0, 1, 2]


def test_of_a_feed_without_numbers_a_frame_that_cannot_be_made_is_estimated(recording, unframeable):
    unframeable.add("observatory.old.feeds.x")
    publish_three(recording)
    recording.recorder.close()
    (hole,) = recording.holes()
    assert (hole["feed"], hole["estimated"]) == ("observatory.old.feeds.x", True)
    assert (hole["from_time"], hole["until_time"]) == (START, START + 2)
    assert hole["cause"] == FRAMELESS
    assert recording.raw(FEED, "a") == [0, 1, 2]


def test_only_the_part_of_which_no_frame_can_be_made_is_lost(recording, monkeypatch):
    columns_of = frames.columns_of

    def made(part):
        if 5 in part.numbers:
            raise ZeroDivisionError("oh")
        return columns_of(part)

    monkeypatch.setattr(frames, "columns_of", made)
    for number in (0, 1, 5, 6, 9):
        send(recording, number)
    recording.recorder.close()
    (hole,) = recording.holes()
    assert (hole["first"], hole["last"]) == (5, 6)
    assert (hole["from_time"], hole["until_time"]) == (START + 1005, START + 1006)
    assert recording.raw(FEED, "a") == [0, 1, 9]


def test_a_frame_that_cannot_be_made_while_the_disk_is_full_is_one_hole(
    recording, unframeable, monkeypatch
):
    unframeable.add(key(LATE).address)
    publish_three(recording)
    write = os.write

    def full(_descriptor, _data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    recording.clock.advance(301)
    monkeypatch.setattr("ocsd.aggregator.disk.append_file.os.write", full)
    recording.run(5)
    assert recording.recorder.held_up
    monkeypatch.setattr("ocsd.aggregator.disk.append_file.os.write", write)
    recording.run(5)
    recording.recorder.close()
    assert recording.holes() == [LOST]


def test_holes_of_which_no_frame_can_be_made_make_no_holes(recording, unframeable):
    unframeable |= {key(LATE).address, "observatory.aggregator.feeds.holes"}
    publish_three(recording)
    recording.recorder.close()
    assert recording.holes() == []
    assert recording.recorder.encoded()["refused"] == dict.fromkeys(unframeable, 1)


def test_a_burst_at_the_beginning_is_not_the_rhythm_for_ever(recording):
    for wait_s in [0.001, 0.001, *[1.0] * 30]:
        recording.send([recording.clock.at], feed="old.feeds.x", a=[1.0])
        recording.clock.advance(wait_s)
    recording.recorder.record(
        Outage(recording.clock.at - 0.5, recording.clock.at, "the router was away")
    )
    old_feed(recording, 10)
    recording.recorder.close()
    assert recording.holes() == []


def test_a_rhythm_survives_a_silence():
    rhythm = Rhythm(0.0)
    assert [rhythm.arrived(float(at)) for at in range(1, 10)] == [None] * 9
    assert rhythm.arrived(1009.0) == (9.0, 1009.0)
    assert rhythm.interval_s < 2.0
