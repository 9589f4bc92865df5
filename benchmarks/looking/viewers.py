"""Live values end to end: the process `web`, many viewers, and how old what they get is.

``python -m benchmarks.looking.viewers [--viewers 20] [--seconds 20] [--folder PATH]`` starts two
processes: one writes a journal with the recorder's own writer, in real time, 20 feeds of 16 fields
at 1,000 Hz, four messages a second each, 320,000 values/s; the other is the process `web`, without
a daemon. The viewers are streams of ``GET live`` with 16 fields each. The value of each sample is
its time, so what arrives tells how old it is. Printed are the processor time of `web`, with nobody
looking and with all viewers, its memory, and the time from sample to viewer: over all samples,
those at the begin of a message included, which wait a quarter of a second in their agent.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np

from benchmarks.processes import cpu_s, pss_bytes
from ocsd.aggregator.disk.journal_writer import JournalWriter
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Layout, PackedBlock
from ocsd.journal.origin import Origin
from ocsd.journal.segments import journal_folder
from ocsd.site.model import Hub
from ocsd.system.address import Address
from ocsd.system.paths import HostPaths

FEEDS: Final = 20
FIELDS: Final = 16
RATE_HZ: Final = 1000
MESSAGES_HZ: Final = 4
PORT: Final = 8702
_START_LIMIT_S: Final = 60.0


def main() -> None:
    """Run a part, or all of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.looking.viewers")
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--part", choices=("writer", "web"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part == "writer":
        write(arguments.folder)
    elif arguments.part == "web":
        serve(arguments.folder)
    else:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            print(look(Path(folder), arguments.viewers, arguments.seconds))


def write(folder: Path) -> None:
    """Write a journal in real time, until this process is ended."""
    writer = JournalWriter(journal_folder(folder), 0)
    kinds = dict.fromkeys((f"channel_{place:02}" for place in range(FIELDS)), Kind.FLOAT)
    layouts = [
        Layout(Origin(_address(feed), "1.5", f"observatory.a{feed}", numbered=True), "all", kinds)
        for feed in range(FEEDS)
    ]
    length = RATE_HZ // MESSAGES_HZ
    due_at = time.time()
    for number in range(10**9):
        feed = number % FEEDS
        due_at += 1 / (MESSAGES_HZ * FEEDS)
        time.sleep(max(0.0, due_at - time.time()))
        times = (due_at + np.arange(-length, 0) / RATE_HZ).tobytes()
        packed = PackedBlock(layouts[feed], length, times * (1 + FIELDS))
        writer.message(number // FEEDS, due_at, [packed])


def serve(folder: Path) -> None:
    """Serve the page of a data folder."""
    from ocsd.reactor.threads import the_reactor
    from ocsd.web.process import WebProcess
    from ocsd.web.settings import PageSettings

    own = PageSettings(
        host="bench",
        paths=HostPaths("bench", folder / "run", folder / "state", folder / "log"),
        hub=Hub(wamp_server="ws://127.0.0.1:1/ws"),
        listen=Address("127.0.0.1", PORT),
        data_dir=folder,
    )
    WebProcess(own, the_reactor()).run()


def look(folder: Path, viewers: int, seconds: float) -> str:
    """Return the figures as lines of markdown."""
    command = [sys.executable, "-m", "benchmarks.looking.viewers", "--folder", str(folder)]
    parts = [subprocess.Popen([*command, "--part", part]) for part in ("writer", "web")]
    try:
        return asyncio.run(_looked(parts[1].pid, viewers, seconds))
    finally:
        for part in parts:
            part.terminate()
            part.wait()


async def _looked(pid: int, viewers: int, seconds: float) -> str:
    await _until_it_listens()
    await asyncio.sleep(5.0)
    alone = await _percent(pid, seconds / 2)
    ages: list[float] = []
    received = [0]
    tasks = [asyncio.create_task(_view(n, ages, received)) for n in range(viewers)]
    await asyncio.sleep(3.0)
    ages.clear()
    received[0] = 0
    busy = await _percent(pid, seconds)
    for task in tasks:
        task.cancel()
    median, late = np.percentile(ages, [50, 99])
    return (
        f"| nobody looks | {alone:.2f} % of one core |\n"
        f"| {viewers} viewers of {FIELDS} fields | {busy:.2f} % of one core |\n"
        f"| sent | {received[0] / seconds / 1000:.0f} kB/s |\n"
        f"| memory (PSS) | {pss_bytes(pid) / 1e6:.0f} MB |\n"
        f"| sample to viewer, median | {median:.3f} s |\n"
        f"| sample to viewer, 99 % | {late:.3f} s |"
    )


async def _until_it_listens() -> None:
    limit_s = time.monotonic() + _START_LIMIT_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", PORT)
        except OSError:
            if time.monotonic() > limit_s:
                raise
            await asyncio.sleep(0.2)
        else:
            writer.close()
            return


async def _percent(pid: int, seconds: float) -> float:
    """Return the processor time of a process during some seconds, as percent of them."""
    before, began_s = cpu_s(pid), time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (cpu_s(pid) - before) / (time.monotonic() - began_s)


async def _view(viewer: int, ages: list[float], received: list[int]) -> None:
    names = [f"{_address(viewer % FEEDS)}.channel_{place:02}" for place in range(FIELDS)]
    query = urlencode({"field": names, "step": 0.0625, "since": time.time()}, doseq=True)
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT, limit=2**24)
    writer.write(f"GET /api/v1/live?{query} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\n\r\n".encode())
    newest_at = 0.0
    while line := await reader.readline():
        received[0] += len(line)
        if line.startswith(b'data: {"at"') and b'"fields"' in line:
            now_at = time.time()
            last_at = _newest(json.loads(line[6:]), names[0])
            ages += (now_at - np.arange(max(newest_at, last_at - 5.0), last_at, 0.01)).tolist()
            newest_at = max(newest_at, last_at)


def _newest(update: dict[str, Any], name: str) -> float:
    return max(update["fields"][name]["max"])


def _address(feed: int) -> str:
    return f"observatory.a{feed}.feeds.temps"


if __name__ == "__main__":
    main()
