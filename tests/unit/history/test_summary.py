"""Availability and restarts, from the entries of the history."""

import pytest

from ocsd.history.summary import HistoryEntry, Summary, in_order_of_time, summaries


def story(*steps, name="thermo1"):
    """Return entries of (at, event, before, after[, more])."""
    made = []
    for at, event, before, after, *more in steps:
        fields = {"target": "up", **(more[0] if more else {})}
        made.append(
            HistoryEntry(at=at, name=name, event=event, before=before, after=after, **fields)
        )
    return made


STARTED = [
    (0.0, "UpRequested", "down", "starting"),
    (1.0, "BecameReady", "starting", "up", {"pid": 7}),
]


def test_a_start_that_was_asked_for_is_no_time_of_unavailability():
    summary = summaries(story(*STARTED), 0.0, 10.0)["thermo1"]
    assert summary == Summary(10.0, 9.0, ends=0, restarts=0, last_end=None, starting_s=1.0)
    assert (summary.availability, summary.is_flawless) == (1.0, True)
    assert summaries(story(*STARTED), 0.5, 10.0)["thermo1"].starting_s == 0.5


def test_of_a_long_start_a_minute_is_allowed():
    entries = story((0.0, "UpRequested", "down", "starting"))
    assert summaries(entries, 0.0, 50.0)["thermo1"].availability is None
    summary = summaries(entries, 0.0, 100.0)["thermo1"]
    assert (summary.starting_s, summary.availability, summary.is_flawless) == (60.0, 0.0, False)
    later = story((0.0, "UpRequested", "down", "starting"), (80.0, "BecameReady", "starting", "up"))
    assert summaries(later, 0.0, 100.0)["thermo1"].availability == 0.5


def test_a_start_that_fails_counts_from_the_failure_on():
    entries = story(
        (0.0, "UpRequested", "down", "starting"),
        (1.0, "Exited", "starting", "backoff", {"code": 1}),
        (2.0, "TimerFired", "backoff", "starting"),
        (4.0, "BecameReady", "starting", "up"),
    )
    summary = summaries(entries, 0.0, 9.0)["thermo1"]
    assert (summary.starting_s, summary.availability) == (1.0, 5 / 8)


def test_a_restart_that_was_asked_for_does_not_count():
    entries = story(
        *STARTED,
        (5.0, "RestartRequested", "up", "stopping", {"by": "alice"}),
        (6.0, "Exited", "stopping", "starting", {"code": 0}),
        (7.0, "BecameReady", "starting", "up"),
    )
    summary = summaries(entries, 0.0, 10.0)["thermo1"]
    assert (summary.availability, summary.restarts, summary.is_flawless) == (1.0, 1, True)


@pytest.mark.parametrize("event", ["UpRequested", "RestartRequested", "CauseCleared"])
@pytest.mark.parametrize("before", ["backoff", "failed"])
def test_whoever_ends_a_failure_the_time_until_up_counts(event, before):
    entries = story(
        *STARTED,
        (5.0, "Exited", "up", before, {"code": 1}),
        (6.0, event, before, "starting"),
        (7.0, "BecameReady", "starting", "up"),
    )
    assert summaries(entries, 0.0, 10.0)["thermo1"].availability == pytest.approx(7 / 9)


def test_a_crash_counts_and_the_time_until_up_again_is_missing():
    entries = story(
        *STARTED,
        (5.0, "Exited", "up", "starting", {"code": 1}),
        (7.0, "BecameReady", "starting", "up"),
    )
    summary = summaries(entries, 0.0, 10.0)["thermo1"]
    assert (summary.ends, summary.restarts, summary.up_s) == (1, 1, 7.0)
    assert summary.last_end == entries[2]
    told = summary.to_json()
    assert (told["up_s"], told["availability"]) == (7.0, summary.availability)
    assert told["last_end"]["code"] == 1


def test_a_hang_is_an_end_that_nobody_asked_for():
    entries = story(
        *STARTED,
        (5.0, "BecameHung", "up", "stopping", {"reason": "its reactor has not answered"}),
        (6.0, "Exited", "stopping", "starting", {"signal": 9}),
        (7.0, "BecameReady", "starting", "up"),
    )
    summary = summaries(entries, 0.0, 10.0)["thermo1"]
    assert (summary.ends, summary.restarts, summary.up_s) == (1, 1, 7.0)
    assert summary.last_end == entries[2]


