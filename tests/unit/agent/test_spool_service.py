import errno
import math
import os
import resource
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocsd.agent.feed import BACKLOG_DELAY_S
from ocsd.agent.spool import RETRY_S
from ocsd.agent.spool_limits import LEAST_BYTES, Limits
from ocsd.agent.spool_service import (
    ANSWER_BYTES,
    SpoolService,
    folder_of,
)
from ocsd.agent.wamp import ApplicationError
from ocsd.paths import SPOOL_VARIABLE
from ocsd.site.launch import Launch
from ocsd.site.model import Hub, Instance
from tests.unit.agent.test_spool import no_file_larger_than

ADDRESS = "observatory.thermo1.feeds"


class Log:
    def __init__(self):
        self.lines = []

    def warn(self, text, **fields):
        self.lines.append(text.format(**fields))

    info = warn


class Life:
    """One life of an agent: its spools, and feeds that only have numbers."""

    def __init__(self, folder, session_id, limits=None):
        self.now_s = 1000.0
        self.log = Log()
        self.limits = limits or Limits()
        self.service = SpoolService(folder, session_id, self.log, lambda: self.now_s)
        self.feeds = {}
        self.more_info = {}

    def put(self, name, *messages):
        feed = self.feeds.get(name)
        if feed is None:
            spool = self.service.spool(name, self.limits, lambda: self.now_s)
            feed = SimpleNamespace(
                feed_name=name, address=f"{ADDRESS}.{name}", spool=spool, next_number=0
            )
            self.feeds[name] = self.service.feeds[name] = feed
        info = {
            "feed_name": name,
            "address": feed.address,
            "session_id": self.service.session_id,
            **self.more_info,
        }
        for message in messages:
            feed.spool.put(feed.next_number, message, info)
            feed.next_number += 1

    def sessions(self):
        return self.service.answer()["sessions"]

    def read(self, *args, **kwargs):
        answer = self.service.answer(*args, **kwargs)
        return [message for message, _ in answer["messages"]]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool" / "thermo1"


def test_an_agent_that_has_published_nothing_has_nothing_and_made_nothing(folder):
    life = Life(folder, "1.5")
    assert life.service.answer() == {"sessions": {"1.5": {}}}
    assert life.service.answer("f", "1.5", 0) == {"first": 0, "next": 0, "messages": []}
    assert not folder.exists()
    assert life.log.lines == []


def test_the_index_tells_what_there_is_of_this_life(folder):
    life = Life(folder, "1.5")
    life.put("a", "x", "y")
    life.put("b", "z")
    assert life.sessions() == {
        "1.5": {
            "a": {"address": f"{ADDRESS}.a", "first": 0, "next": 2},
            "b": {"address": f"{ADDRESS}.b", "first": 0, "next": 1},
        }
    }
    assert life.service.numbers() == {"a": 2, "b": 1}


def test_messages_come_with_their_numbers(folder):
    life = Life(folder, "1.5")
    life.put("a", {"n": 0}, {"n": 1}, {"n": 2})
    answer = life.service.answer("a", "1.5", after=1)
    info = {"feed_name": "a", "address": f"{ADDRESS}.a", "session_id": "1.5"}
    assert answer == {
        "first": 0,
        "next": 3,
        "messages": [[{"n": 1}, {**info, "seq": 1}], [{"n": 2}, {**info, "seq": 2}]],
    }
    assert life.service.answer(feed_name="a", session_id="1.5", after=3)["messages"] == []


def test_an_answer_is_as_large_as_asked_for_but_never_empty(folder):
    life = Life(folder, "1.5")
    life.put("a", *(str(n) * 1000 for n in range(10)))
    assert len(life.read("a", "1.5", 0, 3500)) == 3
    assert len(life.read("a", "1.5", 4, 0)) == 1
    assert len(life.read("a", "1.5", 4, -1)) == 1
    assert len(life.read("a", "1.5", 0, float("inf"))) == 10
    life.put("big", *("x" * ANSWER_BYTES for _ in range(20)))
    assert len(life.read("big", "1.5")) == 1
    assert len(life.read("big", "1.5", 0, 10**12)) <= 8


