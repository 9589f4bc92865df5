"""One aggregator core and the messages for it; run by the Python of either side.

Imports nothing of ocsd but on ocsd's side, so that OCS's environment can run it::

    python recording_side.py {ocs|ocsd} FOLDER {speed|memory} [FEEDS FIELDS SAMPLES SECONDS]

prints a line of JSON. A core takes messages as they come off the wire and leaves
G3 files; no router is involved.
"""

import json
import queue
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

FRAME_S = 60
MOST_WAITING = 1000
"""As `ocsd.aggregator.recording.intake.MOST_TOGETHER`; 1 records each message by itself."""
MOST_WAITING_SAMPLES = 10_000
"""Samples in them: much less than in a full queue, so that memory is that of the recorder."""
BEGIN = 1_800_000_000.0

Message = tuple[dict[str, Any], dict[str, Any]]


class Core(Protocol):
    """The part of an aggregator that is measured."""

    def take(self, message: Message) -> None:
        """Take one message."""
        ...

    def second(self) -> None:
        """Do what is done once a second."""
        ...

    def frame(self) -> None:
        """Write all that waits as frames."""
        ...

    def close(self) -> None:
        """End the file."""
        ...


class OcsCore:
    """The published OCS's Aggregator with its providers and its writer."""

    def __init__(self, folder: Path) -> None:
        from ocs.agents.aggregator.drivers import Aggregator

        self._incoming: queue.Queue[Message] = queue.Queue()
        self._aggregator = Aggregator(self._incoming, 3600, str(folder))

    def take(self, message: Message) -> None:
        """Take one message."""
        self._incoming.put(message)
        self._aggregator.process_incoming_data()

    def second(self) -> None:
        """Do nothing: it would write by the age of the timestamps, which are no present."""

    def frame(self) -> None:
        """Write all that waits as frames."""
        self._aggregator.write_to_disk(write_all=True)
        self._aggregator.writer.flush()

    def close(self) -> None:
        """End the file."""
        self._aggregator.close()


class Lines:
    """A log that shows only what is wrong."""

    def info(self, text: str, /, **fields: Any) -> None:
        """Say nothing."""

    def warn(self, text: str, /, **fields: Any) -> None:
        """Print a line."""
        print(text.format(**fields), file=sys.stderr)


class OcsdCore:
    """ocsd's Recorder: journal, ledger and frames."""

    def __init__(self, folder: Path) -> None:
        from ocsd.aggregator.disk.archive import G3Files
        from ocsd.aggregator.frames.frames import RecordingRun
        from ocsd.aggregator.incoming.moment import Instant
        from ocsd.aggregator.recording.recorder import Recorder

        self._moment: Any = Instant
        self._passed_s = 0.0
        self._waiting: list[Message] = []
        self._ticked_s = time.monotonic()
        archive = G3Files(folder, 3600.0, self._now, time.sleep)
        run = RecordingRun.begin(self._now())
        self._recorder = Recorder.open(archive, Lines(), run, self._now)

    def take(self, message: Message) -> None:
        """Take one message; they are recorded as those that wait in the queue under load."""
        self._waiting.append(message)
        samples = len(message[0]["block"]["timestamps"])
        if len(self._waiting) >= min(MOST_WAITING, MOST_WAITING_SAMPLES // samples):
            self._record()

    def second(self) -> None:
        """Let a second pass for the recorder.

        What it does once a second takes place once a second of the real time: it
        asks the disk to keep up, and the disk has no other time.
        """
        self._passed_s += 1.0
        if time.monotonic() - self._ticked_s >= 1.0:
            self._ticked_s = time.monotonic()
            self._record()
            self._recorder.tick()

    def frame(self) -> None:
        """Have it write what is due, which is everything."""
        self._record()
        self._recorder.tick()

    def close(self) -> None:
        """End the file."""
        self._record()
        self._recorder.close()

    def _record(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._recorder.accept_all(waiting)

    def _now(self) -> Any:
        return self._moment(
            at=time.time() + self._passed_s, mono_s=time.monotonic() + self._passed_s
        )


def messages(
    feeds: int, fields: int, samples: int, second: int, columns: list[list[float]] | None = None
) -> Iterator[Message]:
    """Yield what all feeds publish in one second, one message each.

    Parameters
    ----------
    feeds, fields, samples : int
        How many feeds, fields of each, samples of each field.
    second : int
        Which second.
    columns : list of list of float, optional
        Values to use again and again; without them each message has its own, as
        messages off the wire have.
    """
    times = [BEGIN + second + i / samples for i in range(samples)]
    for feed in range(feeds):
        own = columns or [[random.random() for _ in range(samples)] for _ in range(fields)]
        data = {f"channel_{i:02}": own[i] for i in range(fields)}
        info = {
            "agent_address": f"observatory.bench{feed}",
            "address": f"observatory.bench{feed}.feeds.data",
            "session_id": "1700000000.5",
            "record": True,
            "agg_params": {"frame_length": FRAME_S},
            "seq": second,
        }
        yield {"block": {"block_name": "block", "timestamps": times, "data": data}}, info


def measure(core: Core, what: str, feeds: int, fields: int, samples: int, seconds: int) -> None:
    """Feed a core for a multiple of `FRAME_S` seconds, and print how fast it was."""
    random.seed(1)
    columns = None
    if what == "speed":
        columns = [[random.random() for _ in range(samples)] for _ in range(fields)]
    for message in messages(feeds, fields, samples, 0, columns):
        core.take(message)  # the libraries are loaded, the providers are there
    spent_s = cpu_s = 0.0
    for second in range(1, seconds + 1):
        batch = list(messages(feeds, fields, samples, second, columns))
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        for message in batch:
            core.take(message)
        core.second()
        if second % FRAME_S == 0:
            core.frame()
        spent_s += time.perf_counter() - began_s
        cpu_s += time.process_time() - began_cpu_s
    # The end is not timed: ocsd waits for the disk there, and OCS never does.
    core.close()
    count = feeds * seconds
    print(
        json.dumps(
            {
                "values_per_s": count * fields * samples / spent_s,
                "messages_per_s": count / spent_s,
                "cpu_values_per_s": count * fields * samples / cpu_s,
                "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
        )
    )


if __name__ == "__main__":
    side, folder, what, *sizes = sys.argv[1:]
    core: Core = (OcsCore if side == "ocs" else OcsdCore)(Path(folder))
    feeds, fields, samples, seconds = map(int, sizes)
    measure(core, what, feeds, fields, samples, seconds)
