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

PAGE = Path(__file__).parents[3] / "ocsd" / "web" / "page"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
YEAR_S = 365 * 86400


def operation(name, kind, params=(), session=None, docstring=""):
    """Return an operation as `GET instances/NAME/operations` has it."""
    return {
        "name": name,
        "kind": kind,
        "docstring": docstring,
        "params": list(params),
        "session": session,
    }


def param(name, type_, default=None, choices=None, help_=""):
    """Return a parameter with a default."""
    return {
        "name": name,
        "type": type_,
        "default": default,
        "has_default": True,
        "choices": choices,
        "help": help_,
    }


class World:
    """The made-up site: what it answers now, and what was asked of it."""

    def __init__(self, names=("fake-data1", "fake-data2"), wrong=()):
        self.names = list(names)
        self.wrong = list(wrong)
        self.asked = []
        self.silent = threading.Event()
        """Set it to let all streams stall without an end."""
        self.task_began_at = None
        self.hole = {"before_s": 240, "length_s": 40}
        self.begun_at = time.time()

    def state(self):
        now = time.time()
        level = "bad" if self.wrong else "ok"
        instances = [self.instance(name, now) for name in self.names]
        up = sum(each["state"] == "up" for each in instances)
        verdict = (
            f"grumpy: {level} · {up} of {len(instances)} up · recording {len(instances)} feeds, "
            "last sample 0.6 s ago · disk full in 9 days"
        )
        host = {
            "host": "grumpy",
            "answers": True,
            "reason": "",
            "asked_at": now - 0.2,
            "level": level,
            "verdict": verdict,
            "wrong": self.wrong,
            "status": {"schema": "ocsd.status/1", "host": "grumpy", "instances": instances},
        }
        return {
            "schema": "ocsd.page/1",
            "at": now,
            "site": {"name": "Sandbox", "colour": "#7a3e9d"},
            "hosts": [host],
        }

    def instance(self, name, now):
        bad = next((each for each in self.wrong if each["instance_id"] == name), None)
        return {
            "instance_id": name,
            "agent_class": "FakeDataAgent",
            "state": "backoff" if bad else "up",
            "target": "up",
            "health": None if bad else "ok",
            "reason": bad["reason"] if bad else "",
            "since_at": self.begun_at,
            "pid": None if bad else 4121,
            "uptime_s": None if bad else now - self.begun_at,
            "restarts": 3 if bad else 0,
            "cpu_percent": None if bad else 1.2 + math.sin(now),
            "rss_bytes": None if bad else 23_400_000,
            "operations": None if bad else [{"name": "acq", "kind": "process", "state": "running"}],
            "sample_age_s": None if bad else now % 1,
        }

    def operations(self):
        session = None
        if self.task_began_at:
            so_far = min(5.0, time.time() - self.task_began_at)
            session = {
                "op_name": "delay_task",
                "status": "running" if so_far < 5 else "done",
                "success": True if so_far >= 5 else None,
                "start_time": self.task_began_at,
                "end_time": None,
                "data": {"requested_delay": 5.0, "delay_so_far": so_far},
                "messages": [[self.task_began_at, "Status is now running."]],
            }
        text = "delay_task(delay=5, succeed=True)\n\n<b>Task</b> - Sleep <script>alert(1)</script>."
        return [
            operation("acq", "process", [param("degradation_period", "float, nullable")]),
            operation(
                "delay_task",
                "task",
                [
                    param("delay", "float", 5.0),
                    param("succeed", "bool", default=True),
                    param("mode", "str", "fast", choices=["fast", "slow"]),
                ],
                session,
                text,
            ),
        ]

    def fields(self, search=""):
        feeds = [f"{name}.false_temperatures" for name in self.names]
        channels = [f"{feed}.channel_{i:02d}" for feed in feeds for i in range(4)]
        every = [*channels, *(f"{name}.status.mode" for name in self.names)]
        found = [field for field in every if search.lower() in field.lower()]
        return [self.field(each) for each in found]

    def field(self, field):
        name, feed, last = field.rsplit(".", 2)
        is_text = last == "mode"
        return {
            "field": field,
            "instance_id": name,
            "feed": feed,
            "name": last,
            "kind": "text" if is_text else "number",
            "units": "" if is_text else "K",
            "label": "cold plate" if last == "channel_00" else "",
            "newest_at": time.time() - 0.3,
        }

    def window(self, fields, since, until, columns):
        hole_from = self.begun_at - self.hole["before_s"]
        hole_until = hole_from + self.hole["length_s"]
        found = {
            each: self.series(each, since, until, columns, (hole_from, hole_until))
            for each in fields
        }
        holes = [
            {
                "feed": feed,
                "since_at": hole_from,
                "until_at": hole_until,
                "cause": "the aggregator was killed",
                "count": 160,
                "estimated": True,
            }
            for feed in sorted({each.rsplit(".", 1)[0] for each in fields})
        ]
        return {"since": since, "until": until, "fields": found, "holes": holes}

    def series(self, field, since, until, columns, hole):
        step = max((until - since) / columns, 0.25)
        first = math.ceil(since / step)
        times = [i * step for i in range(first, math.floor(until / step) + 1)]
        times = [at for at in times if not hole[0] <= at <= hole[1] and at >= time.time() - YEAR_S]
        if field.endswith(".mode"):
            changes = [[at, f"mode {int(at // 300) % 7}"] for at in times if at % 300 < step]
            return {
                **{key: [] for key in ("t", "n", "n_nan", "min", "max", "mean", "breaks")},
                "raw": False,
                "changes": changes,
                "units": "",
                "label": "",
            }
        means = [value(field, at) for at in times]
        spread = 0.02 * step**0.5
        breaks = [i for i, at in enumerate(times) if i and times[i - 1] < hole[0] < at]
        return {
            "t": times,
            "n": [max(1, round(step * 4)) for _ in times],
            "n_nan": [0 for _ in times],
            "min": [each - spread for each in means],
            "max": [each + spread for each in means],
            "mean": means,
            "raw": False,
            "breaks": breaks,
            "changes": None,
            "units": "K",
            "label": "",
        }


