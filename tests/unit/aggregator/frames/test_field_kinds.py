"""The types in which fields are written, without files."""

import json

import pytest

from ocsd.aggregator.frames import field_kinds
from ocsd.aggregator.frames.field_kinds import FieldKinds
from ocsd.journal.kinds import Kind

FEED = "observatory.scale.feeds.weight"


def wrote(kinds, *types, feed=FEED):
    return [(c.before, c.after) for kind in types for c in kinds.wrote(feed, {"x": Kind(kind)})]


@pytest.mark.parametrize(
    ("types", "changes"),
    [
        (["float", "int", "bool"], []),
        (["int", "bool", "int"], []),
        (["int", "float", "int", "float"], [("int", "float")]),
        (["bool", "int", "float"], [("bool", "int"), ("int", "float")]),
        (["bool", "float"], [("bool", "float")]),
        (["int", "str", "int", "str"], [("int", "str")]),
        (["str", "float", "str"], [("str", "float")]),
    ],
)
def test_a_change_is_told_once_if_readers_misread_it(types, changes):
    assert wrote(FieldKinds(), *types) == changes


def test_numbers_are_written_in_the_widest_type_that_was_ever_seen():
    kinds = FieldKinds()
    kinds.wrote(FEED, {"x": Kind.INT, "y": Kind.BOOL})
    kinds.expect(FEED, {"x": Kind.FLOAT})
    wide = kinds.widest(FEED, {"x": Kind.BOOL, "y": Kind.BOOL, "z": Kind.INT})
    assert wide == {"x": Kind.FLOAT, "y": Kind.BOOL, "z": Kind.INT}
    assert kinds.widest(FEED, {"x": Kind.TEXT}) == {"x": Kind.TEXT}
    assert kinds.widest("observatory.other.feeds.weight", {"x": Kind.BOOL}) == {"x": Kind.BOOL}


def test_types_survive_a_trip_through_json():
    kinds = FieldKinds()
    wrote(kinds, "int", "float", "str")
    stored = json.loads(json.dumps(kinds.to_json()))
    assert stored == {FEED: {"x": ["float", "str"]}}
    again = FieldKinds.from_json(stored)
    assert again.widest(FEED, {"x": Kind.INT}) == {"x": Kind.FLOAT}
    assert wrote(again, "int", "str", "float") == []


def test_memory_is_bounded_and_the_feed_written_last_is_kept(monkeypatch):
    monkeypatch.setattr(field_kinds, "MOST_FIELDS", 20)
    kinds = FieldKinds()
    for number in range(100):
        wrote(kinds, "float", feed=f"feed{number}")
        wrote(kinds, "float")
    assert len(kinds.to_json()) == 20
    assert kinds.widest(FEED, {"x": Kind.INT}) == {"x": Kind.FLOAT}
    assert kinds.widest("feed1", {"x": Kind.INT}) == {"x": Kind.INT}


def test_a_change_says_what_readers_get():
    kinds = FieldKinds()
    kinds.wrote(FEED, {"x": Kind.INT})
    (change,) = kinds.wrote(FEED, {"x": Kind.FLOAT})
    assert change.field == f"{FEED}.x"
    assert str(change) == (
        "was int and is float now: over both, so3g.hk.load_range converts all values to int"
    )
