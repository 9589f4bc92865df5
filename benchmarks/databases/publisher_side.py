"""The published OCS's Publisher at its limit; run by the Python of OCS's environment.

Imports nothing of ocsd::

    python publisher_side.py PORT DATABASE FEEDS FIELDS SAMPLES VALUES

prints a line of JSON: the values that were written, and the time and the CPU of that.
"""

import json
import queue
import sys
import time
from pathlib import Path
from typing import Any


def main(port: str, database: str, feeds: int, fields: int, samples: int, values: int) -> None:
    """Write about so many values, each second's messages at once as its agent does."""
    # At the end of the path: the folder has modules with names of the standard library.
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from ocs.agents.influxdb_publisher.drivers import Publisher
    from recording_side import messages

    waiting: queue.Queue[Any] = queue.Queue()
    publisher = Publisher("127.0.0.1", database, waiting, port=int(port))
    wall_s = cpu_s = 0.0
    seconds = max(1, values // (feeds * fields * samples))
    for second in range(seconds):
        for message, info in messages(feeds, fields, samples, second):
            waiting.put((message, {**info, "feed_name": "data", "agent_class": "Benchmark"}))
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        publisher.run()
        wall_s += time.perf_counter() - began_s
        cpu_s += time.process_time() - began_cpu_s
    count = seconds * feeds * fields * samples
    print(json.dumps({"values": count, "wall_s": wall_s, "ours_s": cpu_s}))


if __name__ == "__main__":
    port, database, *sizes = sys.argv[1:]
    main(port, database, *map(int, sizes))
