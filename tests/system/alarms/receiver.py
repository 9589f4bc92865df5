"""A receiver of alarms on loopback: it keeps what it gets, and answers as it is told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """An HTTP server; with `hangs`, it takes a request and does not answer."""

    def __init__(self, port=0):
        self.got = []
        self.code, self.headers, self.text = 200, {}, "ok"
        self.hangs = False
        self._ending = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        self.got.append((request.path, dict(request.headers), body))
        if self.hangs:
            self._ending.wait()
            return
        request.send_response(self.code)
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(self.text.encode())

    @property
    def messages(self):
        return [json.loads(body) for _, _, body in self.got]

    def close(self):
        self._ending.set()
        self.server.shutdown()
        self.server.server_close()
