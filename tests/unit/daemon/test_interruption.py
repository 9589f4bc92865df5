"""An interruption of the start at a place where Python cannot raise it."""

import sys
from types import SimpleNamespace

from ocsd.daemon import __main__ as program


def test_an_interruption_in_a_callback_is_not_printed_and_another_error_is(monkeypatch):
    said = []
    monkeypatch.setattr(sys, "__unraisablehook__", said.append)
    interruption, defect = (
        SimpleNamespace(exc_type=each) for each in (KeyboardInterrupt, RuntimeError)
    )
    program._unraisable(interruption)
    program._unraisable(defect)
    assert said == [defect]
