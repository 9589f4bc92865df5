"""What the daemon knows of the operations and samples of an instance."""

import json

import pytest

from ocsd.daemon.instances.activity import Activity
from ocsd.system.runs import PROCESS, Run, encode_runs

RUNS = encode_runs([Run("acq", PROCESS, "running", 1795332781.0, startup=True)])


def test_an_instance_that_tells_nothing_has_no_activity():
    assert Activity().after({"READY": "1"}, 5.0).as_json(9.0) == {
        "operations": None,
        "sample_age_s": None,
    }


def test_operations_are_those_of_the_last_report():
    told = Activity().after({"WATCHDOG": "1", "X_RUNS": RUNS}, 5.0)
    [acq] = told.after({"WATCHDOG": "1"}, 6.0).as_json(9.0)["operations"]
    assert acq == {
        "name": "acq",
        "kind": "process",
        "state": "running",
        "since_at": 1795332781.0,
        "startup": True,
        "reason": "",
    }


def test_a_sample_ages_while_nothing_is_heard():
    told = Activity().after({"X_SAMPLE_AGE": "0.5"}, 5.0)
    assert told.as_json(5.0)["sample_age_s"] == 0.5
    assert told.as_json(15.0)["sample_age_s"] == 10.5
    later = told.after({"WATCHDOG": "1"}, 7.0)
    assert later.as_json(8.0)["sample_age_s"] == 3.5


def test_the_newest_sample_of_a_recording_ages_as_well():
    facts = {"recording": True, "feeds": 2, "age_s": 1.0}
    told = Activity().after({"X_RECORDING": json.dumps(facts)}, 5.0)
    assert told.as_json(7.5)["recording"] == {**facts, "age_s": 3.5}


def test_the_lag_of_a_writer_grows_while_nothing_is_heard():
    facts = {"connected": True, "lag_s": 60.0, "newest_s": 1.0, "lines": 7}
    told = Activity().after({"X_WRITING": json.dumps(facts)}, 5.0)
    assert told.as_json(7.5)["writing"] == {**facts, "lag_s": 62.5, "newest_s": 3.5}
    assert "writing" not in told.after({"X_WRITING": "{}"}, 8.0).as_json(8.0)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "7"])
def test_an_unreadable_recording_is_none(text):
    assert "recording" not in Activity().after({"X_RECORDING": text}, 5.0).as_json(6.0)


def test_code_that_changed_is_told_until_the_agent_says_otherwise():
    told = Activity().after({"WATCHDOG": "1", "X_CHANGED_CODE": "/lab/a.py"}, 5.0)
    told = told.after({"WATCHDOG": "1"}, 6.0)
    assert told.as_json(6.0)["changed_code"] == "/lab/a.py"
    assert "changed_code" not in told.after({"X_CHANGED_CODE": ""}, 7.0).as_json(7.0)
