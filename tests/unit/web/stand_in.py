"""A stand-in for the process `web`: serves the page, and made-up data that move.

``python -m tests.unit.web.stand_in`` prints its address. The answers have the shapes of
docs/reference/web-api.md; a test holds the real server against the same page.
"""

import json
import math
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.unit.web.world import MADE_UP, World, column, value

PAGE = Path(__file__).parents[3] / "ocsd" / "web" / "page"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class Handler(BaseHTTPRequestHandler):
    """Answers for the world of its server."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, query = self._target()
        if not path.startswith("/api/v1/"):
            return self._file(path)
        words = path.removeprefix("/api/v1/").split("/")
        streams = {"events": self._events, "live": self._live}
        if words[-1] in streams:
            self._begin_stream()
            return streams[words[-1]](query)
        return self._json(self._answer(words, query))

    def do_POST(self):
        path, _ = self._target()
        words = path.removeprefix("/api/v1/").split("/")
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.world.asked.append((*words, body))
        if words[0] == "alarms":
            self.server.world.answer_alarm(words[1], body)
            return self._json({})
        if words[-1] in ("up", "down", "restart"):
            result = {"event": "result", "instance_id": body["names"][0], "ok": True}
            return self._json({**result, "state": "up", "reason": "", "took_s": 0.4})
        self.server.world.task_began_at = time.time()
        return self._json({"status": 0, "message": f"Started {words[-2]}.", "session": None})

    def _target(self):
        target = urlsplit(self.path)
        return target.path, parse_qs(target.query)

    def _answer(self, words, query):
        world, now = self.server.world, time.time()
        if words[0] == "instances":
            spans = [
                {"state": "down", "health": None, "since_at": now - 90000, "until_at": now - 70000},
                {"state": "up", "health": "ok", "since_at": now - 70000, "until_at": now},
            ]
            return {
                "operations": {"operations": world.operations()},
                "strip": {"spans": [{**each, "reason": "asked"} for each in spans]},
                "log": {"lines": world.log(float(query.get("since", ["0"])[0])), "path": ""},
            }[words[2]]
        if words == ["window"]:
            since, until = (float(query[key][0]) for key in ("since", "until"))
            return world.window(query["field"], since, until, int(query["columns"][0]))
        fields = world.fields(query.get("search", query.get("pattern", [""]))[0])
        values = [
            {**each, "value": value(each["field"], now), "at": now - 0.3, "age_s": 0.3}
            for each in fields
        ]
        entry = {"at": now - 5, "name": world.names[0], "event": "Restart", "by": "simon, page"}
        return {
            "state": world.state(),
            "alarms": {
                "alarms": world.alarms,
                "incidents": [],
                "deliveries": world.deliveries,
                "as_of": now,
                "evaluator": "running",
            },
            "fields": {"fields": fields, "total": len(fields), "unread": 0},
            "values": {"at": now, "values": values},
            "history": {"entries": [{**entry, "reason": "restart requested"}]},
            "views": {"views": []},
            "me": {"closed": False, "person": None, "role": "", "roles": [], "can_log_out": False},
            "about": {"version": "0.0", "since_at": now, "pid": 1, "viewers": 1},
        }[words[0]]

    def _file(self, path):
        file = PAGE / (path.removeprefix("/static/").lstrip("/") or "index.html")
        if not file.is_file():
            return self.send_error(404)
        return self._send(file.read_bytes(), KINDS.get(file.suffix, "text/plain"))

    def _json(self, answer):
        self._send(json.dumps(answer).encode() + b"\n", "application/json")

    def _send(self, body, kind):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("content-security-policy", "default-src 'self'")
        self.end_headers()
        self.wfile.write(body)

    def _begin_stream(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

    def _event(self, name, data):
        while self.server.world.silent.is_set() and not self.server.over.is_set():
            self.server.over.wait(0.1)
        self.wfile.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())

    def _events(self, _query):
        while True:
            self._event("state", self.server.world.state())
            if self._over_after(1):
                return
            self._event("tick", {"at": time.time()})

    def _live(self, query):
        step = float(query["step"][0])
        at = math.ceil(float(query["since"][0]) / step) * step
        self._event("begin", {"since": at, "step": step})
        while not self._over_after(0.25):
            last = time.time()
            bins = range(math.floor(at / step), math.floor(last / step) + 1)
            times = [(i + 0.5) * step for i in bins]
            at = last
            update = {field: column(field, times) for field in query["field"]}
            self._event("update", {"at": last, "fields": update})
            self._event("tick", {"at": last})

    def _over_after(self, seconds):
        return self.server.over.wait(seconds)

    def handle(self):
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # the page has gone

    def log_message(self, format, *args):
        """Say nothing."""


@contextmanager
def served(world, port=0):
    """Serve a world on a port of the loopback; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.world, server.over = world, threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def main():
    """Serve a site with some trouble until Ctrl-C."""
    names = ["fake-data1", "fake-data2", "thermo1", "weather", "aggregator"]
    with served(World(names, MADE_UP), 8099) as address:
        print(address, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
