"""A small real server that speaks the control API, in place of the daemon.

Tests run it in a thread; `python stand_in_daemon.py …` runs it as a process of
its own, in place of `python -m ocsd.daemon`.
"""

import argparse
import contextlib
import json
import os
import signal
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from ocsd.system import paths


def instance(instance_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "instance_id": instance_id,
        "agent_class": "FakeDataAgent",
        "state": "up",
        "target": "up",
        "health": "ok",
        "reason": "",
        "since_at": 1795332781.5,
        "pid": 4321,
        "uptime_s": 11525.2,
        "restarts": 0,
        "cpu_percent": 1.25,
        "rss_bytes": 8_178_892,
        "log_path": f"/nonexistent/{instance_id}.log",
        "next_try_s": None,
        **fields,
    }


def status(host: str, *instances: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": "ocsd.status/1",
        "host": host,
        "version": "0.1.0",
        "pid": os.getpid(),
        "site_file": "/etc/ocsd/default.yaml",
        "since_at": 1795332780.0,
        "router": {"state": "up", "pid": 77, "url": "ws://localhost:8001/ws", "reason": ""},
        "instances": list(instances),
    }


class StandIn(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers with `status`, and POSTs with the lines that `streams` has for them."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, socket_path: Path, status: dict[str, Any]) -> None:
        socket_path.parent.mkdir(parents=True, exist_ok=True)
        self.status = status
        self.answers: dict[str, dict[str, Any]] = {}  # of other GETs than for the status
        self.streams: dict[str, list[dict[str, Any]]] = {}
        self.refusal: tuple[int, bytes] | None = None
        self.silent = threading.Event()  # while set, nothing is answered
        self.after: dict[str, Any] = {}  # what to do when a stream has been sent
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.asked = 0  # how often for its status
        super().__init__(str(socket_path), _Answer)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that went away


class _Answer(BaseHTTPRequestHandler):
    # As twisted.web answers a request of HTTP/1.0: without chunks, up to the end of the connection.
    protocol_version = "HTTP/1.0"
    server: StandIn

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked += 1
        while self.server.silent.is_set():
            time.sleep(0.01)
        if not self._refused():
            answer = self.server.answers.get(self.path, self.server.status)
            self._whole(200, json.dumps(answer).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self.server.requests.append((self.path, body))
        if self._refused():
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.end_headers()
        for line in self.server.streams.get(self.path, []):
            self.wfile.write(json.dumps(line).encode() + b"\n")
        after = self.server.after.get(self.path)
        if after is not None:
            after()

    def _refused(self) -> bool:
        if self.server.refusal is None:
            return False
        self._whole(*self.server.refusal)
        return True

    def _whole(self, code: int, text: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def main() -> None:
    """Behave as `python -m ocsd.daemon` does in the ways that $STAND_IN names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="grumpy")
    parser.add_argument("--site-file")
    parser.add_argument("--colour", default="auto")
    parser.add_argument("--detached", action="store_true")
    args = parser.parse_args()
    manner = os.environ.get("STAND_IN", "")
    with open(os.environ["STAND_IN_PIDS"], "a") as pids:
        pids.write(f"{os.getpid()}\n")
    print(f"daemon {os.getpid()} colour {args.colour} site file {args.site_file}", flush=True)
    if manner == "refuse":
        print("ocsd: no host 'grumpi' in default.yaml; did you mean 'grumpy'?", file=sys.stderr)
        sys.exit(78)
    if manner == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if manner in {"foreground", "stopped"}:
        sys.exit(0)
    astray = {"state": "failed", "reason": "unknown class"} if manner == "astray" else {}
    server = StandIn(
        paths.of_host(args.host).control_socket, status(args.host, instance("fake-data1", **astray))
    )
    if manner == "slow":
        time.sleep(60)
    server.streams["/v1/stop"] = [{"event": "stopped", "took_s": 0.1}]
    server.after["/v1/stop"] = threading.Thread(target=server.shutdown).start
    print("fake-data1 up", flush=True)
    if args.detached:
        null = os.open(os.devnull, os.O_RDWR)
        for number in (1, 2):
            os.dup2(null, number)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever(0.01)


if __name__ == "__main__":
    main()
