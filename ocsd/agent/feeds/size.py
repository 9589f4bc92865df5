"""Sizes of messages, and the division of what is too large for one.

A router carries at most 16 MiB at a time. A feed stays far below that, for two reasons. Some
clients get messages as JSON, in which a number takes up to 20 bytes instead of 9; and sending
holds up everything else in the agent, for some 10 ms a MiB.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ocsd.agent.spool.segment import packed
from ocsd.agent.spool.spool import LONGEST_RECORD_BYTES

PART_BYTES: Final = 4 * 2**20
"""Size of the samples that are sent in one message, unless a single row is larger [bytes]."""

LARGEST_MESSAGE_BYTES: Final = LONGEST_RECORD_BYTES
"""Size of a message at most [bytes]."""

_NUMBER_BYTES: Final = 9
_TEXT_HEAD_BYTES: Final = 5
# The estimate may be short of the truth by less than this factor: large ints take 15 bytes.
_DOUBT: Final = 2


class TooLargeError(ValueError):
    """A message, or one row of it, is larger than a router can carry."""


def parts_of(
    where: str, sample: dict[str, Any], part_bytes: int
) -> list[tuple[dict[str, Any], int]]:
    """Divide samples by rows into parts of a size that can be sent together.

    Parameters
    ----------
    where : str
        The feed, for the error.
    sample : dict
        Samples in their checked form (`ocsd.agent.feeds.message.checked_sample`).
    part_bytes : int
        Size of a part at most, unless a single row is larger [bytes].

    Returns
    -------
    list of (dict, int)
        The parts, in order, each with its estimated size [bytes].

    Raises
    ------
    TooLargeError
        If a single row is larger than a message can be.
    """
    size_bytes = _estimated(sample)
    if size_bytes <= part_bytes:
        return [(sample, size_bytes)]
    return list(_divided(where, sample, size_bytes, part_bytes))


def check_size(where: str, message: Any) -> None:
    """Refuse a message that cannot be sent.

    Raises
    ------
    TooLargeError
        If it is too large.
    ValueError
        If it cannot be encoded.
    """
    size_bytes = len(packed(message))
    if size_bytes > LARGEST_MESSAGE_BYTES:
        raise TooLargeError(
            f"{where} has {size_bytes:,} bytes; a message can have at most "
            f"{LARGEST_MESSAGE_BYTES:,}; publish less at a time"
        )


def _divided(
    where: str, sample: dict[str, Any], size_bytes: int, part_bytes: int
) -> Iterator[tuple[dict[str, Any], int]]:
    rows = len(sample["timestamps"])
    if rows <= 1:
        if size_bytes * _DOUBT > LARGEST_MESSAGE_BYTES:
            check_size(f"{where}: block {sample['block_name']!r}: one row", sample)
        yield sample, size_bytes
    elif size_bytes <= part_bytes:
        yield sample, size_bytes
    else:
        for begin, end in ((0, rows // 2), (rows // 2, rows)):
            half = _rows(sample, begin, end)
            yield from _divided(where, half, _estimated(half), part_bytes)


def _rows(sample: Mapping[str, Any], begin: int, end: int) -> dict[str, Any]:
    """Return some rows of `sample`; its tags belong to each of them."""
    data = {field: column[begin:end] for field, column in sample["data"].items()}
    return {**sample, "timestamps": sample["timestamps"][begin:end], "data": data}


def _estimated(sample: Mapping[str, Any]) -> int:
    """Return the approximate size of samples in a message [bytes]."""
    size_bytes = _NUMBER_BYTES * len(sample["timestamps"])
    for field, column in sample["data"].items():
        size_bytes += _TEXT_HEAD_BYTES + len(field)
        if column and type(column[0]) is str:
            size_bytes += _TEXT_HEAD_BYTES * len(column) + len("".join(column).encode())
        else:
            size_bytes += _NUMBER_BYTES * len(column)
    if "influxdb_tags" in sample:
        size_bytes += len(packed(sample["influxdb_tags"]))
    return size_bytes