@pytest.mark.parametrize("disk", [True, False], ids=["disk", "memory"])
def test_everything_is_fetched_by_asking_again_for_what_follows(folder, disk):
    life = Life(folder if disk else None, "1.5")
    life.put("a", *range(1000))
    got, after = [], 0
    while after < life.sessions()["1.5"]["a"]["next"]:
        answer = life.service.answer("a", "1.5", after, 200)
        got += answer["messages"]
        after = got[-1][1]["seq"] + 1
    assert [message for message, _ in got] == list(range(1000))


def test_the_next_life_knows_what_the_one_before_has_left(folder):
    before = Life(folder, "1.5")
    before.put("a", "x", "y")
    before.put("a/b c", "odd")
    after = Life(folder, "2.5")
    after.put("a", "z")
    assert {name: sorted(feeds) for name, feeds in after.sessions().items()} == {
        "1.5": ["a", "a/b c"],
        "2.5": ["a"],
    }
    assert after.sessions()["1.5"]["a"] == {"address": f"{ADDRESS}.a", "first": 0, "next": 2}
    assert after.read("a", "1.5", 1) == ["y"]
    assert after.read("a/b c", "1.5") == ["odd"]
    assert after.read("a", "2.5") == ["z"]
    assert after.service.answer("a", "1.5")["messages"][0][1]["session_id"] == "1.5"


def test_the_next_life_knows_of_what_was_lost_with_memory(folder):
    before = Life(folder, "1.5")
    before.put("a", "x", "y")
    with no_file_larger_than(before.feeds["a"].spool.size_bytes):
        before.put("a", "z" * 1000, "z" * 1000)
        kept = Life(folder, "2.5").sessions()["1.5"]["a"]
    assert (kept["first"], kept["next"]) == (0, 4)
    assert Life(folder, "2.5").service.answer("a", "1.5", 2) == {
        "first": 0,
        "next": 4,
        "messages": [],
    }
    before.now_s += RETRY_S
    before.put("a", "z")
    assert Life(folder, "2.5").read("a", "1.5", 4) == ["z"]


def test_a_disk_that_was_full_at_first_knows_of_what_is_lost_when_it_is_full_again(folder):
    before = Life(folder, "1.5")
    with no_file_larger_than(0):
        before.put("a", "x")
    before.now_s += RETRY_S
    before.put("a", "y")
    with no_file_larger_than(before.feeds["a"].spool.size_bytes):
        before.put("a", "z" * 1000)
    assert Life(folder, "2.5").sessions()["1.5"]["a"]["next"] == 3


@pytest.mark.parametrize("content", [b"", b"\0" * 12, b"x" * 12, b"x" * 100])
def test_a_damaged_note_of_how_far_a_life_came_does_no_harm(folder, content):
    before = Life(folder, "1.5")
    before.put("a", "x")
    (folder / "1.5" / "a" / "next").write_bytes(content)
    assert Life(folder, "2.5").sessions()["1.5"]["a"]["next"] == 1


def test_an_earlier_life_in_many_files_is_read_as_one(folder):
    before = Life(folder, "1.5", Limits(max_bytes=LEAST_BYTES))
    before.put("a", *(str(n) * 10_000 for n in range(100)))
    after = Life(folder, "2.5")
    kept = after.sessions()["1.5"]["a"]
    assert (kept["first"], kept["next"]) == (before.feeds["a"].spool.first, 100)
    assert len(list((folder / "1.5" / "a").iterdir())) > 10
    got = after.read("a", "1.5", kept["first"], 4 * LEAST_BYTES)
    assert got == [str(n) * 10_000 for n in range(kept["first"], 100)]


def test_a_file_of_an_earlier_life_that_is_damaged_costs_its_messages_only(folder):
    before = Life(folder, "1.5", Limits(max_age_s=100))
    for _ in range(4):
        before.put("a", *"xyz")
        before.now_s += 10
    files = sorted((folder / "1.5" / "a").glob("*.spool"))
    assert len(files) == 4
    files[1].write_bytes(b"")
    os.truncate(files[2], files[2].stat().st_size - 1)
    os.truncate(files[3], files[3].stat().st_size - 1)
    after = Life(folder, "2.5")
    for _ in range(2):
        held = after.sessions()["1.5"]["a"]
        assert (held["first"], held["next"]) == (0, 11)
        answer = after.service.answer("a", "1.5", 0)
        assert [info["seq"] for _, info in answer["messages"]] == [0, 1, 2, 6, 7, 9, 10]


