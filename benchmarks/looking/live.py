"""CPU of live values: the journal followed, and columns for many viewers.

``python -m benchmarks.looking.live [--seconds 20] [--viewers 20] [--folder PATH]`` writes a
journal with the recorder's own writer, 320,000 values/s in the time of the samples: 20 feeds of 16
fields. After every tenth of a second of it, it reads what was written as the process `web` does,
and after every quarter, all viewers get their updates as JSON. Only that is counted, as processor
time per second of samples, without HTTP; real time plays no part. A table says how much of one
core each case takes, and how many samples were read and sent, which have to be all.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ocsd.aggregator.disk.journal_writer import JournalWriter
from ocsd.journal import Alive
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Layout, PackedBlock
from ocsd.journal.origin import Origin
from ocsd.web.live.cursor import LiveCursor, LiveUpdate
from ocsd.web.live.live import Live

FIELDS: Final = 16
WINDOW_S: Final = 60.0
POINTS: Final = 960
_START_AT: Final = 1_795_328_000.0


@dataclass(frozen=True, slots=True)
class Case:
    """What is recorded, and who looks at it."""

    name: str
    feeds: int
    rate_hz: int
    messages_hz: int
    viewers: int


@dataclass(slots=True)
class Cost:
    """Processor time [s] and counts of a case."""

    read_s: float = 0.0
    update_s: float = 0.0
    values_recorded: int = 0
    samples_sent: int = 0
    bytes_sent: int = 0


def main() -> None:
    """Print a table of all cases."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.looking.live")
    parser.add_argument("--seconds", type=int, default=20, help="time of the samples [s]")
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="where the journal is written")
    arguments = parser.parse_args()
    cases = (
        Case("nobody looks", 20, 1000, 4, 0),
        Case(f"{arguments.viewers} viewers", 20, 1000, 4, arguments.viewers),
        Case(f"{arguments.viewers} viewers, a message a second", 20, 1000, 1, arguments.viewers),
        Case("800 messages/s of 1 sample, nobody looks", 80, 10, 10, 0),
        Case(f"the same, {arguments.viewers} viewers", 80, 10, 10, arguments.viewers),
    )
    print("| case | values/s | reading | updates | all, of one core | sent | kB/s |")
    print("|---|---|---|---|---|---|---|")
    for case in cases:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            cost = run(case, Path(folder), arguments.seconds)
        print(_row(case, cost, arguments.seconds))


def run(case: Case, folder: Path, seconds: int) -> Cost:
    """Write, read and send for some seconds of samples."""
    writer = JournalWriter(folder, 0)
    writer.event(Alive(_START_AT - 10.0))
    live = Live(folder, lambda: _START_AT)
    cost = Cost()
    messages = _messages(case, seconds)
    cursors: list[LiveCursor] = []
    for tick in range(20 * (seconds + 4)):
        until_at = _START_AT + tick / 20
        _write(writer, messages, until_at, cost)
        if tick % 2 == 0:
            began = time.process_time()
            live.poll()
            cost.read_s += time.process_time() - began
        if tick == 2:
            cursors = [_cursor(live, case, viewer) for viewer in range(case.viewers)]
        if tick % 5 == 0:
            _send(cursors, cost)
    writer.close()
    live.close()
    return cost


def _messages(case: Case, seconds: int) -> Iterator[tuple[float, int, PackedBlock]]:
    """Yield arrival [s, Unix time], number and block of each message, in order."""
    kinds = dict.fromkeys((f"channel_{place:02}" for place in range(FIELDS)), Kind.FLOAT)
    layouts = [
        Layout(Origin(_address(feed), "1.5", f"observatory.a{feed}", numbered=True), "all", kinds)
        for feed in range(case.feeds)
    ]
    length = case.rate_hz // case.messages_hz
    values = np.random.default_rng(1).normal(4.0, 0.1, (FIELDS, length)).tobytes()
    for number in range(seconds * case.messages_hz):
        first_at = _START_AT + 2.0 + number / case.messages_hz
        times = first_at + np.arange(length) / case.rate_hz
        for feed, layout in enumerate(layouts):
            arrived_at = first_at + (1 + feed / case.feeds) / case.messages_hz
            yield arrived_at, number, PackedBlock(layout, length, times.tobytes() + values)


def _write(
    writer: JournalWriter,
    messages: Iterator[tuple[float, int, PackedBlock]],
    until_at: float,
    cost: Cost,
) -> None:
    """Write the messages that have arrived at a time [s, Unix time], and the next one."""
    for arrived_at, number, packed in messages:
        writer.message(number, arrived_at, [packed])
        cost.values_recorded += packed.length * FIELDS
        if arrived_at >= until_at:
            return


def _cursor(live: Live, case: Case, viewer: int) -> LiveCursor:
    address = _address(viewer % case.feeds)
    fields = [f"{address}.channel_{place:02}" for place in range(FIELDS)]
    return live.watch(fields, WINDOW_S / POINTS, _START_AT)


def _send(cursors: list[LiveCursor], cost: Cost) -> None:
    began = time.process_time()
    updates = [event for cursor in cursors for event in cursor.updates()]
    texts = [each.as_json() for each in updates if isinstance(each, LiveUpdate)]
    cost.update_s += time.process_time() - began
    cost.bytes_sent += sum(map(len, texts))
    for update in updates:
        if isinstance(update, LiveUpdate):
            cost.samples_sent += sum(int(each.n.sum()) for each in update.columns.values())


def _address(feed: int) -> str:
    return f"observatory.a{feed}.feeds.temps"


def _row(case: Case, cost: Cost, seconds: int) -> str:
    read, update = 100 * cost.read_s / seconds, 100 * cost.update_s / seconds
    sent = f"{cost.samples_sent:,} of {cost.values_recorded:,}"
    return (
        f"| {case.name} | {cost.values_recorded / seconds:,.0f} | {read:.2f} % | {update:.2f} % "
        f"| {read + update:.2f} % | {sent} | {cost.bytes_sent / seconds / 1000:,.0f} |"
    )


if __name__ == "__main__":
    main()
