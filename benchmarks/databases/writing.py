"""Our writer to a database at its limit: values/s, and CPU for each value on both sides.

::

    python -m benchmarks.databases.writing [--values N] [--gzip]

For each shape of messages, a recorder's journal is filled first; then a writer that starts anew
writes it to a real InfluxDB 1 on loopback (`OCSD_INFLUXD`, PATH, or Debian's package).
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from ocsd.aggregator.incoming.quarantine import Quarantine
from ocsd.export.databases.cursor import CursorFile
from ocsd.export.databases.destination import CursorStore, Destination
from ocsd.export.databases.inbox import Inbox
from ocsd.export.databases.line_destination import LineDestination
from ocsd.export.databases.server import HttpDatabase, influxdb_1
from ocsd.export.databases.writer import Writer


class Shape(NamedTuple):
    """Messages of so many feeds, each of so many samples of so many fields."""

    feeds: int
    fields: int
    samples: int


SHAPES = (Shape(10, 16, 1000), Shape(10, 16, 10), Shape(300, 16, 10), Shape(10, 1, 1000))


class Writing(NamedTuple):
    """The cost of writing a journal."""

    values: int
    wall_s: float
    ours_s: float
    """CPU of the writer."""
    theirs_s: float
    """CPU of the database."""

    def __str__(self) -> str:
        """Return a row of a table."""
        per_value = [1e6 * each / self.values for each in (self.ours_s, self.theirs_s)]
        return f"{self.values / self.wall_s:,.0f} | {per_value[0]:.2f} | {per_value[1]:.2f}"


def fill(folder: Path, shape: Shape, values: int) -> None:
    """Fill the journal of a folder with about so many values, and leave it as a kill would."""
    from tests.unit.aggregator.rig import Clock, Recording

    clock = Clock(time.time() - 3600, 100.0)
    recording = Recording(folder, clock=clock, segment_bytes=2**26)
    recording.start()
    made = random.Random(1)
    for number in range(values // (shape.feeds * shape.fields * shape.samples)):
        times = [clock.at + place / shape.samples for place in range(shape.samples)]
        for feed in range(shape.feeds):
            data = {
                f"channel_{each:02}": [made.gauss(20, 3) for _ in times]
                for each in range(shape.fields)
            }
            info = {"agg_params": {"frame_length": 1e9}}
            name = f"bench{feed}.feeds.data"
            recording.send(times, seq=number, feed=name, info=info, **data)
        clock.advance(1.0)
        recording.recorder.tick()
    recording.kill()


def filled(folder: Path, shape: Shape, values: int) -> int:
    """Call `fill` in a process of its own, and return the number of values."""
    folder.mkdir()
    command = [sys.executable, "-m", __spec__.name, "--fill", str(folder), *map(str, shape)]
    subprocess.run([*command, str(values)], check=True, timeout=600)
    each = shape.feeds * shape.fields * shape.samples
    return values // each * each


def written(
    destination: Destination[Any],
    data: Path,
    state: Path,
    values: int,
    shape: Shape,
    server: int,
    cursor: CursorStore,
) -> Writing:
    """Write the journal of a folder, and return what it costs.

    Parameters
    ----------
    destination : Destination
        The database.
    data, state : Path
        The data folder, and one for what is refused.
    values : int
        Values in the journal.
    shape : Shape
        Their feeds.
    server : int
        The database's process.
    cursor : CursorStore
        Keeps the cursor.
    """
    writer = Writer(
        destination,
        data,
        cursor,
        Quarantine(state / "refused"),
        Inbox(takes_all=False, clock=time.time),
    )
    before_s = spent_s(server)
    began_cpu_s, began_s = time.process_time(), time.perf_counter()
    while writer.step() == 0.0:
        pass
    wall_s, ours_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    report = writer.report()
    theirs_s = spent_s(server) - before_s  # PostgreSQL has a process for a connection
    writer.close()
    if report["refused"] or report["lines"] != values // shape.fields:
        raise RuntimeError(f"not all was written: {report}")
    return Writing(values, wall_s, ours_s, theirs_s)


def spent_s(server: int) -> float:
    """Return the CPU [s] of a process and its children."""
    whole = psutil.Process(server)
    family = [whole, *whole.children(recursive=True)]
    return sum(sum(each.cpu_times()[:2]) for each in family)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--values", type=int, default=3_000_000, help="of each shape")
    parser.add_argument("--gzip", action="store_true", help="compress what is sent")
    parser.add_argument("--fill", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fill:
        folder, *sizes, values = args.fill
        fill(Path(folder), Shape(*map(int, sizes)), int(values))
        return
    from tests.system.influxd import Influxd, program

    folder = Path(tempfile.mkdtemp(prefix="ocsd-writing-"))
    server = Influxd(program(folder), folder / "influx")
    try:
        server.start()
        print(
            "| feeds | fields | samples a message | values/s | ours, us/value | influxd, us/value |"
        )
        print("|---|---|---|---|---|---|")
        for number, shape in enumerate(SHAPES):
            database = HttpDatabase(
                influxdb_1(
                    host="127.0.0.1",
                    port=server.port,
                    database=f"bench{number}",
                    uses_tls=False,
                    verifies=False,
                    compresses=args.gzip,
                )
            )
            data, state = folder / f"data{number}", folder / f"state{number}"
            values = filled(data, shape, args.values)
            cursor = CursorFile(state / "cursor.json")
            found = written(
                LineDestination(database), data, state, values, shape, server.pid, cursor
            )
            print(f"| {' | '.join(map(str, shape))} | {found} |", flush=True)
    finally:
        server.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
