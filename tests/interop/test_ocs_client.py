"""The published OCSClient drives an agent of ocsd."""

import time

import pytest

pytestmark = pytest.mark.interop

OK, ERROR, TIMEOUT = 0, -1, 1
SESSION_KEYS = {
    "session_id",
    "op_name",
    "op_code",
    "cred_level",
    "status",
    "degraded",
    "success",
    "start_time",
    "end_time",
    "data",
    "messages",
}


def test_it_stops_and_starts_acquisition(ocs):
    before, stopped, waited, started, again, after = ocs.run("""
        acq = client('fake-data1').acq
        until(lambda: acq.status().session.get('status') == 'running')
        before, stopped, waited = acq.status(), acq.stop(), acq.wait(timeout=10)
        started, again = acq.start(), acq.start()
        until(lambda: acq.status().session['status'] == 'running')
        result = [before, stopped, waited, started, again, acq()]
    """)
    assert before[:2] == [OK, "Session active."]
    assert before[2]["op_code"] == 3
    assert stopped[:2] == [OK, 'Requested stop on process "acq".']
    assert waited[:2] == [OK, 'Operation "acq" is currently not running (SUCCEEDED).']
    assert (waited[2]["status"], waited[2]["success"], waited[2]["op_code"]) == ("done", True, 5)
    assert waited[2]["start_time"] < waited[2]["end_time"]
    assert started[:2] == [OK, 'Started process "acq".']
    assert again[:2] == [ERROR, 'Operation "acq" already in progress.']
    assert after[2]["session_id"] > before[2]["session_id"]
    assert set(after[2]) >= SESSION_KEYS


def test_it_reads_the_latest_values(ocs):
    first, second = ocs.run("""
        acq = client('fake-data1').acq
        until(lambda: 'timestamp' in acq.status().session.get('data', {}))
        first = acq.status().session['data']
        until(lambda: acq.status().session['data']['timestamp'] > first['timestamp'])
        result = [first, acq.status().session['data']]
    """)
    channels = [f"channel_{number:02d}" for number in range(16)]
    assert sorted(first["fields"]) == channels
    assert all(isinstance(value, float) for value in first["fields"].values())
    assert first["timestamp"] < second["timestamp"] <= time.time()


def test_waiting_for_a_process_that_runs_times_out(ocs):
    negative, short = ocs.run("""
        acq = client('fake-data1').acq
        until(lambda: acq.status().session.get('status') == 'running')
        result = [acq.wait(timeout=-1), acq.wait(timeout=0.1)]
    """)
    for answer in (negative, short):
        assert answer[:2] == [TIMEOUT, 'Operation "acq" still running; wait timed out.']
        assert answer[2]["status"] == "running"


def test_it_runs_a_task_to_its_end(ocs):
    answer, took_s = ocs.run("""
        agent = client('fake-data1')
        begin = time.monotonic()
        answer = agent.delay_task(delay=0.2)
        result = [answer, time.monotonic() - begin]
    """)
    assert answer[:2] == [OK, 'Operation "delay_task" is currently not running (SUCCEEDED).']
    session = answer[2]
    assert (session["status"], session["success"], session["op_code"]) == ("done", True, 5)
    assert session["data"]["requested_delay"] == 0.2
    assert 0.2 <= session["end_time"] - session["start_time"] <= took_s
    texts = [text for _, text in session["messages"]]
    assert texts[:2] == ['Status is now "starting".', 'Status is now "running".']
    assert texts[-1] == 'Status is now "done".'


def test_a_task_may_end_without_success(ocs):
    answer = ocs.run("result = client('fake-data1').delay_task(delay=0, succeed=False)")
    assert answer[:2] == [OK, 'Operation "delay_task" is currently not running (FAILED).']
    assert (answer[2]["success"], answer[2]["op_code"]) == (False, 6)


