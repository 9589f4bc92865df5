"""The evaluator's work with times, samples and attempts that a test makes up."""

import json
import os

import cbor2
import numpy as np
import pytest

from ocsd.alarms.conditions import HostFacts
from ocsd.errors import NoSuchAlarmError, OcsdError, UsageError
from ocsd.evaluator.attempts import AttemptResult
from ocsd.evaluator.deliveries import MOST_WAITING
from ocsd.evaluator.desk import KEPT_EVERY_S, Desk
from ocsd.evaluator.kept import KeptAlarms, KeptFile, read_kept, shown
from ocsd.evaluator.process import taken_over
from ocsd.evaluator.wording import Links
from ocsd.journal import Message
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Layout, PackedBlock
from ocsd.journal.origin import Origin
from ocsd.site.alarms.keys import AlarmsKeys
from ocsd.status import headlines, replies

RULES = {
    "warm": {
        "when": "thermo1.temps.stage > 5",
        "severity": "critical",
        "text": "the stage is warm",
        "tell": ["night", "log"],
        "remind": "10min",
    },
    "drift": {"when": "thermo1.temps.stage > 4", "tell": ["log", "day"]},
    "silent": {"when": "thermo1.temps silent for 60s", "tell": "log"},
    "stopped": {"when": "acq of thermo1 stopped for 5s", "severity": "critical", "tell": "night"},
}
RECEIVERS = {name: {"command": "true"} for name in ("night", "log", "day")}
ORIGIN = Origin("observatory.thermo1.feeds.temps", "1", "observatory.thermo1", numbered=True)
LAYOUT = Layout(ORIGIN, "block", {"stage": Kind.FLOAT, "note": Kind.TEXT})


TAKEN = AttemptResult()


class Attempts:
    """Attempts that end when and as a test says."""

    def __init__(self):
        self.jobs = {}
        self.results = {}
        self.begun = []

    def begin(self, name, job):
        if job["receiver"]["command"] == ["broken"]:
            raise OSError("no process is left")
        self.jobs[name] = self.last = job
        self.begun.append((job["receiver"]["command"], job["content"]["kind"], name))

    def runs(self, name):
        return name in self.jobs and name not in self.results

    def end(self, name):
        return self.results.get(name, AttemptResult("gone", perhaps=True))

    def forget(self, name):
        self.jobs.pop(name, None)
        self.results.pop(name, None)


class Night:
    """A desk, its disk and its time."""

    def __init__(self, folder, rules=None, receivers=None):
        self.rules, self.receivers = rules or RULES, receivers or RECEIVERS
        self.folder = folder
        self.attempts = Attempts()
        self.at = 1000.0
        self.number = 0
        self.file = KeptFile(folder / "alarms.json", folder / "run" / "alarms.json")
        self.begin(KeptAlarms(origin="abc", begun_at=self.at))

    def begin(self, kept):
        keys = AlarmsKeys.model_validate({"rules": self.rules, "receivers": self.receivers})
        links = Links("http://page", "observatory")
        self.desk = Desk("lab", keys, kept, self.file.write, self.attempts, links)
        self.desk.begin(self.at)

    def kill(self):
        """Go on with what is on the disk, as after kill -9."""
        kept, lost = read_kept((self.folder / "alarms.json",), is_owner=True)
        assert lost == ""
        self.begin(kept)

    def sample(self, *values, ago_s=0.0):
        """Take in one message with samples of this moment, or of one in the past."""
        times = [self.at - ago_s + place / 1000 for place in range(len(values))]
        numbers = np.array([times, values], dtype=float)
        content = numbers.tobytes() + cbor2.dumps([["x"] * len(values)])
        self.number += 1
        block = PackedBlock(LAYOUT, len(values), content)
        self.round([Message(self.number, self.at - ago_s, (block,))])

    def round(self, entries=(), facts=None, **more):
        self.desk.round(entries, facts, self.at, **more)

    def later(self, seconds, facts=None):
        for _ in range(int(seconds * 2)):
            self.at += 0.5
            self.round(facts=facts)

    def end(self, result=TAKEN, receiver=""):
        """Let the attempts that are under way end."""
        for name in list(self.attempts.jobs):
            if name.endswith(receiver):
                self.attempts.results.setdefault(name, result)
        self.round()

    def told(self):
        """Return kind, receiver and alarms of each attempt that has begun since the last call."""
        begun, self.attempts.begun = self.attempts.begun, []
        return [(kind, name.rpartition(".")[2]) for _, kind, name in begun]

    def recorded(self):
        return [(row["event"], row["reason"].partition(":")[0]) for row in self.desk.unrecorded]


