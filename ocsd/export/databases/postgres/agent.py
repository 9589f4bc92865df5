"""The agent ``PostgreSQLAgent``."""

import argparse
import socket
from pathlib import Path

from ocsd import ocs_agent, site_config
from ocsd.errors import AgentArgumentsError
from ocsd.export.databases.agent import DatabaseWriter, add_writer_options
from ocsd.site.recording import POSTGRES_CLASS

NOT_INSTALLED = (
    "PostgreSQL needs the package psycopg; install it with: pip install 'ocsd[postgres]'"
)


def make_parser(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the options of the agent to a parser."""
    parser = parser or argparse.ArgumentParser()
    group = add_writer_options(parser)
    group.add_argument(
        "--dsn",
        default="",
        help="the database as libpq takes it, such as 'host=db dbname=feeds user=ocs' or "
        "postgresql://ocs@db/feeds, without a password; what it leaves out comes from libpq's "
        "variables and files (PGHOST, PGSERVICE, PGPASSFILE, ~/.pgpass)",
    )
    return parser


def main(args: list[str] | None = None) -> None:
    """Run ``PostgreSQLAgent`` until it has to end."""
    parsed = site_config.parse_args(agent_class=POSTGRES_CLASS, parser=make_parser(), args=args)
    try:
        from ocsd.export.databases.postgres.connection import PostgresConnection
        from ocsd.export.databases.postgres.database import PostgresDatabase
    except ImportError as error:
        raise AgentArgumentsError(NOT_INSTALLED) from error
    PostgresConnection(parsed.dsn)  # A mistake in it ends the agent, and not the process `record`.
    agent, runner = ocs_agent.init_site_agent(parsed)
    # Places in the journal mean something on this machine and in this folder only.
    writer = f"{agent.agent_address} on {socket.gethostname()}, {parsed.data_dir}"

    def opened(_folder: Path) -> tuple[PostgresDatabase, PostgresDatabase]:
        database = PostgresDatabase(PostgresConnection(parsed.dsn), writer)
        return database, database

    DatabaseWriter(agent, opened, parsed)
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