def value(field, at):
    """Return the made-up value of a field at a time."""
    place = sum(map(ord, field)) % 17
    slow, fast = math.sin(at / 400 + place), math.sin(at / 7 + place) * 0.15
    return 280 + place / 4 + slow + fast


class Handler(BaseHTTPRequestHandler):
    """Answers for the world of its server."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, query = self._target()
        if not path.startswith("/api/v1/"):
            return self._file(path)
        words = path.removeprefix("/api/v1/").split("/")
        streams = {"events": self._events, "live": self._live, "follow": self._lines}
        if words[-1] in streams:
            self._begin_stream()
            return streams[words[-1]](query)
        return self._json(self._answer(words, query))

    def do_POST(self):
        path, _ = self._target()
        words = path.removeprefix("/api/v1/").split("/")
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.world.asked.append((*words, body))
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
                "log": {
                    "lines": [{"at": now, "level": "info", "text": "<i>hello</i>"}],
                    "path": "",
                },
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
            "fields": {"fields": fields, "total": len(fields)},
            "values": {"at": now, "values": values},
            "history": {"entries": [{**entry, "reason": "restart requested"}]},
            "views": {"views": []},
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

    def _lines(self, _query):
        while not self._over_after(1):
            self._event("line", {"at": time.time(), "level": "info", "text": "another line"})

    def _over_after(self, seconds):
        return self.server.over.wait(seconds)

    def handle(self):
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # the page has gone

    def log_message(self, format, *args):
        """Say nothing."""


def column(field, times):
    """Return live columns of a field."""
    means = [value(field, at) for at in times]
    spread = 0.02
    return {
        "t": times,
        "n": [4 for _ in times],
        "min": [each - spread for each in means],
        "max": [each + spread for each in means],
        "mean": means,
    }


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


MADE_UP = (
    {
        "what": "thermo1",
        "instance_id": "thermo1",
        "reason": "SerialException: could not open port /dev/ttyUSB3: [Errno 2] No such file",
        "since_at": time.time() - 2400,
        "remedy": "connect the device, or change --port in default.yaml line 31",
    },
    {
        "what": "disk",
        "instance_id": None,
        "reason": "the disk of the data folder /data is full in 9 days",
        "since_at": None,
        "remedy": "ocsd data ls shows what takes the space",
    },
)


def main():
    """Serve a site with some trouble until Ctrl-C."""
    names = [*(f"fake-data{i}" for i in range(1, 7)), "thermo1", "weather", "aggregator"]
    with served(World(names, MADE_UP), 8099) as address:
        print(address, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
