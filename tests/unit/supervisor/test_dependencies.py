"""The order in which instances end, and circles in it."""

from ocsd.supervisor.dependencies import cycle, waves_of_end

AFTER = {"acq": ("daq", "thermo"), "daq": ("power",), "thermo": ("power",)}


def test_what_waits_in_a_circle_is_named_in_order():
    assert cycle(AFTER) == ()
    found = cycle({"a": ("b",), "b": ("c",), "c": ("a",)})
    assert found[0] == found[-1]
    assert set(found) == {"a", "b", "c"}


def test_an_instance_that_waits_for_itself_is_a_circle():
    assert cycle({"a": ("a",)}) == ("a", "a")


def test_all_end_in_the_reverse_order_and_otherwise_together():
    names = ("power", "daq", "thermo", "acq", "camera")
    assert waves_of_end(names, AFTER) == (("acq", "camera"), ("daq", "thermo"), ("power",))


def test_those_that_do_not_end_now_are_no_part_of_the_order():
    assert waves_of_end(("power", "acq"), AFTER) == (("power", "acq"),)
