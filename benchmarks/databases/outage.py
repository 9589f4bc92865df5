"""A long outage of a real InfluxDB: afterwards it has what the files have, sample by sample.

::

    python -m benchmarks.databases.outage [--away 600] [--rounds 1]

Two feeds are recorded in real time, with frames of a second and segments of 16 KiB, so that what
comes in during the outage is long gone from the journal. In each round the database is killed, is
away, and comes back; the time until it is complete again is printed. Short forms of this run in
`tests/system/recording/test_databases.py`.
"""

import argparse
import shutil
import signal
import tempfile
import time
from pathlib import Path

from tests.system.influxd import Influxd, program
from tests.system.recording.published import Feeds, WriterProcess
from tests.system.recording.test_databases import values_of_files
from tests.system.waiting import wait_until

CAUGHT_UP_S = 2.0


def main() -> None:
    """Print a line for each round, and whether the content is that of the files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--away", type=float, default=600.0, help="duration of an outage [s]")
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ocsd-outage-"))
    server = Influxd(program(folder), folder / "influx")
    server.start()
    writer, feeds = WriterProcess(folder, server.port), Feeds(folder / "data")
    try:
        feeds.publish_until(writer.has_written, "a cursor")
        for number in range(args.rounds):
            server.end(signal.SIGKILL)
            feeds.publish(args.away)
            told = writer.report()
            server.start()
            began_s = time.monotonic()
            feeds.publish_until(lambda: writer.report()["newest_s"] < CAUGHT_UP_S, "what is new")
            fresh_s = time.monotonic() - began_s
            while writer.report()["lag_s"] > CAUGHT_UP_S:
                feeds.publish(0.2)
            print(
                f"round {number + 1}: away {args.away:.0f} s, told: {told['reason'][:90]}...; what "
                f"is new after {fresh_s:.1f} s, complete after {time.monotonic() - began_s:.1f} s",
                flush=True,
            )
        feeds.end()
        expected = values_of_files(folder / "data")
        wait_until(lambda: server.values() == expected, "the whole content", 120)
        print(f"{len(expected):,} values: the content is that of the files")
    finally:
        writer.kill()
        server.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