@pytest.fixture
def night(tmp_path):
    return Night(tmp_path)


def test_a_whole_life(tmp_path):
    """Raised, told once to each receiver, acknowledged, reminded, cleared."""
    night = Night(tmp_path, {name: RULES[name] for name in ("warm", "drift")})
    night.sample(4.0, 6.0)
    assert night.told() == []  # it waits for what else comes
    night.later(0.5)
    assert night.told() == []
    night.later(0.5)
    assert sorted(night.told()) == [("raised", "day"), ("raised", "log"), ("raised", "night")]
    content = next(iter(night.attempts.jobs.values()))["content"]
    assert content["title"] == "[lab] CRITICAL: warm: the stage is warm and 1 more"
    assert (content["alarm"], content["value"], content["since_at"]) == ("warm", 6.0, 1000.001)
    assert content["link"].startswith("http://page/#field=observatory.thermo1.feeds.temps.stage&")
    assert [each["name"] for each in content["alarms"]] == ["warm", "drift"]
    night.end()
    night.later(599)
    assert night.told() == []
    night.sample(6.0)
    night.later(2)
    assert sorted(night.told()) == [("reminder", "day"), ("reminder", "log"), ("reminder", "night")]
    night.end()
    row = night.desk.asked(
        {"ask": "ack", "name": "warm", "by": "vera", "comment": "I go"}, night.at
    )
    assert row["alarm"]["acknowledged_by"] == "vera"
    night.sample(4.5)
    assert night.told() == []  # drift still is
    night.sample(3.0)
    assert sorted(night.told()) == [("cleared", "day"), ("cleared", "log"), ("cleared", "night")]
    night.end()
    assert night.recorded() == [
        ("alarm-raised", "warm"),
        ("alarm-raised", "drift"),
        ("alarm-acknowledged", "warm"),
        ("alarm-cleared", "warm"),
        ("alarm-cleared", "drift"),
    ]
    assert night.desk.unrecorded[2]["reason"].endswith("; I go")
    night.desk.recorded(4, night.at)
    assert night.recorded() == [("alarm-cleared", "drift")]


def test_nothing_is_told_twice_wherever_it_is_killed(tmp_path):
    """Killed after each round; the attempts go on without it."""
    night = Night(tmp_path, {"warm": RULES["warm"]})
    told = []
    for value in (4.0, 6.0, 6.0, 6.0, 6.0, 3.0, 3.0, 3.0):
        night.sample(value)
        told += night.told()
        night.kill()
        night.later(1)
        told += night.told()
        night.kill()
        if len(told) % 2 == 0:
            night.end()
            night.kill()
    assert sorted(told) == [
        ("cleared", "log"),
        ("cleared", "night"),
        ("raised", "log"),
        ("raised", "night"),
    ]
    assert night.recorded() == [("alarm-raised", "warm"), ("alarm-cleared", "warm")]


def test_what_is_judged_again_after_a_kill_changes_nothing(night):
    night.sample(6.0)
    night.later(1)
    night.told()
    night.kill()
    before = night.recorded()
    night.at -= 0.5  # the journal is read from its beginning
    night.sample(6.0)
    night.later(2)
    assert (night.told(), night.recorded()) == ([], before)


def test_a_failed_attempt_is_repeated_and_an_uncertain_one_says_so(night):
    night.sample(6.0)
    night.later(1)
    night.told()
    night.end(AttemptResult("connection refused"), "night")
    night.end(AttemptResult("its process was ended while it was sending", perhaps=True), "log")
    night.end(AttemptResult("busy", wait_s=60.0), "day")
    night.later(4)
    assert night.told() == []
    night.later(2)
    assert sorted(night.told()) == [("raised", "log"), ("raised", "night")]
    contents = {
        name.rpartition(".")[2]: job["content"] for name, job in night.attempts.jobs.items()
    }
    assert "repeated" not in contents["night"]
    assert contents["log"]["repeated"] is True
    night.end()
    night.later(60)
    assert ("raised", "day") in night.told()


