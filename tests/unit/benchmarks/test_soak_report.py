"""What a soak concludes from the journal."""

from benchmarks.soaking.report import Recovery, Report, starts, too_early
from ocsd.history.summary import HistoryEntry


def entry(at, event, before, after, name="crash-01"):
    return HistoryEntry(at=at, name=name, event=event, before=before, after=after, target="up")


def crash_loop(*delays_s):
    """Return the journal of an instance that ends a second after each start."""
    at, found = 100.0, [entry(100.0, "UpRequested", "down", "starting")]
    for delay_s in delays_s:
        at += 1
        if delay_s == 0:
            found.append(entry(at, "Exited", "up", "starting"))
        else:
            found.append(entry(at, "Exited", "up", "backoff"))
            at += delay_s
            found.append(entry(at, "TimerFired", "backoff", "starting"))
    return found


def test_a_crash_loop_that_follows_the_policy_is_in_order():
    journal = crash_loop(0, 0, 0, 0.41, 1.2, 1.7, 3.3, 7, 14, 27, 50, 71, 48)
    assert too_early(journal, "crash-01") == []
    assert starts(journal) == {"crash-01": 14}


def test_a_restart_that_comes_too_early_is_told():
    assert too_early(crash_loop(0, 0, 0, 0), "crash-01") == [
        "crash-01 came back after 0.00 s at its end number 4"
    ]
    assert len(too_early(crash_loop(0, 0, 0, 0.5, 0.5), "crash-01")) == 1


def test_a_new_daemon_or_an_incident_begins_the_count_anew():
    for event in ("DaemonStarted", "IncidentOver"):
        again = HistoryEntry(at=0.0, name="ocsd", event=event)
        journal = [*crash_loop(0, 0, 0), again, *crash_loop(0, 0, 0)[1:]]
        assert too_early(journal, "crash-01") == []


def test_evidence_excuses_one_try_but_not_the_next():
    journal = crash_loop(0, 0, 0, 0.5)
    journal += [
        entry(110.0, "Exited", "up", "backoff"),
        entry(110.1, "CauseCleared", "backoff", "starting"),
    ]
    assert too_early(journal, "crash-01") == []
    journal += [
        entry(111.0, "Exited", "up", "backoff"),
        entry(112.0, "TimerFired", "backoff", "starting"),
    ]
    assert len(too_early(journal, "crash-01")) == 1


def test_a_process_that_is_taken_over_is_no_start():
    journal = [
        entry(1.0, "Adopted", "down", "starting", "a"),
        entry(2.0, "BecameReady", "starting", "up", "a"),
        entry(3.0, "RestartRequested", "up", "stopping", "a"),
        entry(4.0, "Exited", "stopping", "starting", "a"),
        entry(5.0, "Exited", "starting", "starting", "a"),
    ]
    assert starts(journal) == {"a": 2}


def test_times_to_recovery_are_those_of_faults_that_came_alone():
    recoveries = [Recovery("kill", "a", 0.0, float(number), True) for number in range(1, 22)]
    recoveries.append(Recovery("kill", "a", 0.0, 99.0, False))
    recoveries.append(Recovery("stop", "a", 0.0, None, True))
    report = Report(1, 50, 60.0, tuple(recoveries), (), {"a": 3}, (1, 2), 3)
    kill, stop = report.by_kind()["kill"], report.by_kind()["stop"]
    assert kill == {"faults": 22, "median_s": 11.0, "p95_s": 20.0, "worst_s": 21.0}
    assert stop == {"faults": 1, "median_s": None, "p95_s": None, "worst_s": None}
    assert "kill" in report.text()
