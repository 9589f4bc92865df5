"""Many failures at once become one incident, on record."""

import pytest

from ocsd.daemon.instances.transition import Transition
from ocsd.daemon.watching.chronicle import Chronicle
from ocsd.daemon.watching.incidents import Incidents
from ocsd.history.file import HistoryFile, read_history
from ocsd.supervisor.events import (
    BecameReady,
    CauseCleared,
    DownRequested,
    RestartRequested,
    State,
    UpRequested,
)
from ocsd.supervisor.lifecycle import Lifecycle


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


@pytest.fixture
def told():
    return []


@pytest.fixture
def incidents(path, clock, told):
    return Incidents(clock, lambda: 10, Chronicle(HistoryFile(path), clock.seconds), told.append)


def test_one_crash_is_no_incident(incidents, clock, path):
    assert not incidents.failed("a")
    assert list(read_history(path)) == []


def test_an_incident_is_begun_once_and_is_over_after_a_pause(incidents, clock, path, told):
    assert [incidents.failed(name) for name in "abcdef"] == [False] * 3 + [True] * 3
    assert told == [("a", "b", "c", "d")]
    clock.advance(4)
    assert incidents.failed("g")
    clock.advance(5.1)
    began, over = read_history(path)
    assert (began.name, began.event) == ("ocsd", "IncidentBegan")
    assert over.reason == "7 instances failed: a, b, c, d, e, f, g"
    assert not incidents.failed("a")
    assert clock.getDelayedCalls() == []


def happens(incidents, event, state=State.STARTING):
    for name in "abcdef":
        life = Lifecycle(state=state)
        incidents.transition(Transition(name, life, life, 0.0, event, None))


@pytest.mark.parametrize(
    "event", [UpRequested("ann"), RestartRequested("ann"), CauseCleared("edited", "ann")]
)
def test_what_somebody_restarts_in_vain_is_no_incident(incidents, event, path, told, clock):
    happens(incidents, event)
    assert not any(incidents.failed(name) for name in "abcdef")
    assert (list(read_history(path)), told) == ([], [])
    # Once up they count as ever.
    happens(incidents, BecameReady(), State.UP)
    assert [incidents.failed(name) for name in "abcd"] == [False] * 3 + [True]
    clock.advance(5.1)


@pytest.mark.parametrize("event", [UpRequested(), CauseCleared("it is back"), DownRequested("ann")])
def test_what_ocsd_starts_by_itself_counts(incidents, event, clock):
    happens(incidents, event)
    assert [incidents.failed(name) for name in "abcd"] == [False] * 3 + [True]
    clock.advance(5.1)
