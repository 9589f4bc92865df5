"""`ocsd why`: the reason for a state, with or without a daemon."""

import json
import time

from ocsd.history.summary import HistoryEntry


def test_the_account_has_state_ends_and_changes(ocsd, history_file, daemon_of):
    row = {
        "instance_id": "thermo1",
        "state": "backoff",
        "target": "up",
        "reason": "ended with exit code 3: no device",
        "next_try_s": 4.5,
    }
    daemon_of("lab", row)
    done = ocsd("why", "thermo1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == (
        "thermo1: backoff (target up): ended with exit code 3: no device; next try in 4.5 s"
    )
    assert "last end " in done.stdout
    assert "last forced end " in done.stdout
    assert "in read()" in done.stdout
    assert "asked for by alice (uid 1000)" in done.stdout


def test_the_layer_that_fails_is_named(ocsd, history_file, daemon_of):
    row = {
        "instance_id": "thermo1",
        "state": "up",
        "target": "up",
        "health": "degraded",
        "layer": "feeds",
        "reason": "feed temperatures silent for 42 s (expected every 1 s)",
    }
    daemon_of("lab", row)
    assert ocsd("why", "thermo1").stdout.splitlines()[0] == (
        "thermo1: up (target up): degraded, layer feeds; "
        "feed temperatures silent for 42 s (expected every 1 s)"
    )


def test_no_daemon_is_needed(ocsd, history_file):
    done = ocsd("why", "thermo1", "--host", "lab")
    assert done.stdout.startswith("thermo1: no daemon runs; it was backoff at ")


def test_the_end_of_the_log_is_shown(ocsd, history_file):
    log = ocsd.base / "log" / "lab" / "thermo1.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\n")
    done = ocsd("why", "thermo1", "--host", "lab")
    assert done.stdout.endswith(f"last lines of {log}:\n  one\n  two\n")


def test_json_has_the_ends_and_the_present_state(ocsd, history_file):
    account = json.loads(ocsd("why", "thermo1", "--json", "--host", "lab").stdout)
    assert account["last_end"]["code"] == 3
    assert account["last_forced_end"]["reason"].endswith("in read()")
    assert account["now"] is None


def test_a_wrong_name_gets_the_nearest_one(ocsd, history_file, daemon_of):
    daemon_of("lab", {"instance_id": "thermo1"})
    done = ocsd("why", "termo1")
    assert done.returncode == 4
    assert "did you mean 'thermo1'?" in done.stderr


def test_an_end_that_was_asked_for_is_not_the_last_end(ocsd, history_file):
    asked = HistoryEntry(
        time.time(), "thermo2", "Exited", "stopping", "down", target="down", code=0
    )
    history_file.write(asked)
    assert json.loads(ocsd("why", "thermo2", "--json", "--host", "lab").stdout)["last_end"] is None


def test_the_router_and_the_daemon_have_accounts_too(ocsd, history_file, daemon_of):
    server = daemon_of("lab", {"instance_id": "thermo1"})
    server.status["router"] |= {"state": "down", "target": "down", "reason": "put down by alice"}
    assert ocsd("why", "router").stdout.startswith("router: down (target down): put down by alice")
    assert ocsd("why", "ocsd").stdout.startswith("ocsd: up (target up)")


def test_a_colon_at_the_end_of_a_reason_is_kept(ocsd, history_file, daemon_of):
    reason = "usage: agent.py [--mode MODE], where MODE is one of:"
    daemon_of("lab", {"instance_id": "thermo1", "state": "failed", "reason": reason})
    headline = ocsd("why", "thermo1").stdout.splitlines()[0]
    assert headline == f"thermo1: failed (target unknown): {reason}"


def test_an_instance_that_is_well_has_no_reason(ocsd, history_file, daemon_of):
    daemon_of("lab", {"instance_id": "thermo1", "state": "up", "target": "up", "health": "ok"})
    assert ocsd("why", "thermo1").stdout.splitlines()[0] == "thermo1: up (target up)"


