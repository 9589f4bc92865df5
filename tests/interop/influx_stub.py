"""What InfluxDB 1 and 2 answer to OCS's publishers and to our writers; the lines are kept."""

import gzip
import json
import threading
from collections import defaultdict
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_DATABASES = {"series": [{"name": "databases", "columns": ["name"], "values": [["ocs_feeds"]]}]}


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        where = urlsplit(self.path)
        if where.path == "/api/v2/buckets":
            (name,) = parse_qs(where.query)["name"]
            bucket = {"id": "0123456789abcdef", "name": name, "retentionRules": []}
            self._answer(200, {"buckets": [bucket]})
        else:
            self._answer(200, {"results": [_DATABASES]})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        where = urlsplit(self.path)
        if where.path not in {"/write", "/api/v2/write"}:
            self._answer(200, {"results": [_DATABASES]})
            return
        asked = parse_qs(where.query)
        (name,) = asked.get("db") or asked["bucket"]
        self.server.lines[name].update(body.decode().splitlines())
        self._answer(204)

    def _answer(self, status, told=None):
        body = json.dumps(told).encode() if told else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def influx_stub():
    """Give a server's port, and its lines by database or bucket."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        server.lines = defaultdict(set)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, server.lines
        server.shutdown()
