"""A writer to InfluxDB as a process that a test kills: DATA_FOLDER STATE_FOLDER PORT."""

import json
import sys
import time
from pathlib import Path

from ocsd.aggregator.incoming.quarantine import Quarantine
from ocsd.export.databases.cursor import CursorFile
from ocsd.export.databases.inbox import Inbox
from ocsd.export.databases.line_destination import LineDestination
from ocsd.export.databases.server import HttpDatabase, influxdb_1
from ocsd.export.databases.writer import Writer
from ocsd.system import files


def main(data, state, port):
    Path(state).mkdir(exist_ok=True)
    endpoint = influxdb_1(
        host="127.0.0.1",
        port=int(port),
        database="ocs_feeds",
        uses_tls=False,
        verifies=False,
        compresses=False,
    )
    writer = Writer(
        LineDestination(HttpDatabase(endpoint, limit_s=2.0)),
        Path(data),
        CursorFile(Path(state) / "cursor.json"),
        Quarantine(Path(state) / "refused"),
        Inbox(takes_all=False, clock=time.time),
    )
    while True:
        delay_s = writer.step()
        files.replace(Path(state) / "report.json", json.dumps(writer.report()).encode())
        time.sleep(delay_s)


if __name__ == "__main__":
    main(*sys.argv[1:])
