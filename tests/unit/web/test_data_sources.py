"""Fields and windows of a data folder, exports, and trends in the background."""

import math
import queue
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from twisted.internet.defer import CancelledError, Deferred, succeed

from ocsd.data.index import IndexedBlock
from ocsd.data.overview import FeedOverview
from ocsd.errors import NoDataError, NotPermittedError, UsageError
from ocsd.system.paths import HostPaths
from ocsd.web.api.handlers import Handlers
from ocsd.web.api.recorded import MOST_EXPORTS, DataEndpoints
from ocsd.web.login.doors import OpenDoors, Trusted
from ocsd.web.refusals import AwayError, MissingError, RequestRefusedError
from ocsd.web.server.route import Call
from ocsd.web.settings import PageSettings
from ocsd.web.sources.export import Export, check_room
from ocsd.web.sources.samples import Samples, explaining, instance_of, numbers
from ocsd.web.sources.trends import Trends

LIMIT_S = 60.0
NO_CHILD = 2**30
FEED = "observatory.lab1.thermo1.feeds.temps"
FIELD = f"{FEED}.channel_00"


def test_a_host_without_an_aggregator_has_no_fields(tmp_path):
    samples = Samples(None, tmp_path)
    why = "this host has no aggregator, so nothing is recorded here"
    nothing = {"fields": [], "total": 0, "unread": 0, "why_none": why}
    assert samples.fields("", 9) == nothing
    assert samples.chosen(["channel_00"]) == ["channel_00"]
    with pytest.raises(MissingError, match="no aggregator"):
        samples.window(["a"], 0, 1, 10)


def test_a_folder_that_is_not_there_yet_is_asked_again(tmp_path):
    samples = Samples(tmp_path / "data", tmp_path)
    assert samples.fields("", 9)["total"] == 0
    assert f"{tmp_path}/data is not there" in samples.fields("", 9)["why_none"]
    with pytest.raises(MissingError, match="data"):
        samples.window(["a"], 0, 1, 10)


def test_an_empty_folder_has_no_such_field(tmp_path):
    (tmp_path / "data").mkdir()
    samples = Samples(tmp_path / "data", tmp_path)
    with pytest.raises(MissingError, match="there are no data of 'channel_00'"):
        samples.window(["channel_00"], 0.0, 1.0, 10)
    assert samples.chosen(["channel_00"]) == ["channel_00"]
    assert samples.fields("", 9) == {"fields": [], "total": 0, "unread": 0}


def block(name, **fields):
    return IndexedBlock(name, fields, 10, 1.0, ((100.0, 200.0),), ())


def test_fields_are_found_by_words_in_name_or_label(tmp_path):
    (tmp_path / "data").mkdir()
    samples = Samples(tmp_path / "data", tmp_path)
    feed = FeedOverview(
        FEED,
        ("s",),
        (block("temps", channel_00="float", mode="str"),),
        (),
        {FIELD: "K"},
        {FIELD: "Cold <plate>"},
    )
    samples._archive = SimpleNamespace(known_feeds=lambda: [feed], unread=0)
    found = samples.fields("cold thermo1", 9)
    assert found["fields"] == [
        {
            "field": FIELD,
            "instance_id": "thermo1",
            "feed": FEED,
            "name": "channel_00",
            "kind": "number",
            "newest_at": 200.0,
            "units": "K",
            "label": "Cold <plate>",
        }
    ]
    assert samples.fields("", 1)["total"] == 2
    assert [row["field"] for row in samples.fields("", 9, one_each=True)["fields"]] == [FIELD]
    assert samples.fields("mode", 9)["fields"][0]["kind"] == "text"


def test_the_instance_is_the_last_word_before_feeds():
    assert instance_of(FEED) == "thermo1"


def test_numbers_are_null_where_they_are_none():
    assert numbers(np.array([1.5, math.nan, math.inf])) == [1.5, None, None]
    assert numbers(np.array([2**60])) == [2**60]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NoDataError("none"), MissingError),
        (NotPermittedError("no"), AwayError),
        (OSError("gone"), AwayError),
        (UsageError("what"), RequestRefusedError),
        (MissingError("x"), MissingError),
    ],
)
def test_errors_of_the_folder_become_refusals(error, kind):
    with pytest.raises(kind), explaining():
        raise error


def test_an_export_is_the_command_of_the_terminal(tmp_path):
    export = Export(None, tmp_path, [FIELD, "--help"], (1795328225.5, 1795328226.0))
    words = export._words("/tmp/x.csv")
    assert words[-3:] == ["--", FIELD, "--help"]
    assert "2026-11-22T06:17:05.500000+00:00" in words
    with pytest.raises(RequestRefusedError, match="no time of the calendar"):
        Export(None, tmp_path, [], (1e18, 2e18))._words("x")