def test_a_refused_message_is_on_record_at_once_and_one_that_is_given_up(night):
    night.sample(6.0)
    night.later(1)
    night.end(AttemptResult("answers 401", refused=True), "night")
    night.end(AttemptResult("away"))
    told = [row["reason"] for row in night.desk.unrecorded if row["event"] == "alarm-undeliverable"]
    [refused] = told
    assert refused.startswith("to night: [lab] CRITICAL: warm")
    assert refused.endswith("answers 401; it is tried again")
    assert night.desk.summary(night.at)["failing"] == 3
    for _ in range(9):  # it is not given up before it was tried ten times
        night.at += 86400.0
        night.round()
        night.end(AttemptResult("still away"))
    summary = night.desk.summary(night.at)
    assert summary["undeliverable"] == 3
    assert sum(row["event"] == "alarm-undeliverable" for row in night.desk.unrecorded) == 4


def test_a_sender_that_hangs_holds_up_no_other(night):
    night.sample(6.0)
    night.later(1)
    night.told()
    night.end(receiver="log")
    night.end(receiver="day")
    night.sample(3.0)
    assert sorted(night.told()) == [("cleared", "day"), ("cleared", "log")]
    night.end(AttemptResult("no end after 30 s"), "night")
    night.later(6)
    # The end is enough.
    assert night.told() == [("cleared", "night")]
    night.end()
    night.later(20)
    assert night.told() == []


def test_the_end_replaces_what_its_receiver_has_not_got(night):
    night.sample(6.0)
    night.later(1)
    night.end(AttemptResult("away"))
    night.told()
    night.sample(3.0)
    assert {kind for kind, _ in night.told()} == {"cleared"}


def test_an_alarm_that_comes_and_goes_does_not_fill_the_disk(tmp_path):
    night = Night(tmp_path, {"warm": {**RULES["warm"], "tell": "night"}})
    night.sample(3.0)
    for _ in range(MOST_WAITING + 20):
        night.sample(6.0)
        night.at += 0.1
        night.sample(3.0)
        night.at += 0.1
        night.attempts.results.update(dict.fromkeys(night.attempts.jobs, AttemptResult("away")))
    night.sample(6.0)
    night.later(2)
    shown_rows = night.desk.asked({"ask": "alarms"}, night.at)["deliveries"]
    waiting = [row for row in shown_rows if row["state"] not in {"undeliverable", "delivered"}]
    assert MOST_WAITING <= len(waiting) <= MOST_WAITING + 1
    assert waiting[-1]["kind"] == "raised"
    given_up = [row["reason"] for row in shown_rows if row["state"] == "undeliverable"]
    assert given_up[-1].startswith(f"more than {MOST_WAITING} messages wait for this receiver")


def test_a_worse_alarm_and_one_of_other_people_are_told(tmp_path):
    rules = {name: RULES[name] for name in ("drift", "warm", "stopped")}
    night = Night(tmp_path, {**rules, "drift": {**rules["drift"], "tell": "day"}})
    night.sample(4.5)
    night.later(1)
    assert night.told() == [("raised", "day")]
    night.end()
    night.sample(6.0)
    night.later(1)
    assert sorted(night.told()) == [("worse", "day"), ("worse", "log"), ("worse", "night")]
    night.end()
    night.sample(6.0)
    facts = HostFacts(operations={("acq", "thermo1"): "stopped"})
    night.later(8, facts)
    assert night.told() == []  # all of its people know of the incident
    assert night.desk.board.alarms["stopped"].is_raised


def test_an_alarm_of_other_people_joins_an_incident(tmp_path):
    rules = {
        "warm": {**RULES["warm"], "tell": "night"},
        "drift": {"when": "rate of thermo1.temps.stage > 100 per s over 1s", "tell": "day"},
    }
    night = Night(tmp_path, rules)
    night.sample(6.0)
    night.later(1)
    assert night.told() == [("raised", "night")]
    night.end()
    night.at += 1.0
    night.sample(1000.0)
    night.later(1)
    assert night.told() == [("joined", "day")]


