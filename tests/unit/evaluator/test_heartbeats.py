"""Signs of life: at their rate, and only while all is well."""

from ocsd.evaluator.attempts import AttemptResult
from ocsd.evaluator.heartbeats import Heartbeats
from ocsd.site.alarms.keys import AlarmsKeys
from tests.unit.evaluator.test_desk import Attempts

KEYS = AlarmsKeys.model_validate(
    {"heartbeats": {"a": {"url": "http://h/x", "every": "10s"}, "b": {"command": "beat"}}}
)


class Watched(Attempts):
    """Attempts of heartbeats."""

    def begin(self, name, job):
        if self.broken:
            raise OSError("no process")
        self.jobs[name] = job
        self.begun.append(name)

    broken = False


def test_they_are_sent_at_their_rate_while_all_is_well():
    tries = Watched()
    beats = Heartbeats("lab", KEYS, tries)
    beats.round("the daemon is away", 0.0)
    assert tries.begun == []
    for at in range(61):
        beats.round("", float(at))
        for name in list(tries.jobs):
            tries.results.setdefault(name, AttemptResult())
    assert tries.begun.count("heartbeat.a") == 7
    assert tries.begun.count("heartbeat.b") == 2
    assert beats.as_json()["b"] == {"every_s": 60.0, "sent_at": 1.0, "failure": ""}


def test_one_that_hangs_is_not_sent_again_and_a_failure_is_told():
    tries = Watched()
    beats = Heartbeats("lab", KEYS, tries)
    beats.round("", 0.0)
    assert tries.jobs["heartbeat.a"]["receiver"] == {"ping": {"url": "http://h/x"}}
    assert tries.jobs["heartbeat.b"]["receiver"] == {"command": ["beat"]}
    beats.round("", 500.0)
    assert len(tries.begun) == 2
    tries.results["heartbeat.a"] = AttemptResult("h answers 500")
    beats.round("", 501.0)
    assert beats.trouble == "heartbeat a: h answers 500"
    tries.broken = True
    tries.results["heartbeat.a"] = AttemptResult()
    beats.round("", 520.0)
    beats.round("", 530.0)
    assert "cannot be started: no process" in beats.trouble


def test_a_clock_that_was_set_back_keeps_none_waiting():
    tries = Watched()
    beats = Heartbeats("lab", KEYS, tries)
    beats.round("", 100_000.0)
    tries.results = {name: AttemptResult() for name in tries.jobs}
    beats.round("", 50.0)
    assert tries.begun.count("heartbeat.a") == 2
