"""Reading files of checked records: the spools of agents, and the aggregator's journal."""

from binascii import crc32
from collections.abc import Iterator
from struct import Struct
from typing import TypeVar

_Bytes = TypeVar("_Bytes", bytes, memoryview)


def whole_records(data: _Bytes, head: Struct, start: int = 0) -> Iterator[tuple[int, _Bytes, int]]:
    """Yield kind, payload and end of each record, until one is torn or damaged.

    Parameters
    ----------
    data : bytes or memoryview
        Content of a file.
    head : struct.Struct
        Before each payload: its length, its CRC-32 and, if records have kinds, the kind,
        with which the checksum begins. The kind is 0 otherwise.
    start : int
        Offset of the first record.
    """
    while start + head.size <= len(data):
        length, checksum, kind = (*head.unpack_from(data, start), 0)[:3]
        start += head.size
        payload = data[start : start + length]
        if len(payload) < length or crc32(payload, kind) != checksum:
            return
        start += length
        yield kind, payload, start
