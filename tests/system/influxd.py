"""InfluxDB 1.6 of Debian on loopback, to be killed and started again."""

import json
import os
import shutil
import signal
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.system.waiting import free_port, wait_until

_SETTINGS = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
cache-max-memory-size = 0
[http]
bind-address = "127.0.0.1:{http}"
log-enabled = false
max-row-limit = 0
[monitor]
store-enabled = false
"""


def program(folder):
    """Return the path of influxd: of the system, or unpacked from Debian's package once."""
    found = os.environ.get("OCSD_INFLUXD") or shutil.which("influxd")
    if found:
        return found
    unpacked = folder / "usr" / "bin" / "influxd"
    try:
        options = {"cwd": folder, "check": True, "capture_output": True, "timeout": 120}
        subprocess.run(["apt-get", "download", "influxdb"], **options)
        (package,) = folder.glob("influxdb_*.deb")
        subprocess.run(["dpkg", "-x", package, folder], **options)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        pytest.skip(f"there is no influxd here, and apt-get cannot download it: {error}")
    return str(unpacked)


class Influxd:
    """A server with a folder and a port of its own."""

    def __init__(self, executable, folder: Path):
        folder.mkdir()
        self.port = free_port()
        self._command = [executable, "-config", folder / "influxdb.conf"]
        self._log = (folder / "log").open("wb")
        text = _SETTINGS.format(folder=folder, http=self.port, rpc=free_port())
        (folder / "influxdb.conf").write_text(text)
        self._process = None

    def start(self):
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log)
        wait_until(self._answers, "influxd")

    @property
    def pid(self):
        return self._process.pid

    def end(self, number=signal.SIGTERM):
        self._process.send_signal(number)
        self._process.wait(30)

    def pause(self):
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def close(self):
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)
        self._log.close()

    def query(self, text, database="ocs_feeds"):
        """Return the series of a query."""
        where = urllib.parse.urlencode({"db": database, "q": text, "epoch": "ns"})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/query?{where}") as answer:
            return json.load(answer)["results"][0].get("series", [])

    def values(self, database="ocs_feeds"):
        """Return all values by measurement, tags, field and time [ns]."""
        found = {}
        for series in self.query("SELECT * FROM /.*/ GROUP BY *", database):
            tags = frozenset((key, value) for key, value in series["tags"].items() if value)
            for time, *values in series["values"]:
                for name, value in zip(series["columns"][1:], values, strict=True):
                    if value is not None:
                        found[series["name"], tags, name, time] = value
        return found

    def _answers(self):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=1).close()
        except OSError:
            return False
        return True
