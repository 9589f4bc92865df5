"""Ctrl-C while code is being loaded."""

# signal itself takes 1 ms to make its names, in which it can be interrupted.
import _signal as signal
from types import TracebackType


class ends_at_once:  # noqa: N801 - it is used like a function; contextlib would be loaded first
    """Have Ctrl-C end the process for as long as code is being loaded.

    KeyboardInterrupt could be swallowed meanwhile: by a library that tries an import, or by the
    callback of a weak reference, of which imports call many.
    """

    def __enter__(self) -> None:
        # Else it is ignored, or handled elsewhere.
        self._is_python_s = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._is_python_s:
            signal.signal(signal.SIGINT, signal.SIG_DFL)

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._is_python_s:
            signal.signal(signal.SIGINT, signal.default_int_handler)
