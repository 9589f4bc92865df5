"""The last messages of all feeds take a bounded part of the memory."""

from ocsd.journal.format import Message
from ocsd.journal.kinds import Kind
from ocsd.web.live import recent
from ocsd.web.live.recent import RecentBlocks
from tests.unit.journal.written import chunk, layout


def test_the_values_of_ever_new_fields_are_bounded_over_all_blocks(monkeypatch):
    monkeypatch.setattr(recent, "MOST_FORMER_IN_ALL", 100)
    blocks = RecentBlocks(kept_s=10.0)
    for number in range(60):
        fields = {f"x{number}_{field}": Kind.FLOAT for field in range(5)}
        of = layout(fields, address=f"observatory.a{number % 7}.feeds.f")
        blocks.add(Message(number, float(number), [chunk(of, [1.0] * 5, times=[float(number)])]))
        former = [track.newest.former for track in blocks.tracks()]
        assert sum(former) <= 100
        newest = {value.field for track in blocks.tracks() for value in track.newest.values()}
        assert f"observatory.a{number % 7}.feeds.f.x{number}_0" in newest
    assert sum(former) > 50
