"""The language of conditions: each form, and a clear answer to everything else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.alarms.conditions import (
    AlarmRule,
    Bound,
    Comparison,
    DiskCondition,
    OperationCondition,
    RateCondition,
    RecorderCondition,
    SilenceCondition,
    StateCondition,
    ValueCondition,
)
from ocsd.alarms.parsing import (
    DISK_USES,
    FORMS,
    OPERATION_WORDS,
    RECORDER_WORDS,
    STATE_WORDS,
    ConditionError,
    parse,
)
from ocsd.supervisor.health import Health
from ocsd.supervisor.states import State

FIELD = "fake-data1.false_temperatures.channel_00"
ABOVE, BELOW = Comparison.ABOVE, Comparison.BELOW


@pytest.mark.parametrize(
    ("text", "condition", "for_s"),
    [
        (f"{FIELD} > 5 for 30s", ValueCondition(FIELD, Bound(ABOVE, 5.0)), 30),
        (f"{FIELD}>-5e-3", ValueCondition(FIELD, Bound(ABOVE, -0.005)), 0),
        (
            f"{FIELD} < 5 until >= 5.5 for 2 min",
            ValueCondition(FIELD, Bound(BELOW, 5.0), Bound(Comparison.AT_LEAST, 5.5)),
            120,
        ),
        (f"{FIELD} != 0", ValueCondition(FIELD, Bound(Comparison.OTHER, 0.0)), 0),
        (f"rate of {FIELD} > 2 per min", RateCondition(FIELD, Bound(ABOVE, 2.0), "min"), 0),
        (
            f"rate of {FIELD} < -2 per h over 10min for 5s",
            RateCondition(FIELD, Bound(BELOW, -2.0), "h", 600.0),
            5,
        ),
        ("thermo1.temps silent for 1h", SilenceCondition("thermo1.temps"), 3600),
        ("thermo1 silent for 60s", SilenceCondition("thermo1"), 60),
        ("thermo1 failed", StateCondition("thermo1", "failed"), 0),
        ("router not up for 30s", StateCondition("router", "up", negated=True), 30),
        ("acq of thermo1 stopped", OperationCondition("acq", "thermo1", "stopped"), 0),
        (
            "acq of thermo1 not running for 1d",
            OperationCondition("acq", "thermo1", "running", negated=True),
            86400,
        ),
        ("recorder not recording", RecorderCondition("recording", negated=True), 0),
        ("disk data free < 5%", DiskCondition("data", "free", Bound(BELOW, 5.0)), 0),
        ("disk logs full in < 2d", DiskCondition("logs", "full in", Bound(BELOW, 172800.0)), 0),
    ],
)
def test_each_form_is_read(text, condition, for_s):
    assert parse(text) == AlarmRule(condition, for_s)
    assert parse(str(parse(text))) == AlarmRule(condition, for_s)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the condition is empty; write one of\nFIELD > 5"),
        ("x" * 1001, "has 1001 characters"),
        ("a.b > 5", "'a.b' is no field; write INSTANCE.FEED.FIELD"),
        ("a.b.c.d > 5", "'a.b.c.d' is no name of the form INSTANCE or"),
        (f"{FIELD} > warm", "'warm' after"),
        (f"{FIELD} > 1e999", "is no number"),
        (f"{FIELD} > 5 6", "'> 5 6' after"),
        (f"{FIELD} > 5 for soon", "'soon' after 'for' is no time; write e.g. 30s"),
        (f"{FIELD} > 5 for 0s", "'0s' after 'for' is no time"),
        (f"{FIELD} > 5 for", "'' after 'for' is no time"),
        (f"{FIELD} > 5 until > 4", "does not end '> 5.0'; write it the other way round"),
        (f"{FIELD} == 5 until < 4", "does not end '== 5.0'"),
        (f"{FIELD} > 5 until < 6", "would end the alarm while '> 5.0' still holds"),
        (f"{FIELD} >= 5 until <= 5", "on the other side of 5"),
        (f"{FIELD} < 5 until > 4", "still holds"),
        (f"{FIELD} > 5 until", "'' after 'until' is no comparison"),
        (f"rate {FIELD} > 5", "is no rate of change; write e.g. rate of"),
        (f"rate of {FIELD} > 5", "is no rate of change"),
        (f"rate of {FIELD} > 5 per minute", "'per minute' is no time; did you mean 'min'?"),
        (f"rate of {FIELD} > 5 per s during 5s", "'during 5s' is not understood"),
        ("thermo1 is silent for 5s", "write FEED silent for 60s"),
        ("thermo1.temps silent", "say for how long, e.g. thermo1.temps silent for 60s"),
        ("thermo1 runing", "thermo1 cannot be 'runing'"),
        ("thermo1", "thermo1 cannot be ''"),
        ("thermo1 fialed", "did you mean 'failed'?"),
        ("acq of", "'' is no name of the form INSTANCE"),
        ("acq of thermo1 runing", "acq of thermo1 cannot be 'runing'; did you mean 'running'?"),
        ("recorder dead", "recorder cannot be 'dead'; it has recording, losing, stale"),
        ("disk dta free < 5%", "did you mean 'data'?"),
        ("disk data free < 500%", "'500%' of a disk cannot be free; write 0% to 100%"),
        ("disk data free < -5%", "'-5%' of a disk cannot be free"),
        ("disk data free < 5", "write disk data free < 5%, or disk data full in < 2d"),
        ("disk data full in < 5%", "'5%' after 'full in' is no time"),
    ],
)
def test_a_wrong_condition_gets_a_clear_answer(text, words):
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert words in str(caught.value)


def test_the_words_are_those_of_the_status():
    assert set(STATE_WORDS) == {*map(str, State), *map(str, Health)}


@pytest.mark.parametrize("form", FORMS.splitlines())
def test_every_form_of_the_list_is_one(form):
    text = form.replace("[", "").replace("]", "").replace("FIELD", "a.b.c")
    parse(text.replace("FEED", "a.b").replace("INSTANCE", "thermo1").replace("OPERATION", "acq"))


names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,8}", fullmatch=True)
others = names.filter(lambda name: name not in {"rate", "recorder", "disk", "for"})
numbers = st.floats(allow_nan=False, allow_infinity=False)
times = st.floats(1e-6, 1e9)
bounds = st.builds(Bound, st.sampled_from(Comparison), numbers)
percents = st.builds(Bound, st.sampled_from(Comparison), st.floats(0, 100))
fields = st.builds("{}.{}.{}".format, others, names, names)
until = st.builds(
    lambda field, low, high: ValueCondition(field, Bound(ABOVE, high), Bound(BELOW, low)),
    fields,
    st.floats(-1e9, 0),
    st.floats(0, 1e9),
)
conditions = st.one_of(
    st.builds(ValueCondition, fields, bounds),
    until,
    st.builds(RateCondition, fields, bounds, st.sampled_from(["s", "min", "h", "d"]), times),
    st.builds(StateCondition, others, st.sampled_from(STATE_WORDS), st.booleans()),
    st.builds(OperationCondition, others, names, st.sampled_from(OPERATION_WORDS), st.booleans()),
    st.builds(RecorderCondition, st.sampled_from(RECORDER_WORDS), st.booleans()),
    st.builds(DiskCondition, st.sampled_from(DISK_USES), st.just("free"), percents),
    st.builds(
        DiskCondition,
        st.sampled_from(DISK_USES),
        st.just("full in"),
        st.builds(Bound, st.sampled_from(Comparison), times),
    ),
)
rules = st.builds(AlarmRule, conditions, st.just(0.0) | times) | st.builds(
    AlarmRule, st.builds(SilenceCondition, others), times
)


@settings(max_examples=200)
@given(rules)
def test_what_is_written_is_read_again(rule):
    assert parse(str(rule)) == rule


WORDS = (
    *("a.b.c", "thermo1", ">", "<", ">=", "5", "5%", "for", "until", "rate", "of", "per", "min"),
    *("over", "silent", "not", "up", "disk", "data", "free", "full", "in", "recorder"),
    *("recording", "30s", ".", "%", "-"),
)


@settings(max_examples=200)
@given(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join) | st.text(max_size=30))
def test_whatever_is_written_is_read_or_refused(text):
    try:
        rule = parse(text)
    except ConditionError:
        return
    assert parse(str(rule)) == rule
