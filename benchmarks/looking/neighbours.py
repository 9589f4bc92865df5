"""Viewers of live values on a real site: the processor time of those beside the page.

``python -m benchmarks.looking.neighbours [--viewers 20] [--seconds 20]`` starts one host with a
fake-data agent of 16 fields at 100 Hz for each viewer, and prints the processor time of daemon,
router, aggregator and page with nobody looking and with all viewers, twice in turn: only that of
the page may grow.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import psutil

from benchmarks.counting import counting_agent
from benchmarks.one_host import OneHost, instance
from benchmarks.processes import cpu_s

_FIELDS: Final = 16
_RATE_HZ: Final = 100
_FIRST_FRAMES_S: Final = 15.0
_VIEWERS_START_S: Final = 4.0


def main() -> None:
    """Start the site, measure, and stop it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.looking.neighbours")
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="look") as folder:
        host = OneHost(Path(folder), "look", Path(counting_agent.__file__), "CountingAgent")
        words = ["--mode", "acq", "--num-channels", _FIELDS, "--sample-rate", _RATE_HZ]
        for number in range(arguments.viewers):
            name = f"fake{number}"
            host.entries[name] = instance("FakeDataAgent", name, map(str, words))
        host.write()
        try:
            host.start().wait()
            time.sleep(_FIRST_FRAMES_S)
            asyncio.run(_compare(host.status() or {}, arguments.viewers, arguments.seconds))
        finally:
            host.close()


async def _compare(status: Mapping[str, Any], viewers: int, seconds: float) -> None:
    rows = {row["instance_id"]: row for row in status["instances"]}
    router = psutil.Process(status["router"]["pid"])
    pids = {
        "daemon": [status["pid"]],
        "router": [router.pid, *(child.pid for child in router.children(recursive=True))],
        "aggregator": [rows["aggregator"]["pid"]],
        "web": [rows["web"]["pid"]],
    }
    print(f"| viewers | {' | '.join(pids)} |\n|{'---|' * (1 + len(pids))}")
    for count in (0, viewers, 0, viewers):
        tasks = [asyncio.create_task(_look(rows["web"]["address"], n)) for n in range(count)]
        await asyncio.sleep(_VIEWERS_START_S)
        before, began_s = _used(pids), time.monotonic()
        await asyncio.sleep(seconds)
        passed_s = time.monotonic() - began_s
        shares = [100 * (used - before[name]) / passed_s for name, used in _used(pids).items()]
        print(f"| {count} | {' | '.join(f'{share:.1f} %' for share in shares)} |")
        for task in tasks:
            task.cancel()


def _used(pids: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Return the processor time so far [s]."""
    return {name: sum(map(cpu_s, each)) for name, each in pids.items()}


async def _look(url: str, number: int) -> None:
    feed = f"observatory.fake{number}.feeds.false_temperatures"
    names = [f"{feed}.channel_{place:02}" for place in range(_FIELDS)]
    query = urlencode({"field": names, "step": 0.0625, "since": time.time()}, doseq=True)
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=2**24)
    writer.write(f"GET /api/v1/live?{query} HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
    while await reader.readline():
        pass


if __name__ == "__main__":
    main()
