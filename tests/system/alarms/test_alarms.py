"""Alarms on a real site: from the sample to people, over kill -9 of daemon and evaluator."""

import json
import os
import signal
from pathlib import Path

import pytest

from ocsd.errors import NoSuchAlarmError, OcsdError
from ocsd.evaluator.pages import GATHER_S
from ocsd.history.file import read_history
from tests.system.alarms.receiver import Receiver
from tests.system.conftest import a_site
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system

PLUGINS = Path(__file__).parent / "plugins"
BRIGHT = {"when": "lamp.light.level > 5 until < 4", "severity": "critical", "text": "too bright"}
RULES = {
    "bright": {**BRIGHT, "tell": ["hook", "dead", "hung"], "remind": "60s"},
    "dark": {"when": "lamp silent for 8s", "tell": "hook"},
    "typo": {"when": "lamp.light.levl > 5", "tell": "hook"},
}


class Lab:
    """A site with a lamp, and alarms about it."""

    def __init__(self, site):
        self.site = site
        self.lamp = site.folder / "lamp"
        self.told = site.folder / "told.jsonl"
        self.hung, self.beats = Receiver(), Receiver()
        self.hung.hangs = True
        self.dead_port = free_port()
        self.lamp.write_text("1")
        site.extra_environment["LAMP_FILE"] = str(self.lamp)
        self.write(RULES)

    def write(self, rules):
        hook = ["sh", "-c", f"cat >> {self.told}"]
        beat = {"url": f"http://127.0.0.1:{self.beats.port}/beat", "every": "10s"}
        alarms = {
            "rules": rules,
            "receivers": {
                "hook": {"command": hook},
                "dead": {"webhook": {"url": f"http://127.0.0.1:{self.dead_port}/dead"}},
                "hung": {"webhook": {"url": f"http://127.0.0.1:{self.hung.port}/hung"}},
            },
            "heartbeats": {"watchdog": beat},
        }
        lamp = {"agent-class": "Lamp", "instance-id": "lamp"}
        self.site.write(lamp, alarms=alarms, **{"agent-paths": [str(PLUGINS)]})

    def alarms(self):
        return self.ask("/v1/alarms")

    def alarm(self, name):
        [row] = [row for row in self.alarms()["alarms"] if row["name"] == name]
        return row

    def state(self, name):
        return self.alarm(name)["state"]

    def ask(self, target, body=None):
        """Return the answer of the control API."""
        with self.site.daemon()._answer(target, body, 10.0) as answer:
            return json.loads(answer.read())

    def alarm_file(self):
        """Return what the evaluator has kept."""
        file = Path(self.site.environment["STATE_DIRECTORY"]) / "lab" / "alarms.json"
        return json.loads(file.read_text())

    def messages(self, kind=None, alarm="bright"):
        """Return what the hook got about an alarm."""
        if not self.told.exists():
            return []
        rows = [json.loads(line) for line in self.told.read_text().splitlines()]
        rows = [row for row in rows if row["alarm"] == alarm]
        return [row for row in rows if kind in {None, row["kind"]}]

    def history(self):
        file = Path(self.site.environment["STATE_DIRECTORY"]) / "lab" / "journal.jsonl"
        return [each for each in read_history(file) if each.event.startswith("alarm-")]


@pytest.fixture(scope="module")
def lab(kept_router):
    if not kept_router.answers():
        kept_router.start()
    with a_site(kept_router.port) as site:
        lab = Lab(site)
        site.bring_up()
        wait_until(lambda: lab.state("bright") == "clear", "samples of the lamp")
        wait_until(lambda: lab.state("dark") == "clear", "the lamp to be heard")
        yield lab
    lab.hung.close()
    lab.beats.close()


def test_a_whole_life(lab):
    """It is raised in time, told once over kill -9 of both, acknowledged, and cleared."""
    lab.lamp.write_text("9")
    raised = wait_until(lambda: lab.messages("raised"), "the message")
    [message] = raised
    late_s = message["at"] - GATHER_S - message["since_at"]
    assert 0 <= late_s <= 2.0
    assert (message["host"], message["alarm"], message["severity"]) == ("lab", "bright", "critical")
    assert (message["text"], message["value"]) == ("too bright", 9.0)
    assert lab.alarm("bright")["told"] == ["hook", "dead", "hung"]

    os.kill(lab.site.instance("alarms")["pid"], signal.SIGKILL)
    os.kill(lab.site.status()["pid"], signal.SIGKILL)
    before = lab.alarm_file()["number"]
    lab.site.bring_up()
    wait_until(lambda: lab.alarms()["evaluator"] == "running", "the evaluator")
    wait_until(lambda: lab.alarm_file()["number"] > before, "the evaluator to have kept something")
    assert lab.state("bright") == "raised"
    assert lab.messages("raised") == raised

    lab.ask("/v1/alarms/ack", {"name": "bright", "comment": "on my way", "by": "vera"})
    row = lab.alarm("bright")
    assert (row["state"], row["acknowledged_by"]) == ("raised", "vera")
    lab.lamp.write_text("4.5")
    lab.lamp.write_text("1")
    wait_until(lambda: lab.messages("cleared"), "the end")
    assert lab.state("bright") == "clear"
    wait_until(lambda: "alarm-cleared" in {each.event for each in lab.history()}, "the history")
    told = [(each.event, each.name, each.by) for each in lab.history() if "bright" in each.reason]
    assert [each for each in told if each[0] != "alarm-undeliverable"] == [
        ("alarm-raised", "alarms", ""),
        ("alarm-acknowledged", "alarms", "vera"),
        ("alarm-cleared", "alarms", ""),
    ]
    assert [each["kind"] for each in lab.messages()] == ["raised", "cleared"]


