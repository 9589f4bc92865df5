"""A Prometheus of Debian's package on this machine, which scrapes one page."""

import contextlib
import json
import os
import shutil
import subprocess
import urllib.parse
import urllib.request

import pytest

from tests.promtool import PROMTOOL
from tests.system.waiting import free_port, wait_until

_BESIDE = PROMTOOL and os.path.join(os.path.dirname(PROMTOOL), "prometheus")
PROGRAM = shutil.which("prometheus") or (_BESIDE and shutil.which(_BESIDE))

needs_prometheus = pytest.mark.skipif(
    PROGRAM is None,
    reason="needs prometheus of Debian's package of that name, in PATH or beside OCSD_PROMTOOL",
)

_CONFIGURATION = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: ocsd
    static_configs: [{{targets: ["{target}"], labels: {{host: lab}}}}]
"""


class PrometheusServer:
    """A server that runs."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}/api/v1/query?"

    def ask(self, query):
        """Return the samples that a query has now."""
        target = self.url + urllib.parse.urlencode({"query": query})
        with urllib.request.urlopen(target, timeout=10) as answer:
            told = json.load(answer)
        assert told["status"] == "success", told
        return told["data"]["result"]


@contextlib.contextmanager
def prometheus_server(folder, target):
    """Yield a server that has scraped a target, ``HOST:PORT``, a few times."""
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(_CONFIGURATION.format(target=target))
    with (
        open(folder / "log", "wb") as log,
        subprocess.Popen(
            [
                PROGRAM,
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        ) as process,
    ):
        server = PrometheusServer(port)
        try:
            wait_until(lambda: _scrapes(server) >= 3, "three scrapes")
            yield server
        finally:
            process.terminate()


def _scrapes(server):
    with contextlib.suppress(OSError):
        for row in server.ask("count_over_time(ocsd_daemon_up[1m])"):
            return int(row["value"][1])
    return 0
