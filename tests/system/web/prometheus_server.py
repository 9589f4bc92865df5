"""Prometheus and Alertmanager of Debian's packages on this machine, which scrape one page."""

import contextlib
import json
import os
import shutil
import subprocess
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.promtool import PROMTOOL
from tests.system.waiting import free_port, wait_until

_BESIDE = PROMTOOL and os.path.join(os.path.dirname(PROMTOOL), "prometheus")
PROGRAM = shutil.which("prometheus") or (_BESIDE and shutil.which(_BESIDE))

needs_prometheus = pytest.mark.skipif(
    PROGRAM is None,
    reason="needs prometheus of Debian's package of that name, in PATH or beside OCSD_PROMTOOL",
)

_ALERTMANAGER = PROMTOOL and os.path.join(os.path.dirname(PROMTOOL), "prometheus-alertmanager")
ALERTMANAGER = shutil.which("prometheus-alertmanager") or (
    _ALERTMANAGER and shutil.which(_ALERTMANAGER)
)
_TEMPLATE = Path("/usr/share/prometheus/alertmanager/default.tmpl")
"""Debian's Alertmanager reads it there, and does not start without."""
needs_alertmanager = pytest.mark.skipif(
    PROGRAM is None or ALERTMANAGER is None or not _TEMPLATE.exists(),
    reason="needs prometheus and prometheus-alertmanager of Debian's packages of these names, "
    f"and {_TEMPLATE}",
)

_RULES = Path(__file__).parents[3] / "deploy" / "prometheus" / "ocsd.rules.yml"
_CONFIGURATION = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: [{alertmanagers}]}}]}}]}}
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
def prometheus_server(folder, target, *alertmanagers):
    """Yield a server that has scraped a target, ``HOST:PORT``, a few times.

    It has the rules of deploy/prometheus, and tells its alerts to these `alertmanagers`.
    """
    file, port = folder / "prometheus.yml", free_port()
    told = json.dumps(alertmanagers).strip("[]")
    file.write_text(_CONFIGURATION.format(target=target, rules=_RULES, alertmanagers=told))
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


_ROUTE = """
route: {{receiver: people, group_wait: 0s, group_interval: 1s}}
receivers: [{{name: people, webhook_configs: [{{url: "http://127.0.0.1:{port}/"}}]}}]
"""


@contextlib.contextmanager
def webhook():
    """Yield the port of a webhook, and the list of what was posted to it."""
    posted = []

    class _Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), _Hook) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port, posted
        server.shutdown()


@contextlib.contextmanager
def alertmanager(folder, hook_port):
    """Yield the address of an Alertmanager that tells everything to a webhook."""
    file, address = folder / "alertmanager.yml", f"127.0.0.1:{free_port()}"
    file.write_text(_ROUTE.format(port=hook_port))
    with (
        open(folder / "alertmanager.log", "wb") as log,
        subprocess.Popen(
            [
                ALERTMANAGER,
                f"--config.file={file}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield address
        finally:
            process.terminate()