def test_an_agent_without_descriptors_does_not_call_what_it_keeps_lost(folder):
    Life(folder, "1.5").put("f", "one", "two")
    life = Life(folder, "2.5")
    life.put("f", "three")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        for asked in ((), ("f", "1.5", 0), ("f", "2.5", 0)):
            with pytest.raises(OSError, match="Too many open files"):
                life.service.answer(*asked)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert life.read("f", "1.5", 0) == ["one", "two"]


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_life_that_cannot_be_listed_is_neither_lost_nor_in_the_way(folder, monkeypatch, number):
    for session_id in ("1.5", "2.5", "3.5"):
        Life(folder, session_id, Limits(max_age_s=100)).put("f", session_id)
    life = Life(folder, "4.5", Limits(max_age_s=100))
    life.put("f", "4.5")
    listed = Path.iterdir

    def listed_but_one(path):
        if path == folder / "2.5":
            raise OSError(number, os.strerror(number))
        return listed(path)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "iterdir", listed_but_one)
        assert sorted(life.sessions()) == ["1.5", "3.5", "4.5"]
        with pytest.raises(OSError, match=os.strerror(number)):
            life.service.answer("f", "2.5", 0)
        life.now_s += 100
        assert sorted(life.sessions()) == ["4.5"]
    assert life.read("f", "2.5") == ["2.5"]


@pytest.mark.parametrize(
    "asked",
    [
        ("other", "1.5"),
        ("a", "9.5"),
        ("a", "../thermo1/1.5"),
        ("../a", "0.5"),
        (["a"], "1.5"),
        ({}, {}),
        (5, 5),
        ("a", b"1.5"),
    ],
)
def test_what_is_not_there_has_an_empty_answer(folder, asked):
    Life(folder, "0.5").put("a", "x")
    life = Life(folder, "1.5")
    life.put("a", "x")
    assert life.service.answer(*asked) == {"first": 0, "next": 0, "messages": []}


def test_a_question_without_sense_gets_an_error_that_says_so(folder):
    life = Life(folder, "1.5")
    life.put("a", "x")
    for after, size in (("1", 5), (None, 5), (0, "all"), (math.nan, 5), (0, math.nan)):
        with pytest.raises(ApplicationError, match="have to be numbers"):
            life.service.answer("a", "1.5", after, size)
    assert life.read("a", "1.5", 0, 100) == ["x"]
    assert life.service.answer("a", "1.5", 0, later_addition=True)["next"] == 1


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "spool").write_text("not a folder")
    life = Life(tmp_path / "spool" / "thermo1", "1.5")
    for second in range(30):
        life.now_s += 1
        life.put("a", second)
        life.put("b", second)
    assert len(life.log.lines) == 1
    assert "Not a directory" in life.log.lines[0]
    assert life.read("a") == life.read("b") == list(range(30))
    (tmp_path / "spool").unlink()
    life.now_s += 10
    life.put("a", 30)
    assert len(life.log.lines) == 1
    life.put("b", 30)
    assert len(life.log.lines) == 2
    assert "again" in life.log.lines[1]
    assert Life(tmp_path / "spool" / "thermo1", "2.5").read("b", "1.5") == list(range(31))


def test_an_old_file_that_cannot_be_deleted_is_told_once_and_in_its_own_words(folder):
    life = Life(folder, "1.5", Limits(max_age_s=100))
    path = folder / "1.5" / "a" / "00000000000000000000.spool"
    for second in range(3):
        life.put("a", second)
        if second == 0:
            path.unlink()
            path.mkdir()  # cannot be deleted as a file
        life.now_s += 101
    assert len(life.log.lines) == 1
    assert f"cannot delete old messages in {path}: " in life.log.lines[0]


def test_an_agent_that_was_started_by_hand_says_so_in_one_line():
    life = Life(None, "1.5")
    life.put("a", 1)
    life.put("b", 2)
    assert len(life.log.lines) == 1
    assert "not started by ocsd" in life.log.lines[0]


def remains(folder):
    """Return all messages of the life "1.5" that a later one has."""
    life = Life(folder, "2.5")
    return {name: life.read(name, "1.5", 0, 2**23) for name in life.sessions().get("1.5", {})}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 4000))
