"""Places in code: which are the author's, and which belong to ocsd and its libraries."""

import re
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

_OCSD: Final = f"{Path(__file__).resolve().parent.parent}/"
_STANDARD: Final = f"{sysconfig.get_path('stdlib')}/"
_LIBRARY: Final = re.compile(r"/(site|dist)-packages/")
_CALLER: Final = re.compile(r"/(site|dist)-packages/(twisted|autobahn|txaio)/")
"""The libraries that call an author's code."""


def is_ocsds(file: str) -> bool:
    """Return whether a file belongs to ocsd."""
    return file.startswith(_OCSD)


def is_authors(file: str) -> bool:
    """Return whether a file belongs neither to ocsd nor to a library."""
    return not file.startswith((_OCSD, _STANDARD, "<frozen")) and not _LIBRARY.search(file)


def from_author(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the calls by ocsd and Twisted with which it begins.

    If there is nothing else, it is returned as it is.
    """
    inner = trace
    while inner is not None and _calls_authors(inner.tb_frame.f_code.co_filename):
        inner = inner.tb_next
    return inner or trace


def place_of(trace: TracebackType | None) -> str:
    """Return the author's line in a traceback, as folder, file and number; or nothing.

    It is the innermost of the author's own; if all code is installed, the outermost that is
    neither ocsd's nor Twisted's.
    """
    frames = []
    while trace is not None:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    own = [each for each in frames if is_authors(each[0])]
    others = [each for each in frames if not _is_no_place(each[0])]
    for file, number in (*own[-1:], *others[:1]):
        return f"{short_path(file)}:{number}"
    return ""


def short_path(file: str) -> str:
    """Return the end of a path that tells an agent's file from others: its folder and name."""
    return "/".join(Path(file).parts[-2:])


def traceback_text(error: BaseException, trace: TracebackType | None) -> str:
    """Return the traceback of an exception, from the author's first call on."""
    return "".join(traceback.format_exception(type(error), error, from_author(trace)))


def authors_frame(frame: FrameType, operations: Iterable[object]) -> FrameType:
    """Return the frame that an author can mend, of a call that lasts too long.

    It is the innermost of the author's own; if all code is installed, that of one of
    `operations`, the code of the author's functions; else the innermost that is not ocsd's.
    """
    frames = _outwards(frame)
    codes = set(operations)
    for wanted in (
        lambda each: is_authors(each.f_code.co_filename),
        lambda each: each.f_code in codes,
        lambda each: not is_ocsds(each.f_code.co_filename),
    ):
        found = next(filter(wanted, frames), None)
        if found is not None:
            return found
    return frame


def _outwards(frame: FrameType | None) -> list[FrameType]:
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _is_no_place(file: str) -> bool:
    return _calls_authors(file) or file.startswith((_STANDARD, "<"))


def _calls_authors(file: str) -> bool:
    loader = file.startswith("<frozen")
    return (
        loader or is_ocsds(file) or file == f"{_STANDARD}threading.py" or bool(_CALLER.search(file))
    )