def test_it_aborts_a_task(ocs):
    started, aborted, waited, again = ocs.run("""
        task = client('fake-data1').delay_task
        started = task.start(delay=60)
        until(lambda: task.status().session['status'] == 'running')
        result = [started, task.abort(), task.wait(timeout=10), task.abort()]
    """)
    assert started[:2] == [OK, 'Started task "delay_task".']
    assert aborted[0] == OK
    assert aborted[1].startswith("Requested abort on task")
    assert waited[:2] == [OK, 'Operation "delay_task" is currently not running (FAILED).']
    assert waited[2]["data"]["requested_delay"] == 60
    assert waited[2]["end_time"] - waited[2]["start_time"] < 10
    assert again[:2] == [ERROR, "The operation is already done"]


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"delay": -1}, "Param 'delay' failed validity check (see docs?)."),
        (
            {"delay": "two"},
            "Param 'delay'=two is not of required type (<class 'float'>)",
        ),
        (
            {"succeed": "yes"},
            "Param 'succeed'=yes is not of required type (<class 'bool'>)",
        ),
        ({"dealy": 1, "x": 2}, "params included unexpected values: ['dealy', 'x']"),
    ],
    ids=["out of range", "no number", "no bool", "unknown names"],
)
def test_bad_params_are_refused_before_anything_starts(ocs, params, text):
    before, refused, after = ocs.run(f"""
        agent = client('fake-data2')
        session = lambda: agent.delay_task.status().session
        before = session()
        result = [before, agent.delay_task.start(**{params!r}), session()]
    """)
    assert refused == [ERROR, text, {}]
    assert before == after


def test_integers_and_missing_params_are_accepted(ocs):
    whole, none = ocs.run("""
        agent = client('fake-data2')
        result = [agent.delay_task(delay=0), agent.set_heartbeat(heartbeat=None)]
    """)
    assert whole[2]["data"]["requested_delay"] == 0
    assert none[2]["success"] is True


@pytest.mark.parametrize(
    ("action", "op", "answer"),
    [
        ("start", "nonsense", [ERROR, 'No task or process called "nonsense"', {}]),
        ("status", "nonsense", [ERROR, 'No task or process called "nonsense"', {}]),
        ("wait", "nonsense", [ERROR, 'Unknown operation "nonsense".', {}]),
        ("dance", "acq", [ERROR, 'No implementation for "acq"', {}]),
        ("wait", "acq", [OK, "Idle.", {}]),
        ("status", "acq", [OK, "No session active.", {}]),
        ("stop", "acq", [ERROR, "No session active.", {}]),
    ],
)
def test_requests_that_make_no_sense_get_their_answer(ocs, action, op, answer):
    # fake-data2 is idle and its acq has never run.
    given = ocs.run(f"result = client('fake-data2')._client.request({action!r}, {op!r})")
    assert given == answer


@pytest.mark.parametrize(("action", "op"), [("stop", "delay_task"), ("abort", "acq")])
def test_a_task_is_aborted_and_a_process_is_stopped(ocs, action, op):
    code, text, session = ocs.run(
        f"result = client('fake-data2')._client.request({action!r}, {op!r})"
    )
    assert code == ERROR
    assert op in text
    assert session == {}


def test_the_counting_process_counts_until_it_is_stopped(ocs):
    counted, ended = ocs.run("""
        count = client('fake-data2').count
        count.start()
        until(lambda: count.status().session['data'].get('counter', 0) >= 1)
        counted = count.status()
        count.stop()
        result = [counted, count.wait(timeout=10)]
    """)
    assert counted[2]["data"]["counter"] >= 1
    assert ended[2]["status"] == "done"


def test_an_agent_that_does_not_exist_is_reported_as_ocs_reports_it(ocs):
    error = ocs.run("""
        try:
            client('fake-data9')
        except RuntimeError as refused:
            result = refused.args[0]
    """)
    assert error[:4] == [0, 0, 0, 0]
    assert error[4] == "wamp.error.no_such_procedure"


def test_the_replies_print_as_ocs_prints_them(ocs):
    text = ocs.run("result = repr(client('fake-data1').delay_task(delay=0))")
    assert text.startswith("OCSReply: OK : Operation")
    assert "status=done without error" in text
    assert "decode failed" not in text