def test_a_slow_window_holds_up_neither_fields_nor_live_values_nor_exports(tmp_path):
    (tmp_path / "data").mkdir()
    reactor = SimpleNamespace(callFromThread=lambda function, *args: function(*args))
    made = Handlers(
        PageSettings(
            "lab", HostPaths("lab", *3 * [tmp_path]), None, None, data_dir=tmp_path / "data"
        ),
        reactor,
        str,
        OpenDoors(Trusted()),
    )
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def slow(_):
        begun.set()
        go_on.wait(LIMIT_S)

    recorded, names = made.recorded, made.live._names
    recorded._windows.do(slow).addCallback(lambda _: done.set())
    assert begun.wait(LIMIT_S)
    answers = queue.Queue()
    for each in (recorded._names, names, recorded._sizes):
        each.do(lambda samples: samples.fields("", 9)).addCallback(answers.put)
    assert [answers.get(timeout=LIMIT_S)["total"] for _ in range(3)] == [0, 0, 0]
    go_on.set()
    assert done.wait(LIMIT_S)
    for each in (recorded._names, recorded._windows, recorded._sizes):
        each._work._pool.stop()


class Spawning:
    """A reactor whose processes begin to write, and are killed."""

    def __init__(self):
        self.signals = []
        self.path = None

    def spawnProcess(self, _protocol, _program, words, env):
        self.path = Path(words[words.index("-o") + 1])
        self.path.with_name("beside").write_text("half of it")
        return SimpleNamespace(pid=NO_CHILD, signalProcess=self.signals.append)


def test_an_export_that_is_given_up_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    request = SimpleNamespace(notifyFinish=Deferred)
    reactor = Spawning()
    export = Export(request, tmp_path, [FIELD], (0.0, 1.0))
    answering = Deferred.fromCoroutine(export.start(reactor, "csv"))
    assert reactor.path.parent.parent == tmp_path
    answering.addErrback(lambda failure: failure.trap(CancelledError))
    answering.cancel()
    assert reactor.signals == ["KILL"]
    assert list(tmp_path.iterdir()) == []


def test_the_end_of_the_page_leaves_nothing_of_an_export(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings = PageSettings("lab", None, None, None, data_dir=tmp_path / "data")
    found = {"fields": {FIELD: {"n": [2], "n_nan": [1]}}}
    recorded = DataEndpoints(settings, None, None, SimpleNamespace(do=lambda _: succeed(found)))
    reactor = Spawning()
    monkeypatch.setattr("ocsd.web.api.recorded.the_reactor", lambda: reactor)
    params = {"field": [FIELD], "since": 0.0, "until": 1.0, "format": "csv"}
    call = Call(SimpleNamespace(notifyFinish=Deferred), params=params)
    answering = Deferred.fromCoroutine(recorded.export(call))
    assert len(list(tmp_path.iterdir())) == 1
    recorded.end()
    assert reactor.signals == ["KILL"]
    assert list(tmp_path.iterdir()) == []
    answering.addErrback(lambda failure: failure.trap(CancelledError))
    answering.cancel()


def test_an_export_for_which_there_is_no_room_is_refused():
    check_room(1000)
    with pytest.raises(RequestRefusedError, match=r"1,000,000,000,000 values takes .* of memory"):
        check_room(10**12)


def test_an_export_without_a_place_gives_its_seat_back(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    settings = PageSettings("lab", None, None, None, data_dir=tmp_path)
    found = {"fields": {FIELD: {"n": [2], "n_nan": [1]}}}
    exports = SimpleNamespace(do=lambda _: succeed(found))
    recorded = DataEndpoints(settings, None, None, exports)
    call = Call(None, params={"field": [FIELD], "since": 0.0, "until": 1.0, "format": "csv"})
    for _ in range(MOST_EXPORTS + 1):
        refused = []
        Deferred.fromCoroutine(recorded.export(call)).addErrback(refused.append)
        assert "there is no place for the file" in str(refused[0].value)


def test_trends_tell_how_far_they_are(tmp_path):
    assert Trends(None, None).as_json() == {"built": 0, "waiting": 0, "folder": None}
    trends = Trends(tmp_path, None)
    trends._progress = SimpleNamespace(built=2, waiting=1, folder=tmp_path / "ocsd/trend")
    assert trends.as_json()["folder"] == str(tmp_path / "ocsd/trend")