def test_what_is_news_to_people_joins_an_incident_and_is_not_worse(tmp_path):
    rules = {
        "warm": {"when": "thermo1.temps.stage > 5", "tell": "night"},
        "hot": {"when": "thermo1.temps.stage > 7", "tell": "night"},
        "burns": {"when": "thermo1.temps.stage > 9", "severity": "critical", "tell": "night"},
    }
    night = Night(tmp_path, rules)
    for value, kind in ((6.0, "raised"), (8.0, "joined"), (10.0, "worse")):
        night.sample(value)
        night.later(1)
        assert night.told() == [(kind, "night")]
        night.end()
        if kind == "raised":  # then more is news
            night.desk.asked({"ask": "ack", "name": "warm", "by": "vera"}, night.at)
    assert (
        night.attempts.last["content"]["title"]
        == "[lab] worse: CRITICAL: burns: thermo1.temps.stage > 9 and 2 more"
    )


def test_an_alarm_that_was_raised_in_silence_is_on_record_once(tmp_path):
    night = Night(tmp_path, {"warm": RULES["warm"]})
    night.desk.asked({"ask": "silence", "name": "warm", "for_s": 60, "by": "vera"}, night.at)
    night.sample(6.0)
    assert night.told() == []
    night.later(62)
    assert sorted(night.told()) == [("raised", "log"), ("raised", "night")]
    assert night.recorded() == [
        ("alarm-silenced", "warm"),
        ("alarm-raised", "warm"),
        ("alarm-unsilenced", "warm"),
    ]
    assert "until 1970-01-01" in night.desk.unrecorded[0]["reason"]


def test_a_text_of_several_lines_is_one_title(tmp_path):
    night = Night(tmp_path, {"warm": {**RULES["warm"], "text": "the stage\nis warm\n"}})
    night.sample(6.0)
    night.later(1)
    content = next(iter(night.attempts.jobs.values()))["content"]
    assert content["title"] == "[lab] CRITICAL: warm: the stage is warm"


def test_only_those_who_have_not_got_it_are_tried_again(night):
    night.sample(6.0)
    night.later(1)
    night.end(AttemptResult("refuses nobody@x", refused=True, left=["nobody@x"]), "night")
    night.later(6)
    [job] = [job for name, job in night.attempts.jobs.items() if name.endswith("night")]
    assert job["content"]["left"] == ["nobody@x"]


def test_a_silence_goes_over_a_restart_and_begins_anew_after_a_long_absence(tmp_path):
    night = Night(tmp_path, {"silent": RULES["silent"]})
    night.sample(1.0)
    night.later(40)
    night.kill()
    night.later(22)
    assert night.told() == [("raised", "log")]
    night.end()
    # The host is down for an hour: it is still silent, and nobody is told again.
    night.at += 3600.0
    kept, lost = taken_over((tmp_path / "alarms.json", tmp_path / "none"), night.at)
    assert (kept.begun_at, lost) == (night.at, "")
    night.begin(kept)
    night.later(5)
    assert night.told() == []
    assert night.desk.board.alarms["silent"].is_raised
    night.sample(1.0)
    night.later(2)
    assert night.told() == [("cleared", "log")]
    # And this time it was not: it gets its time anew.
    night.end()
    night.at += 3600.0
    kept, _ = taken_over((tmp_path / "alarms.json", tmp_path / "none"), night.at)
    night.begin(kept)
    night.later(59)
    assert night.told() == []


def test_a_feed_is_not_silent_while_the_journal_is_read(night):
    night.at += 100.0
    night.round(behind=True)
    assert not night.desk.board.alarms["silent"].is_raised
    night.round()
    assert night.desk.board.alarms["silent"].is_raised


def test_rules_that_left_the_file_take_their_incident_along(night):
    night.sample(6.0)
    night.later(1)
    night.told()
    night.end()
    night.rules = {"silent": RULES["silent"]}
    night.receivers = {"log": RECEIVERS["log"]}
    night.kill()
    night.round()
    assert night.told() == [("withdrawn", "log")]
    content = next(iter(night.attempts.jobs.values()))["content"]
    assert content["message"] == "Its alarms have left the site file."
    ended = night.desk.asked({"ask": "alarms"}, night.at)["deliveries"]
    assert {row["receiver"] for row in ended} == {"log"}


