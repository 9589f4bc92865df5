"""A writer as a process that a test kills: DATA_FOLDER STATE_FOLDER PORT_OR_DSN [SETTLE_S].

A port is InfluxDB's, a connection string PostgreSQL's.
"""

import json
import time
from pathlib import Path

from ocsd.aggregator.incoming.quarantine import Quarantine
from ocsd.export.databases.cursor import CursorFile
from ocsd.export.databases.inbox import Inbox
from ocsd.export.databases.line_destination import LineDestination
from ocsd.export.databases.postgres.connection import PostgresConnection
from ocsd.export.databases.postgres.database import PostgresDatabase
from ocsd.export.databases.server import HttpDatabase, influxdb_1
from ocsd.export.databases.writer import Writer
from ocsd.system import files


def opened(where, state, settle_s):
    """Return the destination, and the keeper of its cursor."""
    if "=" in where:
        database = PostgresDatabase(PostgresConnection(where, limit_s=2.0), "writer")
        return database, database
    endpoint = influxdb_1(
        host="127.0.0.1",
        port=int(where),
        database="ocs_feeds",
        uses_tls=False,
        verifies=False,
        compresses=False,
    )
    database = LineDestination(HttpDatabase(endpoint, limit_s=2.0))
    return database, CursorFile(state / "cursor.json", float(settle_s))


def main(data, state, where, settle_s=0):
    Path(state).mkdir(exist_ok=True)
    destination, cursor = opened(where, Path(state), settle_s)
    quarantine = Quarantine(Path(state) / "refused")
    inbox = Inbox(takes_all=False, clock=time.time)
    writer = Writer(destination, Path(data), cursor, quarantine, inbox)
    while True:
        delay_s = writer.step()
        files.replace(Path(state) / "report.json", json.dumps(writer.report()).encode())
        time.sleep(delay_s)
