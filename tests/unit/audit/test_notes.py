"""What other processes report: floods, a daemon that is away, and words that are no entries."""

from dataclasses import dataclass, field

from ocsd.audit.entry import AuditEntry, AuditKind, AuditOutcome
from ocsd.audit.notes import (
    AUDIT_KEY,
    LARGEST_DATAGRAM_BYTES,
    MOST_NOTES,
    Notes,
    decode_entries,
    encode_entries,
)
from ocsd.audit.repeats import MOST_DIFFERENT, Repeats
from ocsd.system.notify import Delivery


def refused(person: str = "mallory", reason: str = "the password does not fit") -> AuditEntry:
    return AuditEntry(
        1.0, AuditKind.LOGIN, "login", AuditOutcome.REFUSED, person=person, reason=reason
    )


def test_a_flood_is_two_entries() -> None:
    repeats = Repeats()
    written = [each for n in range(1000) for each in repeats.take(refused(), n / 1000)]
    written += repeats.due(10.5)
    assert [each.times for each in written] == [1, 999]


def test_a_flood_of_different_names_is_bounded() -> None:
    repeats = Repeats()
    written = [e for n in range(1000) for e in repeats.take(refused(f"user{n}"), n / 1000)]
    written += repeats.due(20.0)
    assert len(written) == MOST_DIFFERENT + 2
    assert sum(each.times for each in written) == 1000


def test_a_flood_that_was_counted_before_keeps_its_number() -> None:
    repeats = Repeats()
    written = []
    for n in range(MOST_DIFFERENT + 10):
        written += repeats.take(refused(f"user{n}")._replace(times=7), 0.0)
    written += repeats.due(20.0)
    assert sum(each.times for each in written) == 7 * (MOST_DIFFERENT + 10)


def test_what_is_done_is_never_counted_together() -> None:
    repeats = Repeats()
    done = AuditEntry(1.0, AuditKind.OPERATION, "start")
    assert [repeats.take(done, 0.0) for _ in range(3)] == [[done]] * 3


@dataclass
class Daemon:
    answer: Delivery = Delivery.DONE
    texts: list[str] = field(default_factory=list)

    def take(self, **fields: str | int) -> Delivery:
        if self.answer is Delivery.DONE:
            self.texts.append(str(fields[AUDIT_KEY]))
        return self.answer

    @property
    def entries(self) -> list[AuditEntry]:
        return [entry for text in self.texts for entry in decode_entries(text)]


def test_entries_wait_while_the_daemon_is_away() -> None:
    daemon = Daemon(Delivery.NOBODY)
    notes = Notes(AuditKind.LOGIN, daemon.take, wall_clock=lambda: 5.0, clock=lambda: 0.0)
    notes.add("login", person="vera")
    notes.send()
    assert daemon.texts == []
    daemon.answer = Delivery.DONE
    notes.send()
    assert daemon.entries == [AuditEntry(5.0, "login", "login", person="vera")]
    notes.send()
    assert len(daemon.texts) == 1


def test_entries_that_nobody_took_are_counted() -> None:
    daemon = Daemon(Delivery.NOBODY)
    notes = Notes(AuditKind.LOGIN, daemon.take, wall_clock=lambda: 5.0, clock=lambda: 0.0)
    for n in range(MOST_NOTES + 7):
        notes.add("login", person=f"user{n}", says="x" * 200)
    daemon.answer = Delivery.DONE
    notes.send()
    assert "7 entries" in daemon.entries[0].reason
    assert len(daemon.entries) == MOST_NOTES + 1
    assert max(map(len, daemon.texts)) < 2**16


def test_words_of_a_stranger_that_fit_into_no_datagram_hold_up_nothing() -> None:
    daemon = Daemon()
    notes = Notes(AuditKind.ROUTER, daemon.take, wall_clock=lambda: 5.0, clock=lambda: 0.0)
    notes.add("call", AuditOutcome.REFUSED, target="\0x" * 1_000_000, reason="no such address")
    notes.send()
    assert len(daemon.texts[0]) < LARGEST_DATAGRAM_BYTES
    assert daemon.entries[0].action == "call"


def test_words_that_are_no_entries_are_left_out() -> None:
    good = AuditEntry(1.0, "login", "login", says="a\nb")
    text = encode_entries((good,))[:-1] + ',{"at": "x"},7,{"at":NaN,"kind":"k","action":"a"}]'
    assert decode_entries(text) == [good._replace(says="a b")]
    assert decode_entries("[[[[") == decode_entries("{}") == []
    assert decode_entries("[" * 100_000) == []
