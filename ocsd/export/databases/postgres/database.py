"""PostgreSQL as the destination of a writer, and the keeper of its cursor.

Rows and cursor are committed together. So each sample is there once, whatever is killed, and a
database that is restored from a backup gets what has come since.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import errors
from psycopg.types.json import Jsonb

from ocsd.export.databases import cursor as cursors
from ocsd.export.databases.cursor import Cursor
from ocsd.export.databases.destination import Delivered, Refused
from ocsd.export.databases.points import BlockSamples
from ocsd.export.databases.postgres import rows as rows_of_tables
from ocsd.export.databases.postgres import statements
from ocsd.export.databases.postgres.catalogue import (
    COLUMN_TYPES,
    KIND_OF_TYPE,
    FieldCatalogue,
    FieldKey,
    TableColumn,
)
from ocsd.export.databases.postgres.connection import PostgresConnection, reason_of
from ocsd.export.databases.postgres.copying import encoded
from ocsd.export.databases.postgres.rows import Rows

_REFUSALS: Final = (
    errors.DataError,
    errors.IntegrityError,
    errors.ProgramLimitExceeded,
    errors.StatementTooComplex,
    errors.TooManyColumns,
    errors.RaiseException,
    UnicodeEncodeError,
)
"""Errors about the values, and not about the state of the database."""


class PostgresDatabase:
    """Writes rows, and commits them with the cursor.

    Parameters
    ----------
    connection : PostgresConnection
        The way to the database.
    writer : str
        The name under which the database keeps the cursor.

    Attributes
    ----------
    safe : Cursor or None
        The newest cursor behind which the database has everything.
    """

    unit = "rows"
    in_flight = 1

    def __init__(self, connection: PostgresConnection, writer: str) -> None:
        self.name = connection.name
        self.in_words = f"database {self.name}"
        self.safe: Cursor | None = None
        self._connection = connection
        self._writer = writer
        self._catalogue = FieldCatalogue({}, {})
        self._kept: Cursor | None = None
        self._is_pending = False

    def prepare(self) -> None:
        """Connect, make the tables that it needs, and read the cursor.

        Raises
        ------
        DatabaseAwayError
            If the database does not answer, or refuses.
        """
        self._is_pending = False
        self._connection.open()
        with self._connection.answering() as connection:
            if not _one(connection, statements.IS_THERE):
                connection.execute(statements.LOCK)
                connection.execute(statements.CREATE)
            self._catalogue = _read_catalogue(connection)
            kept = _one(connection, statements.CURSOR, [self._writer])
            connection.commit()
        self.safe = self._kept = _decoded(kept)

    def batches(self, samples: Sequence[BlockSamples]) -> Iterator[list[BlockSamples]]:
        """Yield samples in batches."""
        return rows_of_tables.batches_of(samples)

    def deliver(self, batch: list[BlockSamples]) -> Delivered:
        """Send the rows of samples, which `flush` or `acknowledge` commits.

        Raises
        ------
        DatabaseAwayError
            If the database does not answer, or refuses; what was not committed is gone.
        """
        with self._connection.answering() as connection:
            self._learn(connection, rows_of_tables.missing(batch, self._catalogue))
        tables = rows_of_tables.tabulated(batch, self._catalogue)
        refused: list[Refused] = []
        with self._connection.answering() as connection:
            try:
                with _savepoint(connection):
                    for rows in tables:
                        _copy(connection, rows, rows.table)
            except _REFUSALS:
                # Rows that are there already, or something that is refused.
                refused = [each for rows in tables for each in _merge(connection, rows)]
        self._is_pending = True
        return Delivered(sum(len(rows.times) for rows in tables), refused)

    def flush(self) -> None:
        """Commit what was delivered.

        Raises
        ------
        DatabaseAwayError
            If that fails.
        """
        if self._is_pending:
            with self._connection.answering() as connection:
                connection.commit()
            self._is_pending = False

    def load(self) -> str:
        """Return "": a cursor that is lost is lost with all that it speaks of."""
        return ""

    def acknowledge(self, cursor: Cursor, _now_s: float) -> None:
        """Commit what was delivered together with the cursor.

        Raises
        ------
        DatabaseAwayError
            If that fails.
        """
        if self._is_pending:
            self._commit(cursor)
        self.safe = cursor

    def forget_young(self) -> None:
        """Do nothing: what is committed is on the disk."""

    def save(self) -> None:
        """Keep a cursor that has moved on without rows.

        Raises
        ------
        DatabaseAwayError
            If that fails.
        """
        if self.safe is not None and self.safe != self._kept:
            self._commit(self.safe)

    def close(self) -> None:
        """Close the connection; what was not committed is gone."""
        self._connection.close()
        self._is_pending = False

    def _commit(self, cursor: Cursor) -> None:
        with self._connection.answering() as connection:
            connection.execute(
                statements.SAVE_CURSOR, [self._writer, Jsonb(cursors.encoded(cursor))]
            )
            connection.commit()
        self._kept = cursor
        self._is_pending = False

    def _learn(self, connection: psycopg.Connection[Any], keys: Sequence[FieldKey]) -> None:
        """Make columns for fields."""
        if not keys:
            return
        connection.execute(statements.LOCK)
        catalogue = _read_catalogue(connection)
        for key in keys:
            if catalogue.find(key) is None:
                _add(connection, key, catalogue.add(key))
        # At once, because readers of these tables wait until then.
        connection.commit()
        self._catalogue = catalogue


def _read_catalogue(connection: psycopg.Connection[Any]) -> FieldCatalogue:
    columns: dict[FieldKey, TableColumn] = {}
    for agent, feed, field, type_name, table, name in connection.execute(statements.COLUMNS):
        kind = KIND_OF_TYPE[type_name]
        columns[FieldKey(agent, feed, field, kind)] = TableColumn(table, name, kind)
    names: dict[str, set[str]] = {}
    for table, name in connection.execute(statements.NAMES):
        names.setdefault(table, set()).add(name)
    relations = [name for (name,) in connection.execute(statements.RELATIONS)]
    return FieldCatalogue(columns, names, relations)


def _add(connection: psycopg.Connection[Any], key: FieldKey, column: TableColumn) -> None:
    connection.execute(statements.create_table(column.table))
    connection.execute(statements.add_column(column))
    place = [COLUMN_TYPES[key.kind], column.table, column.name]
    connection.execute(statements.ADD_FIELD, [key.agent, key.feed, key.field, *place])


@contextmanager
def _savepoint(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Take back what was done inside if some of it is refused."""
    connection.execute("SAVEPOINT part")
    try:
        yield
    except _REFUSALS:
        connection.execute("ROLLBACK TO SAVEPOINT part")
        raise
    connection.execute("RELEASE SAVEPOINT part")