def test_any_prefix_of_a_file_is_read_and_gives_a_prefix_of_the_messages(tmp_path, size):
    messages = [{"n": number, "text": "x" * number} for number in range(50)]
    shutil.rmtree(tmp_path / "thermo1", ignore_errors=True)
    Life(tmp_path / "thermo1", "1.5").put("a", *messages)
    [path] = (tmp_path / "thermo1" / "1.5" / "a").glob("*.spool")
    whole = path.stat().st_size
    os.truncate(path, min(size, whole))
    got = remains(tmp_path / "thermo1").get("a", [])
    assert got == messages[: len(got)]
    assert size < whole or got == messages


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from(["00000000000000000000.spool", "x.spool", "y"]))
def test_whatever_lies_in_the_folder_does_no_harm(tmp_path, content, name):
    folder = tmp_path / "thermo1"
    for each in ("1.5/a", "1.5/b", "rubbish"):
        (folder / each).mkdir(parents=True, exist_ok=True)
        (folder / each / name).write_bytes(content)
    (folder / "file").write_bytes(content)
    Life(folder, "1.7").put("a", "x")
    life = Life(folder, "2.5")
    assert life.read("a", "1.7") == ["x"]
    assert life.sessions()["1.7"]["a"]["next"] == 1


def launch(**fields):
    hub = Hub(wamp_server="ws://localhost:8001/ws", wamp_http="http://localhost:8001/call")
    instance = Instance(instance_id="thermo1", agent_class="Thermo")
    return Launch(site_file=None, host="lab", hub=hub, instance=instance, working_dir="/", **fields)


def test_the_folder_is_in_the_hosts_state_folder(monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", "/somewhere")
    assert folder_of(launch(), "thermo1") == Path("/somewhere/lab/spool/thermo1")
    assert folder_of(launch(), "a/b") == Path("/somewhere/lab/spool/a%2Fb")
    monkeypatch.setenv(SPOOL_VARIABLE, "7")
    assert folder_of(launch(), "thermo1") == Path("/proc/self/fd/7")
    assert folder_of(None, "thermo1") is None


def test_a_folder_that_is_known_by_a_descriptor_is_told_by_its_name(tmp_path):
    (tmp_path / "1.5").write_text("not a folder")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        life = Life(Path(f"/proc/self/fd/{descriptor}"), "1.5")
        life.put("a", "x")
        assert f"cannot keep messages in {tmp_path}: " in life.log.lines[0]
    finally:
        os.close(descriptor)


def test_what_could_not_be_sent_before_a_kill_is_there_for_the_next_life(
    agent, link, reactor, folder
):
    agent.spools = SpoolService(folder, "1.5", agent.log)
    feed = agent.register_feed("f", record=True)
    link.away = True
    for number in range(200):
        feed.publish_message({"block_name": "b", "timestamp": float(number), "data": {"n": number}})
    got = Life(folder, "2.5").read("f", "1.5")
    assert [message["b"]["data"]["n"] for message in got] == [[n] for n in range(200)]
    link.away = False
    feed.send_backlog()
    reactor.pump([BACKLOG_DELAY_S, 0, 0, 0])
    assert [message for _, (message, _) in link.published] == got
    assert [info["seq"] for _, (_, info) in link.published] == list(range(200))


def test_a_lack_of_descriptors_delays_what_could_not_be_sent_and_no_more(
    agent, link, reactor, folder
):
    agent.spools = SpoolService(folder, "1.5", agent.log)
    feed = agent.register_feed("f", record=True)
    link.away = True
    feed.publish_message({"block_name": "b", "timestamp": 1.0, "data": {"n": 1}})
    link.away = False
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        feed.send_backlog()
        reactor.pump([BACKLOG_DELAY_S] * 3)
        assert link.published == []
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    reactor.pump([BACKLOG_DELAY_S, 0])
    feed.publish_message({"block_name": "b", "timestamp": 2.0, "data": {"n": 2}})
    assert [info["seq"] for _, (_, info) in link.published] == [0, 1]


def test_the_agent_answers_at_its_address(agent, link):
    agent.register_feed("f", record=True).publish_message(
        {"block_name": "b", "timestamp": 1.0, "data": {"n": 1}}
    )
    answer = agent.procedures()["observatory.thermo1.spool"]
    index = answer()["sessions"][agent.agent_session_id]
    assert index == {"f": {"address": "observatory.thermo1.feeds.f", "first": 0, "next": 1}}
    pair = answer("f", agent.agent_session_id, 0)["messages"]
    assert pair == [list(link.published[0][1])]