def test_a_changed_condition_begins_anew_and_a_raised_one_waits_for_its_verdict(night):
    night.sample(4.5)
    night.rules = {**RULES, "drift": {"when": "thermo1.temps.stage > 4.9", "tell": "log"}}
    night.kill()
    assert night.desk.board.alarms["drift"].is_raised
    assert night.desk.board.alarms["drift"].seen_at is None
    night.at += 1.0
    night.sample(4.5)
    assert not night.desk.board.alarms["drift"].is_raised
    night.rules = {**RULES, "drift": {"when": "thermo1.temps.stage > 9", "tell": "log"}}
    night.kill()
    rows = {row["name"]: row["state"] for row in night.desk.asked({"ask": "alarms"}, 0.0)["alarms"]}
    assert (rows["drift"], rows["warm"]) == ("unseen", "clear")


def test_an_attempt_that_cannot_be_started_is_repeated(tmp_path):
    night = Night(
        tmp_path,
        {"warm": RULES["warm"]},
        {"night": {"command": "broken"}, "log": {"command": "true"}},
    )
    night.sample(6.0)
    night.later(1)
    assert night.told() == [("raised", "log")]
    [waiting] = [
        row
        for row in night.desk.asked({"ask": "alarms"}, 0.0)["deliveries"]
        if row["receiver"] == "night"
    ]
    assert waiting["reason"] == "its attempt cannot be started: no process is left"


def test_pending_states_are_kept_now_and_then(night):
    facts = HostFacts(operations={("acq", "thermo1"): "stopped"})
    night.later(KEPT_EVERY_S + 4, HostFacts())
    night.later(1, facts)
    night.kill()
    assert night.desk.board.alarms["stopped"].since_at is not None


class TestRequests:
    """What the daemon asks for."""

    def test_a_silenced_alarm_is_told_when_the_silence_is_over(self, night):
        until = {"ask": "silence", "name": "warm", "until": night.at + 60.0, "by": "vera"}
        row = night.desk.asked(until, night.at)["alarm"]
        assert (row["silenced_by"], row["silenced_until"]) == ("vera", night.at + 60.0)
        night.sample(6.0)
        night.later(30)
        assert {receiver for _, receiver in night.told()} == {"day", "log"}
        night.sample(6.0)
        night.later(32)
        assert ("worse", "night") in night.told()
        night.desk.asked({"ask": "silence", "name": "warm", "for_s": 60}, night.at)
        row = night.desk.asked({"ask": "unsilence", "name": "warm", "by": "vera"}, night.at)
        assert row["alarm"]["silenced_until"] is None

    @pytest.mark.parametrize(
        ("request_", "error", "said"),
        [
            ({"ask": "ack", "name": "wram"}, NoSuchAlarmError, "did you mean 'warm'"),
            ({"ask": "ack", "name": "warm"}, OcsdError, "only a raised alarm"),
            ({"ask": "silence", "name": "warm"}, UsageError, "say for how long"),
            ({"ask": "silence", "name": "warm", "for_s": "x"}, UsageError, "is no time"),
            ({"ask": "dance"}, UsageError, "no request 'dance'"),
            ({"ask": "test", "receiver": "nigth"}, NoSuchAlarmError, "did you mean 'night'"),
            ({"ask": "test", "name": "wram"}, NoSuchAlarmError, "did you mean 'warm'"),
            ({"ask": "test", "name": "mute"}, OcsdError, "tells nobody"),
        ],
    )
    def test_a_wrong_request_gets_a_clear_answer(self, tmp_path, request_, error, said):
        night = Night(tmp_path, {**RULES, "mute": {"when": "recorder losing"}})
        with pytest.raises(error, match=said):
            night.desk.asked(request_, night.at)

    def test_a_test_goes_to_the_receivers_of_an_alarm(self, night):
        told = night.desk.asked({"ask": "test", "name": "drift"}, night.at)
        assert told["receivers"] == ["log", "day"]
        night.round()
        assert sorted(night.told()) == [("test", "day"), ("test", "log")]
        jobs = {job["key"] for job in night.attempts.jobs.values()}
        assert jobs == {told["key"]}


