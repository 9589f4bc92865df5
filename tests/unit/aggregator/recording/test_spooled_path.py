"""Messages of a spool leave the same whether they are decoded or packed as they are."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.agent.spool.segment import packed, unpacked
from ocsd.aggregator.incoming.message import read_blocks
from ocsd.aggregator.incoming.packing import PackingLayout
from ocsd.aggregator.incoming.spooled import SpooledRun, Template
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.aggregator.recording import spooled_path
from ocsd.aggregator.recording.spooled_path import SpooledPath
from ocsd.journal.kinds import Kind
from ocsd.journal.origin import Origin
from tests.unit.aggregator.recording.test_batch import assert_alike, entries, pair, usual
from tests.unit.aggregator.rig import START, Recording

AGENT = "observatory.thermo1"


@pytest.fixture(autouse=True)
def short_messages(monkeypatch):
    monkeypatch.setattr(spooled_path, "LEAST_BYTES", 1)


@pytest.fixture
def two(tmp_path):
    """Two recordings with the same clock, for the same messages in both ways."""
    found = []
    for name in ("decoded", "packed"):
        recording = Recording(tmp_path / name, segment_bytes=20_000)
        recording.start()
        found.append(recording)
    return found


def run_of(pairs):
    info = {key: value for key, value in pairs[0][1].items() if key != "seq"}
    bodies = [packed(message) for message, _ in pairs]
    return SpooledRun(info, [info["seq"] for _, info in pairs], bodies)


def take(two, pairs):
    """Return how many messages were packed without decoding."""
    decoded, together = (recording.recorder for recording in two)
    for each in pairs:
        decoded.accept(*each)
    path, found = together._spooled, []
    accept = path.accept
    path.accept = lambda run: accept(run) and not found.append(len(run.numbers))
    key = SourceKey(pairs[0][1]["address"], pairs[0][1]["session_id"])
    assert together.record_spooled(AGENT, key, run_of(pairs)) == len(pairs)
    path.accept = accept
    return sum(found)


@pytest.mark.parametrize("samples", [1, 3, 40])
def test_messages_that_differ_in_their_numbers_are_not_decoded(two, samples):
    ways = [
        take(two, [usual(number, samples=samples) for number in range(begin, begin + 10)])
        for begin in range(0, 50, 10)
    ]
    assert ways == [0, 10, 10, 10, 10]
    assert_alike(two)


def test_whole_numbers_are_packed_as_the_type_that_the_field_has(two):
    for begin in range(0, 40, 10):
        numbers = range(begin, begin + 10)
        way = take(two, [usual(n, x=[n - 5, n], y=[n + 0.5, 1.0], samples=2) for n in numbers])
    assert way == 10
    # From now on x is a float, and may be whole all the same.
    take(two, [usual(40, x=[0.5, 1], y=[1.5, 2.5], samples=2)])
    for begin in range(41, 81, 10):
        numbers = range(begin, begin + 10)
        way = take(two, [usual(n, x=[n, n], y=[1.0, n + 0.5], samples=2) for n in numbers])
    assert way == 10
    assert_alike(two)


def test_blocks_in_turn_keep_the_order_of_their_messages(two):
    def message(number):
        name = "even" if number % 2 == 0 else "longer_odd"
        return pair(number, **{name: ([START + number], {"x": [number + 0.5]})})

    for begin in range(0, 40, 10):
        way = take(two, [message(number) for number in range(begin, begin + 10)])
    assert way == 10
    numbers = [number for number, *_ in entries(two[1])]
    assert numbers == sorted(numbers)
    assert_alike(two)


def test_odd_messages_among_them_leave_the_same(two):
    dice = random.Random(6)
    number, ways = 0, 0
    for _ in range(60):
        pairs = []
        for _ in range(dice.choice([1, 5, 30])):
            samples = dice.choice([2] * 60 + [1, 30])
            odd = [[1] * samples, [None] * samples, ["text"] * samples, [2**40] * samples,
                   [True] * samples, [1.0] * (samples + 1), [[]] * samples]  # fmt: skip
            column = dice.choice([[dice.random()] * samples] * 300 + odd)
            times = [START + number + i / samples for i in range(samples)]
            times = dice.choice([times] * 300 + [[float("nan")] * samples])
            data = dice.choice([{"x": column}] * 999 + [{"y": column, "x": column}])
            pairs.append(pair(number, b=(times, data)))
            number += dice.choice([1] * 200 + [2])
        ways += take(two, pairs)
        for recording in two:
            recording.clock.advance(1)
            recording.recorder.tick()
    assert ways > 50
    assert_alike(two)


def test_messages_that_are_recorded_elsewhere_or_already_are_not_taken_again(two):
    for _ in range(3):
        take(two, [usual(number) for number in range(10)])
    assert two[1].recorder.encoded()["messages"] == 10
    assert_alike(two)


def test_nothing_is_taken_packed_in_a_pause(two):
    for begin in (0, 10):
        take(two, [usual(number) for number in range(begin, begin + 10)])
    for recording in two:
        recording.recorder._pause.reason = "a test"
    assert take(two, [usual(number) for number in range(20, 30)]) == 0
    assert two[1].recorder.encoded()["missing"] == two[0].recorder.encoded()["missing"]


def test_a_long_run_is_taken_in_parts(two, monkeypatch):
    monkeypatch.setattr(spooled_path, "MOST_IN_BATCH", 7)
    take(two, [usual(number) for number in range(20)])
    assert take(two, [usual(number) for number in range(20, 60)]) == 40
    assert_alike(two)


_number = st.one_of(
    st.floats(), st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1), st.booleans()
)
_names = st.text("abcxyz_019", min_size=1, max_size=40)
_tags = st.none() | st.dictionaries(_names, st.floats(allow_nan=False))


@st.composite
def _blocks(draw):
    """Draw two blocks that are alike at first sight, in any order of their keys."""
    names = draw(st.lists(_names, min_size=1, max_size=4, unique=True))
    length = draw(st.integers(1, 4))
    column = st.lists(_number, min_size=length, max_size=length)
    floats = st.lists(st.floats(), min_size=length, max_size=length)
    found = []
    for _ in range(2):
        times = draw(st.lists(st.floats(0, 2e9), min_size=length, max_size=length))
        data = {name: draw(draw(st.sampled_from([floats, column]))) for name in names}
        parts = [("timestamps", times), ("data", data), ("block_name", "b")]
        found.append(parts)
    order = draw(st.permutations(range(3)))
    return [{"b": dict(parts[place] for place in order)} for parts in found]


@settings(max_examples=400, deadline=None)
@given(_blocks())
def test_packed_samples_are_those_of_the_decoded_message(messages):
    body, other = map(packed, messages)
    ((checked,), (checked_other,)) = (list(read_blocks(each, 0.0)) for each in messages)
    kinds = {
        name: Kind.INT if set(map(type, values)) == {int} else Kind.FLOAT
        for name, values in checked.columns.items()
    }
    layout = PackingLayout(Origin("a", "b", "c", True, 1.0, 1.0), "b", kinds)
    template = Template.of(body, layout)
    types = [list(map(type, each)) for each in checked.columns.values()]
    if any(len(set(each)) > 1 or bool in each for each in types):
        assert template is None
    if template is None:
        return
    contents, times = template.contents([body, body])
    assert contents == [layout.pack(checked)] * 2
    assert times.tolist() == [unpacked(body)["b"]["timestamps"]] * 2
    found = template.contents([body, other]) if len(body) == len(other) else None
    if [list(map(type, each)) for each in checked_other.columns.values()] != types:
        assert found is None
    if found is not None:
        assert found[0] == [layout.pack(checked), layout.pack(checked_other)]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_message_is_never_packed(garbage, place, value):
    message = {"b": {"block_name": "b", "timestamps": [1.5, 2.5], "data": {"x": [0.5, 1.5]}}}
    body = packed(message)
    layout = PackingLayout(Origin("a", "b", "c", True, 1.0, 1.0), "b", {"x": Kind.FLOAT})
    template = Template.of(body, layout)
    assert template is not None
    damaged = bytearray(body)
    damaged[place % len(body)] = value
    found = template.contents([bytes(damaged)])
    if found is not None:
        (checked,) = read_blocks(unpacked(bytes(damaged)), 0.0)
        assert (
            found[0][0][16:] == layout.pack(checked)[16:] if hasattr(checked, "columns") else True
        )
    assert spooled_path.block_name(garbage) is not None


def test_a_feed_whose_messages_all_have_other_sizes_is_seldom_learnt_from(two, monkeypatch):
    learnt = []
    of = Template.of
    monkeypatch.setattr(Template, "of", lambda body, layout: learnt.append(1) or of(body, layout))
    for number in range(spooled_path.RARELY):
        take(two, [usual(number, samples=number + 1)])
    assert len(learnt) == spooled_path.MOST_TEMPLATES
    assert_alike(two)


def test_a_defect_of_ours_lets_the_messages_be_decoded(two, monkeypatch):
    take(two, [usual(number) for number in range(10)])
    monkeypatch.setattr(SpooledPath, "_batch", lambda *_: 1 / 0)
    assert take(two, [usual(number) for number in range(10, 20)]) == 0
    assert_alike(two)