def test_a_reason_stands_once_and_the_log_does_not_repeat_it(ocsd, history_file, daemon_of):
    error = "agent.py: error: argument --mode: invalid choice: 'acqq' (choose from 'idle', 'acq')"
    usage = "usage: agent.py [-h] [--mode {idle,acq}] [--sample-rate HZ]"
    reason = f"ended with exit code 2: {usage} {error}"
    for before, after in (("starting", "backoff"), ("starting", "failed")):
        end = HistoryEntry(
            time.time(), "thermo1", "Exited", before, after, target="up", reason=reason, code=2
        )
        history_file.write(end)
    log = ocsd.base / "log" / "lab" / "thermo1.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"2026-11-22T12:02:48.000Z [info] starts\n{usage}\n{error}\n")
    row = {"instance_id": "thermo1", "state": "failed", "target": "up", "reason": reason}
    daemon_of("lab", {**row, "log_path": str(log)})
    shown = ocsd("why", "thermo1").stdout
    assert shown.count(usage) == shown.count(error) == 1
    assert shown.splitlines()[-2:] == ["  2026-11-22T12:02:48.000Z [info] starts", "  (as above)"]
    assert "starting -> failed   (as above)" in shown


def test_events_are_in_words_and_who_asked_is_always_there(ocsd, history_file, daemon_of):
    daemon_of("lab", {"instance_id": "thermo1", "state": "up", "target": "up"})
    by = "alice (uid 1000, pid 4121), in the control room"
    for state in ("stopping", "starting"):
        history_file.write(
            HistoryEntry(time.time(), "thermo1", "RestartRequested", "up", state, by=by)
        )
    history_file.write(HistoryEntry(time.time(), "thermo1", "HealthChanged", reason="ok again"))
    shown = ocsd("why", "thermo1").stdout
    assert shown.count(f"asked for by {by}") == 2
    assert "health changed       ok again" in shown


def test_patterns_and_classes_choose_several(ocsd, history_file, daemon_of):
    rows = [
        {"instance_id": name, "agent_class": "Ls", "state": "up", "target": "up"}
        for name in ("thermo1", "thermo2")
    ]
    daemon_of("lab", *rows)
    for words in (("thermo*",), ("--class", "L*"), ("thermo2", "thermo1")):
        shown = ocsd("why", *words).stdout
        assert "thermo1: up (target up)" in shown
        assert "thermo2: up (target up)" in shown
        assert json.loads(ocsd("why", "--json", *words).stdout).keys() == {"thermo1", "thermo2"}
    assert ocsd("why", "pump*").returncode == 4
    assert ocsd("why").returncode == 2


def test_without_a_daemon_patterns_choose_among_the_history(ocsd, history_file):
    shown = ocsd("why", "*2", "--host", "lab").stdout
    assert shown.startswith("thermo2: no daemon runs; it was starting at ")
    assert ocsd("why", "--class", "Ls", "--host", "lab").returncode == 69


def test_the_router_has_no_reactor(ocsd, history_file, daemon_of):
    reason = "its reactor has not answered for 12 s"
    server = daemon_of("lab", {"instance_id": "thermo1"})
    server.status["router"] |= {"health": "hung", "layer": "router", "reason": reason}
    assert ocsd("why", "router").stdout.startswith(
        "router: up (target up): hung, layer router; it has not answered for 12 s\n"
    )


def test_operations_that_do_not_run_are_named_with_the_way_to_start_them(
    ocsd, history_file, daemon_of
):
    acq = {"name": "acq", "kind": "process", "since_at": 1795332781.0, "startup": True}
    runs = [{**acq, "state": "stopped", "reason": "a client"}, {**acq, "state": "running"}]
    daemon_of("lab", {"instance_id": "thermo1", "state": "up", "target": "up", "operations": runs})
    assert ocsd("why", "thermo1").stdout.splitlines()[:2] == [
        "thermo1: up (target up)",
        "does not run     acq stopped 07:33:01Z by a client; "
        "to start it: ocsd call thermo1 acq start",
    ]


def test_an_aggregator_that_records_nothing_says_so(ocsd, history_file, daemon_of):
    row = {"instance_id": "agg", "agent_class": "AggregatorAgent", "state": "up", "target": "up"}
    daemon_of("lab", {**row, "recording": {"recording": False}})
    assert "nothing is recorded: agg was not told to; ocsd call agg record start" in (
        ocsd("why", "agg").stdout
    )


def test_the_router_has_no_reactor_in_its_account(ocsd, history_file, daemon_of):
    daemon_of("lab", {"instance_id": "thermo1"})
    reason = "reactor: no answer for 30 s: it is stopped (SIGSTOP)"
    history_file.write(
        HistoryEntry(time.time(), "router", "BecameHung", "up", "stopping", reason=reason)
    )
    shown = ocsd("why", "router").stdout
    assert "no answer for 30 s: it is stopped (SIGSTOP)" in shown
    assert "reactor" not in shown
