"""Ctrl-C while code is being loaded."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ends_at_once() -> Iterator[None]:
    """Have Ctrl-C end the process for as long as code is being loaded.

    KeyboardInterrupt could be swallowed meanwhile: by a library that tries an import, or by the
    callback of a weak reference, of which imports call many.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield  # it is ignored, or handled elsewhere
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
