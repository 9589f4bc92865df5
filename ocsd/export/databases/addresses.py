"""The database that somebody names: by its address, or as a writer in the site file has it."""

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from ocsd.errors import MissingLibraryError, UsageError
from ocsd.export.databases.destination import Destination
from ocsd.export.databases.line_destination import LineDestination
from ocsd.export.databases.server import (
    Endpoint,
    HttpDatabase,
    influxdb_1,
    influxdb_2,
    is_database_name,
)
from ocsd.site.recording import INFLUXDB_1_CLASS, INFLUXDB_2_CLASS, POSTGRES_CLASS

ADDRESS_FORMS: Final = (
    "http://HOST:8086/DATABASE (InfluxDB 1, VictoriaMetrics), influxdb2 (of INFLUXDB_V2_URL and "
    "its like), postgresql://USER@HOST/DATABASE, or a writer of the site file"
)

_PORT_RULE: Final = "its port is a number from 1 to 65535, and an IPv6 address is in brackets"
_HTTP: Final = frozenset({"http", "https"})
_POSTGRES: Final = frozenset({"postgresql", "postgres"})


def of_address(
    address: str, *, compresses: bool = False, environment: Mapping[str, str] = os.environ
) -> Destination[Any] | None:
    """Return the database of an address; None if it is no address.

    Raises
    ------
    UsageError
        If it has a password, an impossible port, or names no database.
    AgentArgumentsError
        If the environment lacks something.
    MissingLibraryError
        If psycopg is not installed.
    """
    if address == "influxdb2":
        return _lines(influxdb_2(compresses=compresses, environment=environment))
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:  # The text of the address may have a password.
        raise UsageError(
            f"--to is no address: {_PORT_RULE}; write it as {ADDRESS_FORMS}"
        ) from error
    if parts.scheme in _POSTGRES:
        return _postgres(address)
    if parts.scheme in _HTTP:
        return _lines(_influxdb_1(parts, port, compresses, environment))
    return None


def of_writer(
    agent_class: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> Destination[Any]:
    """Return the database to which an entry of a site file writes.

    Raises
    ------
    UsageError
        If its class writes to no database, or its arguments are wrong.
    AgentArgumentsError
        If the environment lacks something.
    MissingLibraryError
        If psycopg is not installed.
    """
    # They bring the agent runtime with them, which addresses do not need.
    from ocsd.export.databases import agent
    from ocsd.export.databases.postgres import agent as postgres_agent

    if agent_class == INFLUXDB_1_CLASS:
        told = _parsed(agent.make_parser(), arguments)
        return _lines(
            influxdb_1(
                host=told.host,
                port=told.port,
                database=told.database,
                uses_tls=told.ssl,
                verifies=told.verify_ssl,
                compresses=told.gzip,
                environment=environment,
            )
        )
    if agent_class == INFLUXDB_2_CLASS:
        told = _parsed(agent.make_parser_v2(), arguments)
        return _lines(influxdb_2(compresses=told.gzip, environment=environment))
    if agent_class == POSTGRES_CLASS:
        return _postgres(_parsed(postgres_agent.make_parser(), arguments).dsn)
    raise UsageError(f"{agent_class} writes to no database; write --to as {ADDRESS_FORMS}")


def _influxdb_1(
    parts: SplitResult, port: int | None, compresses: bool, environment: Mapping[str, str]
) -> Endpoint:
    if parts.password:
        raise UsageError(
            "--to has a password, which everybody could read in the list of processes; take it "
            "out and set INFLUXDB_USERNAME and INFLUXDB_PASSWORD_FILE"
        )
    database = parts.path.strip("/")
    if not is_database_name(database):
        raise UsageError(f"--to names no database; write it as {ADDRESS_FORMS}")
    uses_tls = parts.scheme == "https"
    return influxdb_1(
        host=parts.hostname or "localhost",
        port=8086 if port is None else port,
        database=database,
        uses_tls=uses_tls,
        verifies=uses_tls,
        compresses=compresses,
        environment=environment,
    )


def _lines(endpoint: Endpoint) -> Destination[Any]:
    return LineDestination(HttpDatabase(endpoint))


def _postgres(dsn: str) -> Destination[Any]:
    try:
        from ocsd.export.databases.postgres.connection import PostgresConnection
        from ocsd.export.databases.postgres.database import PostgresDatabase
    except ImportError as error:
        from ocsd.export.databases.postgres.agent import NOT_INSTALLED

        raise MissingLibraryError(NOT_INSTALLED) from error
    return PostgresDatabase(PostgresConnection(dsn), "ocsd data push")


def _parsed(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> Any:
    parser.exit_on_error = False
    try:
        return parser.parse_known_args(list(arguments))[0]
    except argparse.ArgumentError as error:
        raise UsageError(f"the arguments of this writer are wrong: {error}") from error
