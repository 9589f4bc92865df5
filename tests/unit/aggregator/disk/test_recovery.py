"""What a recorder makes of a folder that it did not leave in order."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.errors import DataFolderError
from tests.unit.aggregator.rig import START, Clock, Recording, frames_of

FEED = "thermo1.feeds.temps"
SESSION = "1795328999.5"
KEY = SourceKey(f"observatory.{FEED}", SESSION)
INFO = {"session_id": SESSION, "agg_params": {"frame_length": 4}}
COUNT = 24


def send(recording, number):
    at = START + number
    recording.send([at, at + 0.5], feed=FEED, info=INFO, seq=number, a=[number, number])


def killed(folder):
    """Record, and end without an end; return the clock."""
    recording = Recording(folder, time_per_file_s=10)
    recording.start()
    for number in range(COUNT):
        send(recording, number)
        recording.run(1)
    recording.kill()
    return recording.clock


def restarted(folder, at=START + COUNT + 2, **options):
    recording = Recording(folder, clock=Clock(at), **options)
    recording.start()
    return recording


def complete(recording):
    """Give the recorder what it lacks, and check that all is there once."""
    recording.announce(KEY, COUNT)
    for first, end in recording.recorder.pending()[KEY].missing:
        for number in range(first, end):
            send(recording, number)
    recording.recorder.close()
    for path in recording.files():
        assert frames_of(path)
    assert Counter(recording.raw(FEED, "a")) == dict.fromkeys(range(COUNT), 2)


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    folder = tmp_path_factory.mktemp("left")
    killed(folder)
    return folder


def test_after_a_kill_nothing_has_to_be_fetched(left, tmp_path):
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    recording = restarted(tmp_path)
    (pending,) = recording.recorder.pending().values()
    assert (pending.next_number, pending.missing, pending.from_zero) == (COUNT, (), True)
    (outage,) = recording.parts.ledger.outages
    assert (outage.began_at, outage.ended_at) == (START + COUNT, START + COUNT + 2)
    assert outage.cause == "the aggregator was killed, or its host went down"
    complete(recording)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_prefix_of_a_file_of_the_journal_or_of_data_is_recovered(left, tmp_path_factory, data):
    paths = sorted(p.relative_to(left) for p in [*left.glob("ocsd/*/*.wal"), *left.glob("*/*.g3")])
    cuts = data.draw(
        st.dictionaries(st.sampled_from(paths), st.floats(0, 1), min_size=1, max_size=3)
    )
    folder = tmp_path_factory.mktemp("cut")
    shutil.copytree(left, folder, dirs_exist_ok=True)
    (folder / "ocsd" / "ledger.json").unlink(missing_ok=True)
    for path, part in cuts.items():
        content = (folder / path).read_bytes()
        (folder / path).write_bytes(content[: int(len(content) * part)])
    recording = Recording(folder, clock=Clock(START + COUNT + 2))
    recording.start()
    journal_is_whole = not any(path.suffix == ".wal" for path in cuts)
    if journal_is_whole:
        complete(recording)
    else:
        # What was in no journal any more cannot be known; nothing raises, though.
        recording.recorder.close()


def test_a_file_that_was_moved_away_is_written_again(left, tmp_path):
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    sorted(tmp_path.glob("*/*.g3"))[-1].unlink()
    complete(restarted(tmp_path))


def test_files_that_were_made_and_got_no_byte_are_removed(tmp_path):
    folder = tmp_path / "17953"
    folder.mkdir()
    (folder / "1795328000.g3").touch()
    (folder / "notes.g3").touch()
    restarted(tmp_path).recorder.close()
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["1795328251.g3", "notes.g3"]


def test_a_ledger_that_cannot_be_read_is_put_aside(tmp_path):
    (tmp_path / "ocsd").mkdir()
    (tmp_path / "ocsd" / "ledger.json").write_text("{")
    recording = restarted(tmp_path)
    assert any("the ledger cannot be read" in line for line in recording.log.lines)
    assert list((tmp_path / "ocsd").glob("ledger.bad-*"))
    recording.recorder.close()


def test_two_recorders_cannot_have_one_folder(tmp_path):
    first = restarted(tmp_path)
    with pytest.raises(DataFolderError, match=r"is being recorded by pid \d+; stop that one"):
        restarted(tmp_path)
    first.recorder.close()
    restarted(tmp_path, START + 100).recorder.close()


def test_an_end_in_order_leaves_a_ledger_and_no_journal(tmp_path):
    recording = restarted(tmp_path)
    send(recording, 0)
    send(recording, 2)
    recording.recorder.close()
    assert [path.name for path in Path(tmp_path / "ocsd" / "journal").iterdir()] == []
    recording = restarted(tmp_path, START + 100)
    assert recording.recorder.pending()[KEY].missing == ((1, 2),)
    send(recording, 2)
    assert recording.recorder.encoded()["duplicates"] == {KEY.address: 1}
    (outage,) = recording.parts.ledger.outages
    assert outage.cause == "the aggregator was not running"
    recording.recorder.close()


def test_the_journal_is_deleted_as_its_data_reach_the_files(tmp_path):
    recording = restarted(tmp_path, segment_bytes=800)
    for number in range(300):
        send(recording, number)
        recording.run(1)
    first, *_, last = sorted(int(p.stem) for p in tmp_path.glob("ocsd/journal/*.wal"))
    assert last > 30
    assert last - first < 10
    recording.recorder.close()


def test_numbers_that_the_recorder_gives_go_on_over_restarts(tmp_path):
    for life in range(3):
        recording = restarted(tmp_path, START + 100 * life)
        for i in range(3):
            recording.send([START + 100 * life + i], a=[3 * life + i])
        if life == 1:
            recording.kill()  # and it is killed
        else:
            recording.recorder.close()
    assert sorted(recording.raw("thermo1.feeds.temps", "a")) == list(range(9))


def test_a_journal_of_a_newer_version_is_refused_and_kept(tmp_path):
    killed(tmp_path)
    path = tmp_path / "ocsd" / "journal" / "00000099.wal"
    path.write_bytes(b"OCSDWAL2 and whatever a newer ocsd writes")
    with pytest.raises(DataFolderError, match=r"99.wal has another format than version 1"):
        restarted(tmp_path)
    assert path.exists()