class TestDisk:
    """What is kept, and where."""

    def test_a_full_disk_holds_up_no_message_and_the_other_place_is_read(self, tmp_path):
        (tmp_path / "run").mkdir()
        night = Night(tmp_path, {"warm": RULES["warm"]})
        (tmp_path / "alarms.json").unlink()
        (tmp_path / "alarms.json").mkdir()
        night.sample(6.0)
        night.later(1)
        assert len(night.told()) == 2
        assert night.file.trouble.startswith(f"cannot write {tmp_path / 'alarms.json'}")
        kept, lost = read_kept((tmp_path / "alarms.json", tmp_path / "run" / "alarms.json"))
        assert kept.board["alarms"]["warm"]["phase"] == "raised"
        assert "cannot read" in lost

    def test_nothing_is_sent_that_is_written_nowhere(self, night):
        os.rename(night.folder / "alarms.json", night.folder / "old")
        (night.folder / "alarms.json").mkdir()
        night.sample(6.0)
        night.later(2)
        assert night.told() == []
        assert "nothing is delivered" in night.file.trouble
        (night.folder / "alarms.json").rmdir()
        night.later(1)
        assert len(night.told()) == 3

    def test_a_file_that_cannot_be_understood_is_moved_aside_by_its_owner(self, tmp_path):
        place = tmp_path / "alarms.json"
        place.write_text("{}")
        assert "cannot understand" in read_kept((place,))[1]
        assert place.exists()
        kept, lost = taken_over((place, tmp_path / "none"), 5.0)
        assert "begin anew" in lost
        assert (kept.begun_at, len(kept.origin)) == (5.0, 12)
        assert (tmp_path / "alarms.json.unreadable").read_text() == "{}"

    def test_the_daemon_shows_what_was_kept(self, night):
        night.sample(6.0)
        night.later(1)
        entries = AlarmsKeys.model_validate({"rules": RULES, "receivers": RECEIVERS}).entries()
        told = shown(entries, (night.folder / "alarms.json",), 5000.0)
        assert json.loads(json.dumps(told))["summary"]["raised"] == 2
        assert {row["name"]: row["told"] for row in told["alarms"]}["warm"] == [
            "night",
            "log",
            "day",
        ]
        assert told["as_of"] <= night.at


def test_a_rule_begins_at_the_reload_that_brings_it(tmp_path):
    """The journal is read again, but a new or changed rule says nothing of the past."""
    night = Night(tmp_path, {"warm": RULES["warm"]})
    night.sample(6.0)
    night.later(1)
    night.end()
    night.told()
    night.desk.recorded(1, night.at)
    reload_at = night.at = 1100.0
    hotter = {**RULES["warm"], "when": "thermo1.temps.stage > 7"}
    night.rules = {"warm": hotter, "drift": RULES["drift"]}
    night.kill()
    for ago_s, value in ((100.0, 6.0), (50.0, 3.0), (40.0, 8.0), (30.0, 6.0)):
        night.sample(value, ago_s=ago_s)
    night.later(2)
    assert (night.told(), night.recorded()) == ([], [])
    night.sample(6.0)
    night.later(2)
    assert night.recorded() == [("alarm-cleared", "warm"), ("alarm-raised", "drift")]
    assert min(row["at"] for row in night.desk.unrecorded) > reload_at
    night.kill()  # it began before: what came meanwhile is judged
    assert night.desk.board.alarms["drift"].begun_at == reload_at


def test_a_new_rule_of_a_sender_whose_clock_is_late_is_judged_soon(tmp_path):
    night = Night(tmp_path, {"warm": RULES["warm"]})
    board = night.desk.board
    for later_s in range(40):
        board.ticked(1000.0 + later_s)
        board.sampled("thermo1.temps.stage", [500.0 + later_s], [6.0])
    assert board.alarms["warm"].is_raised


