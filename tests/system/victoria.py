"""VictoriaMetrics of Debian on loopback, to be killed and started again."""

import json
import os
import shutil
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.system.waiting import free_port, wait_until

_NAME = "victoria-metrics"


def program(folder):
    """Return the path of victoria-metrics: of the system, or unpacked from Debian's package."""
    found = os.environ.get("OCSD_VICTORIA_METRICS") or shutil.which(_NAME)
    if found:
        return found
    try:
        options = {"cwd": folder, "check": True, "capture_output": True, "timeout": 120}
        subprocess.run(["apt-get", "download", _NAME], **options)
        (package,) = folder.glob(f"{_NAME}_*.deb")
        subprocess.run(["dpkg", "-x", package, folder], **options)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        pytest.skip(f"there is no {_NAME} here, and apt-get cannot download it: {error}")
    return str(folder / "usr" / "bin" / _NAME)


class Victoria:
    """A server with a folder and a port of its own, which keeps a point once."""

    def __init__(self, executable, folder: Path):
        folder.mkdir()
        self.port = free_port()
        self._command = [
            executable,
            f"-httpListenAddr=127.0.0.1:{self.port}",
            f"-storageDataPath={folder / 'data'}",
            "-dedup.minScrapeInterval=1ms",
            "-retentionPeriod=1y",
        ]
        self._log = (folder / "log").open("ab")
        self._process = None

    def start(self):
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log)
        wait_until(self._answers, _NAME)

    def kill(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)

    def close(self):
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._log.close()

    def values(self):
        """Return the values of each point by labels and time [ms]; the name is a label as well."""
        self._get("/internal/force_flush")
        found = {}
        for line in self._get("/api/v1/export?match[]=%7Bfeed%21%3D%22%22%7D").splitlines():
            series = json.loads(line)
            labels = frozenset(series["metric"].items())
            for time, value in zip(series["timestamps"], series["values"], strict=True):
                found.setdefault((labels, time), []).append(value)
        return found

    def _get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return answer.read()

    def _answers(self):
        try:
            return self._get("/health") == b"OK"
        except OSError:
            return False
