"""`ocsd values`, with a process in place of the listener."""

import json
import socket
import sys
import time

import pytest

from ocsd.cli.commands.operate import values
from ocsd.cli.commands.operate.values import (
    _fitted,
    _lines,
    _Listener,
    _nothing,
    _refuse_without_router,
)
from ocsd.cli.talk.latest import LatestValues, Value
from ocsd.cli.talk.site_router import SiteRouter
from ocsd.errors import UnreachableError
from tests.unit.cli.overview.hosts import screen


def prints(text):
    """Begin a process that prints a text, and then waits."""
    code = f"import time; print({text!r}, flush=True); time.sleep(60)"
    return [sys.executable, "-c", code]


def line_of(number):
    block = {"timestamps": [10.0], "data": {f"channel_{number:02d}": [number]}}
    info = {"agent_address": "observatory.thermo1", "feed_name": "t", "record": True}
    return json.dumps({"message": {"b": block}, "feed_info": info})


def test_all_lines_that_come_at_once_are_taken_in_and_the_listener_is_ended():
    latest = LatestValues()
    with values._listening(prints("\n".join(map(line_of, range(100))))) as process:
        taking_in = _Listener(process, latest)
        limit_s = time.monotonic() + 30
        while len(latest.sorted()) < 100 and time.monotonic() < limit_s:
            assert taking_in.listen(0.1)
    assert len(latest.sorted()) == 100
    assert process.returncode is not None


def test_a_listener_that_begins_late_is_waited_for():
    code = "import time; time.sleep(0.5); print('{}', flush=True); time.sleep(60)"
    latest = LatestValues()
    with values._listening([sys.executable, "-c", code]) as process:
        taking_in = _Listener(process, latest)
        begun_s = time.monotonic()
        assert taking_in.begin(30)
        assert 0.4 < time.monotonic() - begun_s < 25
    assert latest.sorted() == []


def test_a_listener_that_cannot_begin_is_not_waited_for():
    with values._listening([sys.executable, "-c", "raise SystemExit(69)"]) as process:
        assert not _Listener(process, LatestValues()).begin(30)
        assert process.returncode == 69


def test_the_end_of_the_listener_is_seen():
    command = [sys.executable, "-c", "raise SystemExit(69)"]
    with values._listening(command) as process:
        assert not _Listener(process, LatestValues()).listen(30)
        assert process.returncode == 69


def test_values_are_shown_with_the_age_of_their_sample():
    found = [Value("thermo1", "t", "a", 1.23456789, 100.0), Value("thermo1", "t", "b", "on", 200.0)]
    assert _lines(found, screen(), 160.5) == [
        "FIELD          VALUE    AGE",
        "thermo1.t.a  1.23457  1m00s",
        "thermo1.t.b       on     0s",
    ]


def test_units_have_a_column_if_there_are_any():
    found = [
        Value("thermo1", "t", "a", 1.5, 100.0, "K"),
        Value("thermo1", "t", "b", "on", 200.0),
    ]
    assert _lines(found, screen(), 160.5) == [
        "FIELD        VALUE  UNITS    AGE",
        "thermo1.t.a    1.5  K      1m00s",
        "thermo1.t.b     on            0s",
    ]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_long_text_is_cut_on_a_terminal_and_whole_in_a_pipe(width):
    found = [
        Value("thermo1", "temperatures", "state", "warming up " * 30, 100.0),
        Value("thermo1", "temperatures", "channel_00", -1.5e-300, 100.0),
    ]
    lines = _lines(found, screen(width), 160.5)
    assert max(map(len, lines)) <= max(width, len("thermo1.temperatures.channel_00") + 14)
    assert "warming" in lines[1]
    assert "…" in lines[1]
    whole = _lines(found, screen(width, interactive=False), 160.5)
    assert ("warming up " * 30).strip() in whole[1]
    assert whole[1].endswith("1m00s")


def test_what_does_not_fit_is_counted():
    lines = ["title", *(f"line {number}" for number in range(50))]
    fitted = _fitted(lines, screen(80, 24))
    assert len(fitted) == 23
    assert fitted[-1].startswith("and 29 more")
    assert _fitted(lines[:10], screen(80, 24)) == lines[:10]


def test_a_watch_needs_a_terminal(ocsd):
    done = ocsd("values", "--watch")
    assert done.returncode == 2
    assert "--watch is for a terminal" in done.stderr


def test_nothing_heard_tells_for_how_long_and_the_next_step():
    assert _nothing(("pump",), 5.0) == (
        "no recorded feed has published a field that 'pump' names within 5 s; "
        "listen for longer with --wait, or see: ocsd status"
    )


def test_a_router_that_is_away_is_told_instead_of_silence():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{probe.getsockname()[1]}/ws"
        router = SiteRouter(url, "http://x/call", "r", "lab")
        with pytest.raises(UnreachableError, match=r"nothing listens at .*; see: ocsd why router"):
            _refuse_without_router(router)
        probe.listen()
        _refuse_without_router(router)
