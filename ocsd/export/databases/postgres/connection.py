"""A connection to PostgreSQL that ends when the server does not answer in time."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ocsd.errors import AgentArgumentsError
from ocsd.export.databases.destination import DatabaseAwayError

CONNECT_LIMIT_S: Final = 10
STATEMENT_LIMIT_S: Final = 30.0
"""Time within which a statement has to be answered [s]."""

_LONGEST_MESSAGE: Final = 300
_ADVICE: Final = {
    "28": "correct its user and password",
    "3D": "create it (createdb), or correct its name",
    "42501": "give this user the right to create tables and to write there",
    "53100": "make room on its disk",
    "25006": "it takes no data: write to the primary server",
}


class PostgresConnection:
    """Connects on request, and closes what has failed.

    Parameters
    ----------
    conninfo : str
        As libpq takes it, a URI or ``key=value``; the rest comes from libpq's own variables and
        files.
    limit_s : float
        Time within which a statement has to be answered [s].

    Raises
    ------
    AgentArgumentsError
        If `conninfo` cannot be understood, or has a password in it.
    """

    def __init__(self, conninfo: str, limit_s: float = STATEMENT_LIMIT_S) -> None:
        try:
            told: dict[str, Any] = conninfo_to_dict(conninfo)
        except psycopg.Error as error:
            raise AgentArgumentsError(
                f"this is no address of a database: {_first_line(error)}; write it as host=HOST "
                "dbname=NAME user=USER, or as postgresql://USER@HOST/NAME"
            ) from error
        if told.get("password") or told.get("sslpassword"):
            raise AgentArgumentsError(
                "the address of the database has a password, which everybody could read in the "
                "list of processes; write it into ~/.pgpass or the file that PGPASSFILE names"
            )
        self.name = _name(told)
        told = {"connect_timeout": CONNECT_LIMIT_S, "application_name": "ocsd", **told}
        self._conninfo = make_conninfo("", **told, client_encoding="utf8")
        self._limit_s = limit_s
        self._open: psycopg.Connection[Any] | None = None

    def open(self) -> None:
        """Connect anew.

        Raises
        ------
        DatabaseAwayError
            If that fails.
        """
        self.close()
        with self._errors():
            self._open = psycopg.connect(self._conninfo, prepare_threshold=None)

    @contextmanager
    def answering(self) -> Iterator[psycopg.Connection[Any]]:
        """Give the connection to statements that the server has to answer in time.

        Only a refusal of values (`psycopg.DataError`, `psycopg.IntegrityError` and their like) may
        be caught inside, in a transaction of its own.

        Raises
        ------
        DatabaseAwayError
            If it is not open, or anything fails; then it is closed.
        """
        connection = self._open
        if connection is None:
            raise DatabaseAwayError(f"the database at {self.name} has ended the connection")
        timer = threading.Timer(self._limit_s, _cut, [connection])
        timer.daemon = True
        timer.start()
        try:
            with self._errors():
                yield connection
        finally:
            timer.cancel()

    def close(self) -> None:
        """Close the connection; what was not committed is gone."""
        if self._open is not None:
            with suppress(psycopg.Error):
                self._open.close()
        self._open = None

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, OSError) as error:
            self.close()
            raise DatabaseAwayError(self._why(error)) from error

    def _why(self, error: Exception) -> str:
        state = getattr(error, "sqlstate", None) or ""
        advice = _ADVICE.get(state) or _ADVICE.get(state[:2], "")
        verb = "refuses" if state else "does not answer"
        text = f"the database at {self.name} {verb}: {_first_line(error)}"
        return f"{text}; {advice}" if advice else text


def reason_of(error: Exception) -> str:
    """Return the reason why values were refused, without the values."""
    diagnostics = getattr(error, "diag", None)
    return str(getattr(diagnostics, "message_primary", None) or _first_line(error))


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST_MESSAGE] or type(error).__name__


def _name(told: dict[str, Any]) -> str:
    """Return the address for people: from the arguments, else from libpq's variables."""
    known = {
        option.keyword.decode(): option.val.decode()
        for option in psycopg.pq.Conninfo.get_defaults()
        if option.val
    }
    known |= {key: str(value) for key, value in told.items() if value}
    host = known.get("host") or known.get("hostaddr") or "localhost"
    user = known.get("user", "")
    port = known.get("port", "5432")
    return f"postgresql://{user}@{host}:{port}/{known.get('dbname') or user}"


def _cut(connection: psycopg.Connection[Any]) -> None:
    """End a connection whose thread waits for the server."""
    with (
        suppress(psycopg.Error, OSError),
        socket.socket(fileno=os.dup(connection.fileno())) as its_socket,
    ):
        its_socket.shutdown(socket.SHUT_RDWR)
