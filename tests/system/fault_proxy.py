"""A database behind a proxy that spoils its answers when a test says so."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HALF = "half"
"""Fault: half of what is written is passed on, and the connection ends without an answer."""


class FaultProxy:
    """Passes requests on to a port of this machine; with a `fault`, answers that instead.

    A fault is a status and a text, or `HALF`.
    """

    def __init__(self, port):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.target, self._server.fault, self._server.spoilt = port, None, 0
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def spoilt(self):
        """Number of requests that met a fault."""
        return self._server.spoilt

    def spoil(self, fault):
        self._server.fault = fault

    def heal(self):
        self._server.fault = None

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.server.fault
        self.server.spoilt += fault is not None
        if fault == HALF:
            lines = body.splitlines(keepends=True)
            self._pass_on(b"".join(lines[: (len(lines) + 1) // 2]))
            self.close_connection = True
        else:
            self._answer(*(fault or self._pass_on(body)))

    def _pass_on(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.target, timeout=30)
        try:
            connection.request("POST", self.path, body, {"Authorization": "Basic cm9vdDpyb290"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 502, b"bad gateway"
        finally:
            connection.close()

    def _answer(self, status, text):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if status != 204:
            self.wfile.write(text)

    def log_message(self, *_words):
        pass
