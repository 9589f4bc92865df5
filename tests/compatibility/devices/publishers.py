"""Agents of OCS that pass the feeds of others on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compatibility.devices.http import web_device
from tests.compatibility.devices.simulated import Simulated

_FIELD = b"temperatures"


@contextmanager
def influxdb(_: Path) -> Iterator[Simulated]:
    """An InfluxDB of version 1 that keeps what it is sent."""
    written: list[bytes] = []
    databases = {"name": "databases", "columns": ["name"], "values": [["lab"]]}

    def answer(path: str, body: bytes) -> str:
        if path.startswith("/write"):
            written.append(body)
        return json.dumps({"results": [{"series": [databases]}]})

    with web_device(answer) as place:
        host, _, port = place.partition(":")
        arguments = ["--host", host, "--port", port, "--database", "lab"]
        yield Simulated(arguments, seen=lambda: any(_FIELD in body for body in written))


@contextmanager
def influxdb_v2(_: Path) -> Iterator[Simulated]:
    """The same of version 2; its agent has no options, but an environment."""
    written: list[bytes] = []
    buckets = [{"id": "1", "name": "lab", "orgID": "1", "retentionRules": []}]

    def answer(path: str, body: bytes) -> str:
        if path.startswith("/api/v2/write"):
            written.append(body)
        return json.dumps({"buckets": buckets})

    with web_device(answer) as place:
        keys = {"URL": f"http://{place}", "ORG": "lab", "BUCKET": "lab", "TOKEN": "none"}
        environment = {f"INFLUXDB_V2_{key}": value for key, value in keys.items()}
        yield Simulated(
            [],
            environment=environment,
            seen=lambda: any(_FIELD in body for body in written),
        )


SIMULATORS = {"InfluxDBAgent": influxdb, "InfluxDBAgentv2": influxdb_v2}