def _copy(connection: psycopg.Connection[Any], rows: Rows, table: str) -> None:
    statement = statements.copy(table, list(rows.cells))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(encoded(rows))


def _merge(connection: psycopg.Connection[Any], rows: Rows) -> Iterator[Refused]:
    """Write rows of which some may be there, and find what is refused by halves."""
    waiting = [rows]
    while waiting:
        part = waiting.pop()
        try:
            with _savepoint(connection):
                _insert(connection, part)
        except _REFUSALS as error:
            smaller = _smaller(part)
            if not smaller:
                yield _refused(part, reason_of(error))
            waiting += reversed(smaller)


def _insert(connection: psycopg.Connection[Any], rows: Rows) -> None:
    """Write rows of which some may be there: a COPY of their own cannot pass over those."""
    columns = list(rows.cells)
    connection.execute(statements.create_part(rows.table, columns))
    _copy(connection, rows, statements.PART)
    connection.execute(statements.merge(rows.table, columns))
    connection.execute(statements.DROP_PART)


def _smaller(rows: Rows) -> list[Rows]:
    """Return the parts to send instead of refused rows; none if there are none."""
    length = len(rows.times)
    if length > 1:
        return [rows.part(0, length // 2), rows.part(length // 2, length)]
    singles = rows.single_cells()
    if len(singles) > 1:
        return singles
    return []


def _refused(rows: Rows, reason: str) -> Refused:
    content = {"time": rows.times.tolist()[0] / rows_of_tables.MICROSECONDS}
    content |= {column.name: cells.values.tolist()[0] for column, cells in rows.cells.items()}
    return Refused(rows.table, content, reason)


def _decoded(kept: Any) -> Cursor | None:
    try:
        return cursors.decoded(kept)
    except (TypeError, KeyError):
        return None


def _one(connection: psycopg.Connection[Any], statement: Any, values: Sequence[Any] = ()) -> Any:
    row = connection.execute(statement, values).fetchone()
    return row[0] if row else None
