"""Garbage is left alone for a while, and collected again whatever happens."""

import gc

import pytest

from ocsd.system.garbage import loaded, uncollected


@pytest.fixture(autouse=True)
def _as_in_a_new_process():
    """Other tests of this process may have changed it (those of the fork server do)."""
    was_enabled = gc.isenabled()
    gc.enable()
    yield
    if not was_enabled:
        gc.disable()


@pytest.mark.parametrize("leave_alone", [uncollected, loaded])
def test_garbage_is_collected_again_afterwards_even_if_something_fails(leave_alone):
    with leave_alone():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), leave_alone():
        raise ImportError
    assert gc.isenabled()
    gc.unfreeze()


def test_where_none_is_collected_that_stays():
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_loaded_is_never_searched():
    before = gc.get_freeze_count()
    with loaded():
        module = [[] for _ in range(100)]
    assert gc.get_freeze_count() >= before + len(module)
    gc.unfreeze()
