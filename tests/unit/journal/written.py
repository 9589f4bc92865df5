"""Blocks and journals as the recorder writes them."""

import struct

from ocsd.aggregator.incoming.message import CheckedBlock, read_origin
from ocsd.aggregator.incoming.packing import PackingLayout
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import PackedBlock

KINDS = {"f": Kind.FLOAT, "n": Kind.INT, "b": Kind.BOOL, "s": Kind.TEXT}


def layout(kinds=KINDS, seq=0, address="observatory.a.feeds.f", session_id="1.5", name="block"):
    info = {"address": address, "session_id": session_id, "seq": seq}
    return PackingLayout(read_origin(info), name, kinds)


def chunk(of, *rows, times=None):
    columns = {name: [row[i] for row in rows] for i, name in enumerate(of.kinds)}
    times = times or [float(i) for i in range(len(rows))]
    samples = CheckedBlock("block", len(rows), struct.pack(f"{len(rows)}d", *times), columns)
    return PackedBlock(of, len(rows), of.pack(samples))
