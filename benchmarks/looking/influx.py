"""InfluxDB 1.6 of Debian, started for a benchmark on loopback, and stopped again."""

import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

_SETTINGS = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
cache-max-memory-size = 0
max-points-per-block = 0
[http]
bind-address = "127.0.0.1:{http}"
log-enabled = false
max-row-limit = 0
[monitor]
store-enabled = false
"""
_LINES_AT_ONCE = 5000


class Influx:
    """A running InfluxDB."""

    def __init__(self, process: psutil.Process, port: int) -> None:
        self._process = process
        self._url = f"http://127.0.0.1:{port}"

    def write(self, lines: Iterator[str]) -> None:
        """Write points, given as lines with times in milliseconds."""
        batch: list[str] = []
        for line in lines:
            batch.append(line)
            if len(batch) == _LINES_AT_ONCE:
                self._post(batch)
                batch = []
        self._post(batch)

    def query(self, text: str) -> list[Any]:
        """Return the rows of a query."""
        where = urllib.parse.urlencode({"db": "bench", "q": text, "epoch": "ms"})
        with urllib.request.urlopen(f"{self._url}/query?{where}", timeout=300) as answer:
            results = json.load(answer)["results"]
        return [row for series in results[0].get("series", ()) for row in series["values"]]

    def create(self) -> None:
        """Create the database."""
        words = urllib.parse.urlencode({"q": "CREATE DATABASE bench"}).encode()
        urllib.request.urlopen(f"{self._url}/query", words, timeout=30).close()

    def cpu_s(self) -> float:
        """Return the processor time of the server so far [s]."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _post(self, batch: Sequence[str]) -> None:
        if batch:
            url = f"{self._url}/write?db=bench&precision=ms"
            urllib.request.urlopen(url, "\n".join(batch).encode(), timeout=300).close()


@contextmanager
def running(program: str, folder: Path) -> Iterator[Influx]:
    """Yield an empty InfluxDB that keeps its files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    http, rpc = _free_port(), _free_port()
    settings = folder / "influxdb.conf"
    settings.write_text(_SETTINGS.format(folder=folder, http=http, rpc=rpc))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-config", settings], stdout=log, stderr=log)
    try:
        influx = Influx(psutil.Process(process.pid), http)
        _wait(influx)
        yield influx
    finally:
        process.terminate()
        process.wait(30)


def _wait(influx: Influx) -> None:
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        with suppress(OSError):
            influx.create()
            return
        time.sleep(0.2)
    raise TimeoutError("InfluxDB did not answer within 60 s")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
