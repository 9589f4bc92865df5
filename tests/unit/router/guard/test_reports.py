"""The guard's reports: refusals, and who still joins without a login."""

from ocsd.access.rules import Party
from ocsd.audit.entry import AuditKind
from ocsd.audit.notes import Notes
from ocsd.router.guard import census, refusal_log
from ocsd.router.guard.census import Census
from ocsd.router.guard.refusal_log import RefusalLog

OTTO = Party("otto", "operator")


class Clock:
    now_at = 1000.0

    def __call__(self):
        return self.now_at


def test_a_refusal_is_a_line_once_a_minute_and_counted(monkeypatch):
    lines, clock = [], Clock()
    notes = Notes(AuditKind.ROUTER, deliver=lambda **_: None)
    log = RefusalLog(clock, lines.append, notes)
    for _ in range(4):
        log.told(OTTO, "10.0.0.9", "call", "no\nrights")
    assert lines == ["refused otto from 10.0.0.9: no rights"]
    log.flush()
    clock.now_at += 61
    log.flush()
    assert lines[1:] == ["refused otto from 10.0.0.9 3 times more: no rights"]
    monkeypatch.setattr(refusal_log, "MOST_REPORTS", 2)
    for number in range(5):
        log.told(Party("", ""), f"10.0.0.{number}", "join", "unknown")
    assert len(lines) == 4
    clock.now_at += 61
    log.flush()
    assert lines[-1] == "3 more refusals of other kinds in 60 s"


def test_long_texts_of_strangers_fill_no_memory():
    sent = []

    def deliver(**words):
        sent.append(words)

    log = RefusalLog(Clock(), lambda _: None, Notes(AuditKind.ROUTER, deliver=deliver))
    long = "x" * 2**20
    log.not_proven(long, "10.0.0.9", "join", long)
    log.told(OTTO, "10.0.0.9", "call", long, long)
    log.asked(OTTO, "10.0.0.9", long, long, long)
    assert len(str(log._counts)) < 5000
    log.flush()
    assert sent
    assert len(str(sent)) < 10_000


def test_who_joins_without_a_login_is_counted_by_name(tmp_path, monkeypatch):
    clock = Clock()
    count = Census(tmp_path, clock)
    count.write()
    assert not list(tmp_path.iterdir())
    count.joined("ocs-client (simon@grumpy)", "10.0.0.9")
    count.registered("lab", "lab.thermo", "10.0.0.8")
    count.registered("lab", "lab.thermo.ops", "10.0.0.8")
    count.registered("lab", "lab.local", "unix:simon")
    count.registered("lab", "lab.thermo", "10.0.0.8")
    count.write()
    found = census.read(tmp_path / census.CENSUS_FILE)
    assert {name: each["count"] for name, each in found.items()} == {
        "ocs-client (simon@grumpy)": 1,
        "agent thermo": 2,
    }
    monkeypatch.setattr(census, "MOST_COUNTED", 2)
    again = Census(tmp_path, clock)
    again.joined("third", "10.0.0.7")
    again.joined("agent thermo", "10.0.0.8")
    again.write()
    assert census.read(tmp_path / census.CENSUS_FILE)["agent thermo"]["count"] == 3
