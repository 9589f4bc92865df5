"""Feeds that nobody hears: what a recorder shows, and what agents see of it."""

import pytest

from ocsd.bus.unheard import PROLONGED_S, UnheardBoard, UnheardFeeds

TEMPS = "observatory.thermo1.feeds.temps"


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def board(tmp_path, clock):
    return UnheardBoard(tmp_path, clock)


@pytest.fixture
def feeds(tmp_path, clock):
    return UnheardFeeds(tmp_path, clock)


def test_only_a_listed_feed_of_that_session_is_unheard(board, feeds):
    assert not feeds.has(TEMPS, "1.5")
    board.show([(TEMPS, "1.5")])
    assert feeds.has(TEMPS, "1.5")
    assert not feeds.has(TEMPS, "2.5")
    board.show([])
    assert not feeds.has(TEMPS, "1.5")


def test_a_list_that_is_withdrawn_holds_no_longer_and_comes_again(board, feeds):
    board.show([(TEMPS, "1.5")])
    assert feeds.has(TEMPS, "1.5")
    board.withdraw()
    assert not feeds.has(TEMPS, "1.5")
    board.show([(TEMPS, "1.5")])
    assert feeds.has(TEMPS, "1.5")


def test_a_list_that_nobody_prolongs_ends(board, feeds, clock):
    board.show([(TEMPS, "1.5")])
    clock.now_s += PROLONGED_S - 0.1
    assert feeds.has(TEMPS, "1.5")
    clock.now_s += 0.2
    assert not feeds.has(TEMPS, "1.5")
    board.prolong()
    assert feeds.has(TEMPS, "1.5")


def test_the_next_recorder_goes_on_with_the_same_file(board, feeds, tmp_path, clock):
    board.show([(TEMPS, "1.5")])
    assert feeds.has(TEMPS, "1.5")
    board.close()
    assert not feeds.has(TEMPS, "1.5")
    UnheardBoard(tmp_path, clock).show([(TEMPS, "1.5")])
    assert feeds.has(TEMPS, "1.5")


def test_a_second_recorder_of_the_host_shows_nothing(board, tmp_path):
    with pytest.raises(BlockingIOError):
        UnheardBoard(tmp_path)


def test_agents_find_a_recorder_that_comes_later(tmp_path, clock):
    feeds = UnheardFeeds(tmp_path, clock)
    assert not feeds.has(TEMPS, "1.5")
    board = UnheardBoard(tmp_path, clock)
    board.show([(TEMPS, "1.5")])
    assert not feeds.has(TEMPS, "1.5")  # It does not look at each message.
    clock.now_s += 6.0
    board.prolong()
    assert feeds.has(TEMPS, "1.5")


def test_an_agent_without_a_folder_publishes_everything(clock):
    assert not UnheardFeeds(None, clock).has(TEMPS, "1.5")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"number": 9}', b'{"number": "x"}'])
def test_a_damaged_list_is_no_list(board, feeds, tmp_path, content):
    board.show([(TEMPS, "1.5")])
    (tmp_path / ".unheard.json").write_bytes(content)
    assert not feeds.has(TEMPS, "1.5")