def test_receivers_that_hang_or_are_away_hold_up_nobody(lab):
    """A dead webhook gets its message when it is back, once."""
    lab.told.unlink(missing_ok=True)
    lab.lamp.write_text("7")
    wait_until(lambda: lab.messages("raised"), "the message of the hook")

    def delivery(receiver):
        rows = [row for row in lab.alarms()["deliveries"] if row["receiver"] == receiver]
        return rows[-1]

    failing = wait_until(lambda: delivery("dead")["reason"], "the failure of the webhook")
    assert f"127.0.0.1:{lab.dead_port}" in failing
    assert "refused" in failing
    hung = [row["state"] for row in lab.alarms()["deliveries"] if row["receiver"] == "hung"]
    assert "under way" in hung
    assert lab.hung.messages[-1]["text"].startswith("[lab] CRITICAL")
    summary = lab.site.status()["alarms"]
    assert (summary["raised"], summary["worst"], summary["evaluator"]) == (1, "critical", "running")
    wait_until(lambda: lab.site.status()["alarms"]["failing"] >= 1, "the status to tell it")

    back = Receiver(lab.dead_port)
    wait_until(lambda: delivery("dead")["state"] == "delivered", "the message of the webhook")
    lab.lamp.write_text("1")
    wait_until(lambda: len(back.messages) == 3, "the end")
    wait_until(lambda: delivery("dead")["state"] == "delivered", "the evaluator to know")
    raised, over = "[lab] CRITICAL: bright: too bright", "[lab] over: bright: too bright"
    # The first one is the end of the incident before, which has replaced its beginning.
    assert [each["text"] for each in back.messages] == [over, raised, over]
    assert back.messages[-1]["attachments"][0]["text"].startswith("bright (critical): too bright")
    back.close()


def test_a_silence_outlives_the_evaluator_and_a_reload_of_other_rules(lab):
    lab.told.unlink(missing_ok=True)
    lab.lamp.write_text("")
    wait_until(lambda: lab.messages("raised", "dark"), "the feed to be silent")
    raised_at = lab.alarm("dark")["raised_at"]
    os.kill(lab.site.instance("alarms")["pid"], signal.SIGKILL)
    lab.write({**RULES, "bright": {**BRIGHT, "text": "far too bright"}})
    assert lab.site.ocsd("reload").returncode == 0
    wait_until(lambda: lab.alarms()["evaluator"] == "running", "the evaluator")
    wait_until(lambda: lab.alarm("bright")["text"] == "far too bright", "the new text")
    assert lab.alarm("dark")["raised_at"] == raised_at
    assert lab.alarm("typo")["state"] == "unseen"
    lab.ask("/v1/alarms/silence", {"name": "dark", "for_s": 600, "by": "vera"})
    assert lab.alarm("dark")["silenced_by"] == "vera"
    lab.lamp.write_text("1")
    wait_until(lambda: lab.state("dark") == "clear", "the lamp to be heard")
    lab.ask("/v1/alarms/unsilence", {"name": "dark", "by": "vera"})
    assert [each["kind"] for each in lab.messages("raised", "dark")] == ["raised"]


def test_requests_without_an_evaluator_get_a_clear_answer(lab):
    assert lab.site.ocsd("down", "alarms").returncode == 0
    told = lab.alarms()
    assert told["evaluator"].startswith("down; see ocsd status")
    assert {row["name"]: row["state"] for row in told["alarms"]}["bright"] == "clear"
    with pytest.raises(OcsdError, match="alarms/ack of 'bright' is not known to be done: down"):
        lab.ask("/v1/alarms/ack", {"name": "bright"})
    assert lab.site.ocsd("up", "alarms").returncode == 0
    with pytest.raises(OcsdError, match="no alarm 'brigth'; did you mean 'bright'") as refused:
        lab.ask("/v1/alarms/ack", {"name": "brigth"})
    assert refused.value.exit_code == NoSuchAlarmError.exit_code
    with pytest.raises(OcsdError, match="only a raised alarm can be acknowledged"):
        lab.ask("/v1/alarms/ack", {"name": "bright"})
    with pytest.raises(OcsdError, match="only the process that evaluates alarms"):
        lab.ask("/v1/alarms/record", {"entries": []})


def test_a_test_is_delivered_and_shown_as_one(lab):
    told = lab.ask("/v1/alarms/test", {"receiver": "hook"})
    rows = wait_until(lambda: lab.messages("test", ""), "the test")
    assert (rows[-1]["key"], rows[-1]["title"]) == (told["key"], "[lab] test")
    assert "nothing has happened" in rows[-1]["message"]


def test_heartbeats_come_while_all_is_well(lab):
    wait_until(lambda: lab.beats.got, "a heartbeat")
    assert lab.alarms()["unwell"] == ""
    assert lab.alarms()["heartbeats"]["watchdog"]["failure"] == ""
