"""A spool read while its agent writes, rotates, drops, is cut off and dies."""

import shutil
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.agent.spool.limits import SpoolLimits
from ocsd.agent.spool.segment import packed, record
from ocsd.aggregator.local import feed_tail
from ocsd.aggregator.local.feed_tail import FeedTail
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.journal.ranges import Ranges
from tests.unit.agent.spool.spool_life import Life

KEY = SourceKey("observatory.thermo1.feeds.temps", "1700000000.5")
SMALL = SpoolLimits(max_age_s=100.0, max_bytes=16 * 700)


class Writer:
    """An agent's feed, and a reader of it that remembers what it has read."""

    def __init__(self, folder, limits=SMALL):
        self.life = Life(folder, KEY.session_id, limits)
        self.life.more_info = {"record": True}
        self.folder = folder / KEY.session_id / "temps"
        self.begin_reader()
        self.seen = Ranges()
        self.numbers = []

    @property
    def spool(self):
        return self.life.feeds["temps"].spool

    def begin_reader(self):
        self.tail = FeedTail(str(self.folder), KEY)

    def put(self, count=1, size=10):
        for _ in range(count):
            number = self.life.feeds["temps"].next_number if self.life.feeds else 0
            self.life.put("temps", {"n": number, "text": "x" * size})

    def read(self):
        """Read to the end, and return the numbers that came."""
        came = []
        while True:
            for message, info in chain.from_iterable(r.pairs() for r in self.tail.read(self.seen)):
                assert message["n"] == info["seq"]
                assert (info["address"], info["session_id"]) == KEY
                came.append(info["seq"])
                self.seen.add(info["seq"], info["seq"] + 1)
            if self.tail.at_end:
                self.numbers += came
                return came

    def held(self):
        return set(range(self.spool.first, self.spool.next))

    def do(self, name, *values):
        match name:
            case "put":
                self.put(*values)
            case "wait":
                self.life.now_s += values[0]
            case "read":
                held = self.held()
                self.read()
                assert held <= set(self.numbers)
            case "torn":
                # What a kill leaves; the agent lives on only here, in another segment.
                newest = max(self.folder.glob("*.spool"))
                with newest.open("ab") as file:
                    file.write(record(self.spool.next, packed("x" * 99))[: values[0]])
                self.life.now_s += 20.0
            case "new reader":
                self.begin_reader()
            case "rewind":
                self.tail.rewind()
            case _:
                self.life.more_info["label"] = values[0]


@pytest.fixture
def writer(tmp_path):
    return Writer(tmp_path)


def test_each_message_comes_once_across_segments_and_a_new_reader_goes_on(writer):
    writer.put(3)
    assert writer.read() == [0, 1, 2]
    assert writer.tail.is_ours
    assert writer.read() == []
    writer.put(30, size=100)
    assert len(list(writer.folder.glob("*.spool"))) > 1
    assert writer.read() == list(range(3, 33))
    writer.begin_reader()
    assert writer.read() == []
    writer.put()
    assert writer.read() == [33]


def test_a_message_that_is_being_written_is_read_when_it_is_whole(writer):
    writer.put()
    [segment] = writer.folder.glob("*.spool")
    entry = record(1, packed({"n": 1}))
    with segment.open("ab") as file:
        file.write(entry[:9])
    assert writer.read() == [0]
    with segment.open("ab") as file:
        file.write(entry[9:])
    assert writer.read() == [1]


def test_a_message_larger_than_a_page_is_read(writer, monkeypatch):
    monkeypatch.setattr(feed_tail, "PAGE_BYTES", 300)
    writer.put(2)
    writer.put(1, size=5000)
    writer.put(2)
    assert writer.read() == [0, 1, 2, 3, 4]


def test_a_segment_that_was_cut_off_and_begun_again_under_its_name_is_read_again(writer):
    writer.put(2)
    assert writer.read() == [0, 1]
    [segment] = writer.folder.glob("*.spool")
    info = {"address": KEY.address, "session_id": KEY.session_id, "record": True, "more": "x" * 999}
    rest = b"".join(record(n, packed({"n": n})) for n in (2, 3))
    segment.write_bytes(record(2, packed(info)) + rest)
    assert writer.read() == []  # it seems to be torn
    (writer.folder / f"{4:020}.spool").write_bytes(record(4, packed(info)))
    assert writer.read() == [2, 3]


@pytest.mark.parametrize(
    "info",
    [
        {"address": "observatory.other.feeds.temps", "session_id": KEY.session_id, "record": True},
        {"address": KEY.address, "session_id": "1", "record": True},
        {"address": KEY.address, "session_id": KEY.session_id, "record": False},
        ["no description"],
    ],
)
def test_a_segment_that_names_another_source_is_left_alone(writer, info):
    writer.folder.mkdir(parents=True)
    segment = writer.folder / f"{0:020}.spool"
    segment.write_bytes(record(0, packed(info)) + record(0, packed({"n": 0})))
    assert writer.read() == []
    assert not writer.tail.is_ours


def test_a_folder_that_is_gone_is_reported_and_the_source_is_not_ours_any_more(writer):
    writer.put()
    writer.read()
    shutil.rmtree(writer.folder)
    with pytest.raises(FileNotFoundError):
        writer.read()
    assert not writer.tail.is_ours


def test_after_a_rewind_only_what_was_not_recorded_comes_again(writer):
    writer.put(20, size=100)
    writer.read()
    writer.seen = Ranges([0, 5, 7, 20])
    writer.tail.rewind()
    assert writer.read() == [5, 6]


STEPS = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 12), st.sampled_from([5, 90, 400])),
    st.tuples(st.just("wait"), st.sampled_from([3.0, 11.0, 60.0, 200.0])),
    st.tuples(st.just("read")),
    st.tuples(st.just("torn"), st.integers(1, 40)),
    st.tuples(st.just("new reader")),
    st.tuples(st.just("rewind")),
    st.tuples(st.just("describe"), st.text(max_size=3)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_whatever_happens_each_message_that_is_still_there_comes_once(tmp_path_factory, steps):
    writer = Writer(tmp_path_factory.mktemp("spool"))
    writer.put()
    for name, *values in steps:
        writer.do(name, *values)
    writer.read()
    assert writer.numbers == sorted(set(writer.numbers))
    assert writer.held() <= set(writer.numbers)
    writer.spool.close()
