"""Devices with a web interface."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.compatibility.devices.simulated import Simulated

Answer = Callable[[str, bytes], str]
"""From a path and what was posted to the text of the answer."""


@contextmanager
def web_device(answer: Answer, status: int = 200) -> Iterator[str]:
    """Serve a device; give ``host:port``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            content = answer(self.path, body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Influxdb-Version", "1.8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def flowmeter(_: Path) -> Iterator[Simulated]:
    """IFM SBN246 on an IO-Link master: 16 bits of flow, 14 of temperature."""

    def answer(_: str, body: bytes) -> str:
        name = "productname" in json.loads(body)["adr"]
        value = "SBN246" if name else f"{(42 << 16) | (68 << 2):08X}"
        return json.dumps({"cid": -1, "data": {"value": value}, "code": 200})

    with web_device(answer) as place:
        arguments = ["--ip-address", place, "--daq-port", 2]
        yield Simulated(arguments, "flowmeter", {"flow": 15.9, "temperature": 20.0})


@contextmanager
def radiometer(_: Path) -> Iterator[Simulated]:
    """UCSC's radiometer; its agent asks once a minute."""
    with web_device(lambda *_: json.dumps({"pwv": 0.49, "timestamp": time.time()})) as place:
        yield Simulated(["--url", f"http://{place}"], "pwvs", {"pwv": 0.49})


@contextmanager
def outlets(_: Path) -> Iterator[Simulated]:
    """Synaccess power switch: one digit per outlet, the last one first."""
    with web_device(lambda *_: "$A0,00101") as place:
        arguments = ["--ip-address", place, "--username", "admin", "--password", "admin"]
        yield Simulated(
            [*arguments, "--outlet-names", "a", "b", "c", "d", "e"],
            "synaccess",
            {"synaccess_0": 1, "synaccess_1": 0, "synaccess_2": 1},
        )


SIMULATORS = {
    "FlowmeterAgent": flowmeter,
    "SynaccessAgent": outlets,
    "UCSCRadiometerAgent": radiometer,
}