def test_an_end_while_no_daemon_ran_counts_if_it_was_wanted():
    missed = HistoryEntry(at=5.0, name="thermo1", event="Exited", signal=9)
    again = story((8.0, "UpRequested", "down", "starting"), (9.0, "BecameReady", "starting", "up"))
    summary = summaries([*story(*STARTED), missed, *again], 0.0, 10.0)["thermo1"]
    assert (summary.ends, summary.last_end, summary.restarts) == (1, missed, 1)
    unwanted = story(*STARTED, (4.0, "Exited", "stopping", "down", {"target": "down"}))
    summary = summaries([*unwanted, missed], 0.0, 10.0)["thermo1"]
    assert (summary.ends, summary.last_end) == (0, None)
    assert summaries([missed], 0.0, 10.0) == {}


def test_what_the_operator_asked_for_is_no_unexpected_end():
    entries = story(
        *STARTED,
        (5.0, "DownRequested", "up", "stopping", {"target": "down"}),
        (6.0, "Exited", "stopping", "down", {"target": "down"}),
    )
    summary = summaries(entries, 0.0, 10.0)["thermo1"]
    assert (summary.ends, summary.wanted_s, summary.up_s) == (0, 5.0, 4.0)


def test_only_the_time_asked_for_counts():
    entries = story(
        *STARTED, (5.0, "Exited", "up", "backoff"), (8.0, "TimerFired", "backoff", "starting")
    )
    summary = summaries(entries, 6.0, 10.0)["thermo1"]
    assert (summary.wanted_s, summary.up_s, summary.ends, summary.restarts) == (4.0, 0.0, 0, 1)


def test_a_process_that_outlived_the_daemon_was_up_meanwhile():
    entries = story(
        *STARTED,
        (8.0, "Adopted", "down", "starting", {"pid": 7}),
        (8.0, "BecameReady", "starting", "up", {"pid": 7}),
    )
    summary = summaries(entries, 0.0, 10.0)["thermo1"]
    assert (summary.restarts, summary.up_s) == (0, 9.0)


def test_what_was_never_wanted_has_no_availability():
    entries = story((0.0, "DownRequested", "down", "down", {"target": "down"}))
    summary = summaries(entries, 0.0, 10.0)["thermo1"]
    assert summary.availability is None
    assert summary.to_json()["last_end"] is None


def test_each_instance_has_its_own_story():
    entries = [
        *story(*STARTED),
        *story((2.0, "UpRequested", "down", "starting"), name="thermo2"),
    ]
    found = summaries(entries, 0.0, 10.0)
    assert {name: its.up_s for name, its in found.items()} == {"thermo1": 9.0, "thermo2": 0.0}


def test_what_changed_no_state_or_came_later_is_no_part_of_it():
    entries = [
        *story(*STARTED),
        HistoryEntry(
            at=4.0, name="thermo1", event="Degraded", target="up", reason="feed t is silent"
        ),
        HistoryEntry(at=5.0, name="ocsd", event="IncidentBegan"),
        *story((11.0, "Exited", "up", "starting", {"code": 1})),
    ]
    assert summaries(entries, 0.0, 10.0) == {
        "thermo1": Summary(10.0, 9.0, ends=0, restarts=0, last_end=None, starting_s=1.0)
    }


def test_a_clock_that_was_set_back_makes_no_time_negative_and_loses_no_state():
    # Up for 100 s, then the clock is set back by an hour, and it is up for another 50 s.
    entries = [
        HistoryEntry(5000.0, "a", "BecameReady", after="up", target="up"),
        HistoryEntry(5100.0, "a", "Exited", before="up", after="backoff", target="up"),
        HistoryEntry(1500.0, "a", "BecameReady", after="up", target="up"),
    ]
    assert [each.at for each in in_order_of_time(entries)] == [1500.0] * 3
    found = summaries(entries, 0.0, 1550.0)["a"]
    assert (found.wanted_s, found.up_s, found.ends) == (50.0, 50.0, 1)


@pytest.mark.parametrize("event", ["alarm-raised", "OperationStart", "Exited"])
def test_an_entry_that_was_written_late_moves_no_states_into_the_past(event):
    added = story(
        (100.0, "UpRequested", "down", "starting"), (101.0, "BecameReady", "starting", "up")
    )
    late = HistoryEntry(2.0, "other", event)
    for entries in ([added[0], late, added[1]], [*added, late]):
        assert in_order_of_time(entries) == entries
        summary = summaries(entries, 0.0, 110.0)["thermo1"]
        assert (summary.wanted_s, summary.availability) == (10.0, 1.0)


def test_a_clock_that_was_set_forward_changes_nothing_of_what_was_before():
    entries = [
        HistoryEntry(1000.0, "a", "BecameReady", after="up", target="up"),
        HistoryEntry(9000.0, "a", "DownRequested", before="up", after="down", target="down"),
    ]
    assert in_order_of_time(entries) == entries