def test_silence_is_silence_also_about_the_end(tmp_path):
    night = Night(tmp_path, {name: RULES[name] for name in ("warm", "drift")})
    night.sample(6.0)
    night.later(1)
    night.end()
    for name in ("warm", "drift"):
        night.desk.asked({"ask": "silence", "name": name, "for_s": 60, "by": "vera"}, night.at)
    night.told()
    night.sample(3.0)
    night.later(2)
    night.kill()  # the end is forgotten, and not told as that of a rule that has left
    night.later(70)
    assert night.told() == []
    assert ("alarm-cleared", "drift") in night.recorded()
    assert night.desk.board.incidents.open == ()


def test_the_end_of_an_incident_is_told_if_one_of_its_alarms_is_not_silenced(tmp_path):
    night = Night(tmp_path, {name: RULES[name] for name in ("warm", "drift")})
    night.sample(6.0)
    night.later(1)
    night.end()
    night.desk.asked({"ask": "silence", "name": "drift", "for_s": 60, "by": "vera"}, night.at)
    night.told()
    night.sample(3.0)
    assert sorted(night.told()) == [("cleared", "day"), ("cleared", "log"), ("cleared", "night")]


def test_a_message_leads_with_the_alarm_that_is_its_reason(tmp_path):
    rules = {
        "warm": {"when": "thermo1.temps.stage > 5", "severity": "critical", "tell": "night"},
        "hot": {"when": "thermo1.temps.stage > 7", "tell": "night"},
        "burns": {"when": "thermo1.temps.stage > 9", "severity": "critical", "tell": "night"},
    }
    night = Night(tmp_path, rules)
    titles = []
    for value in (6.0, 8.0, 10.0):
        night.sample(value)
        night.later(1)
        content = night.attempts.last["content"]
        assert content["message"].startswith(content["alarm"])
        titles.append(content["title"].partition(": thermo1")[0])
        for name, alarm in night.desk.board.alarms.items():
            if alarm.is_raised and not alarm.acknowledged_by:
                night.desk.asked({"ask": "ack", "name": name, "by": "vera"}, night.at)
        night.end()
    assert titles == ["[lab] CRITICAL: warm", "[lab] WARNING: hot", "[lab] CRITICAL: burns"]


def test_an_alarm_for_which_nothing_comes_is_told_while_other_things_come(tmp_path):
    rules = {
        "warm": RULES["warm"],
        "wrong": {"when": "thermo1.temps.stgae > 5"},
        "words": {"when": "thermo1.temps.note > 5"},
        "acq": RULES["stopped"],
        "other": {"when": "thermo9 down"},
    }
    night = Night(tmp_path, rules)
    facts = HostFacts(operations={("acq", "thermo1"): "running"})
    night.sample(1.0)
    night.later(59, facts)
    assert night.desk.summary(night.at)["nothing"] == []
    night.later(2, facts)
    assert night.desk.summary(night.at)["nothing"] == ["other"]  # no message came for a minute
    night.sample(1.0)
    nothing = ["wrong", "words (its field is text)", "other"]
    assert night.desk.summary(night.at)["nothing"] == nothing
    rows = {row["name"]: row for row in night.desk.asked({"ask": "alarms"}, night.at)["alarms"]}
    assert rows["words"]["unseen_because"] == "its field is text"
    counts = replies.host_status({"alarms": night.desk.summary(night.at)}).alarms
    assert headlines.alarm_lines(counts, headlines.PLAIN) == [
        [
            "3 alarms have nothing to judge: wrong, words (its field is text), other (wrong name?)",
            "see: ocsd alarm list",
        ]
    ]


def test_receivers_that_have_left_the_site_file_leave_nothing_behind(tmp_path):
    night = Night(tmp_path, {"warm": RULES["warm"]})
    night.sample(6.0)
    night.later(1)
    night.end(AttemptResult("away"))
    night.desk.recorded(9, night.at)
    night.rules = {"warm": {**RULES["warm"], "tell": "day"}}
    night.receivers = {"day": RECEIVERS["day"]}
    night.kill()
    [row] = night.desk.unrecorded
    assert row["reason"] == (
        "2 messages dropped to log, night: the site file has no such receiver any more"
    )
    night.told()
    night.sample(3.0)
    night.later(30)
    assert night.told() == []
    summary = night.desk.summary(night.at)
    assert (summary["undeliverable"], summary["failing"]) == (0, 0)
