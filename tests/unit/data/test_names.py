"""Fields as people write them."""

import pytest

from ocsd.data.names import choose
from ocsd.errors import NoDataError, UsageError

KNOWN = [
    "observatory.fake-data1.feeds.false_temperatures.channel_00",
    "observatory.fake-data1.feeds.false_temperatures.channel_01",
    "observatory.thermo1.feeds.temps.channel_00",
    "observatory.thermo1.feeds.temps.pressure",
]


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ([KNOWN[0]], [0]),
        (["pressure"], [3]),
        (["temps.pressure"], [3]),
        (["thermo1.feeds.temps.channel_00"], [2]),
        (["observatory.thermo1.*"], [2, 3]),
        (["thermo1.*"], [2, 3]),
        (["thermo1"], [2, 3]),
        (["observatory.thermo1"], [2, 3]),
        (["fake-data1.feeds.false_temperatures"], [0, 1]),
        (["*.channel_00"], [0, 2]),
        (["channel_0[12]"], [1]),
        (["pressure", "*.channel_0?", "pressure"], [3, 0, 1, 2]),
    ],
)
def test_names_patterns_and_endings(wanted, meant):
    assert choose(wanted, KNOWN) == [KNOWN[number] for number in meant]


def test_an_ending_of_several_names_is_refused_with_their_names():
    with pytest.raises(UsageError, match=r"2 names .*fake-data1.*, observatory.thermo1") as caught:
        choose(["channel_00"], KNOWN)
    assert "'*.channel_00' for all" in str(caught.value)


def test_a_part_of_the_names_of_several_instances_is_refused():
    with pytest.raises(UsageError, match="'feeds' is a part of 4 names") as caught:
        choose(["feeds"], KNOWN)
    assert "'*.feeds.*' for all" in str(caught.value)


def test_part_of_a_word_is_no_ending():
    with pytest.raises(NoDataError, match="did you mean 'pressure'"):
        choose(["ressure"], KNOWN)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("presure", "did you mean 'pressure'"),
        ("temps.presure", "did you mean 'temps.pressure'"),
        ("*.humidity*", "`ocsd data ls` lists"),
        ("ermo1", "`ocsd data ls` lists"),
    ],
)
def test_a_name_of_nothing_is_refused_with_the_nearest(wrong, hint):
    with pytest.raises(NoDataError, match=hint):
        choose([wrong], KNOWN)


def test_that_only_some_times_were_looked_at_is_told():
    with pytest.raises(NoDataError, match="no data of 'pressure' of that time"):
        choose(["pressure"], [], " of that time")
