"""The alarms of a host as people and programs see them."""

from ocsd.alarms import view
from ocsd.alarms.board import AlarmBoard, AlarmEntry
from ocsd.alarms.incident import Severity
from ocsd.alarms.outbox import AlarmMessage, MessageState
from ocsd.alarms.parsing import parse

WARM = AlarmEntry("warm", parse("t.f.x > 5"), Severity.CRITICAL, tell=("log",), written="t.f.x>5")
COLD = AlarmEntry("cold", parse("t.f.x < 0"), text="cold")
FIELD = "t.f.x"


def test_an_alarm_is_unseen_then_clear_then_raised_with_those_who_were_told():
    board = AlarmBoard((WARM, COLD), 0.0)
    warm, cold = view.alarm_rows(board, {})
    assert (warm["state"], warm["text"], warm["when"]) == ("unseen", "t.f.x>5", "t.f.x>5")
    assert (cold["text"], cold["when"]) == ("cold", "t.f.x < 0.0")
    board.sampled(FIELD, [1.0, 2.0], [1.0, 6.0])
    warm, cold = view.alarm_rows(board, {1: ("log",)})
    assert (warm["state"], warm["incident"], warm["told"]) == ("raised", 1, ["log"])
    assert (warm["since"], warm["at"], warm["value"]) == (2.0, 2.0, 6.0)
    assert (cold["state"], cold["incident"], cold["told"]) == ("clear", None, [])
    [incident] = view.incident_rows(board.incidents.open, {1: ("log",)})
    assert (incident["severity"], incident["raised"], incident["told"]) == (
        "critical",
        ["warm"],
        ["log"],
    )


def test_the_summary_counts_and_has_the_worst_that_is_not_silenced():
    board = AlarmBoard((WARM, COLD), 0.0)
    nothing = view.summary(board, (), 0.0)
    assert (nothing["unseen"], nothing["worst"], nothing["since"]) == (2, None, None)
    board.sampled(FIELD, [1.0], [6.0])
    board.acknowledge("warm", "vera", 2.0)
    told = view.summary(board, (), 3.0)
    assert (told["raised"], told["acknowledged"], told["worst"]) == (1, 1, "critical")
    assert told["since"] == 1.0
    board.silence("warm", "vera", 50.0, 4.0)
    told = view.summary(board, (), 5.0)
    assert (told["raised"], told["silenced"], told["worst"]) == (1, 1, None)


def test_what_waits_is_neither_known_nor_silenced_nor_for_information():
    note = AlarmEntry("note", parse(f"{FIELD} > 5"), Severity.INFO)
    other = AlarmEntry("other", parse(f"{FIELD} > 5"))
    board = AlarmBoard((WARM, other, note), 0.0)
    board.sampled(FIELD, [1.0], [6.0])
    assert view.summary(board, (), 2.0)["waiting"] == 2
    board.acknowledge("warm", "vera", 2.0)
    board.silence("other", "vera", 50.0, 2.0)
    assert view.summary(board, (), 3.0)["waiting"] == 0


def test_the_time_in_the_summary_is_that_of_the_worst():
    mild = AlarmEntry("mild", parse("t.f.x > 4"), Severity.WARNING)
    board = AlarmBoard((mild, WARM), 0.0)
    board.sampled(FIELD, [1.0, 20.0], [4.5, 6.0])
    told = view.summary(board, (), 21.0)
    assert (told["worst"], told["since"]) == ("critical", 20.0)
    board.silence("warm", "vera", 50.0, 22.0)
    told = view.summary(board, (), 23.0)
    assert (told["worst"], told["since"]) == ("warning", 1.0)


def test_messages_that_fail_count_and_old_ones_do_not():
    waiting = AlarmMessage("1", "log", {"kind": "raised"}, 0.0)
    failing = waiting.begun().failed("away", 5.0)
    over = AlarmMessage("2", "log", {}, 0.0, MessageState.UNDELIVERABLE, reason="away")
    rows = [
        view.delivery_row(waiting, 0.0),
        view.delivery_row(failing, 0.0),
        view.delivery_row(over, 0.0),
        view.delivery_row(waiting.delivered(), 0.0),
    ]
    told = view.summary(AlarmBoard((), 0.0), rows, 10.0)
    assert (told["failing"], told["undeliverable"]) == (1, 1)
    assert view.summary(AlarmBoard((), 0.0), rows, view.GIVEN_UP_SHOWN_S)["undeliverable"] == 0
