"""The SQL of the destination, as composed by psycopg."""

from collections.abc import Sequence
from typing import Final

from psycopg import sql

from ocsd.export.databases.postgres.catalogue import (
    COLUMN_TYPES,
    FIELDS_TABLE,
    TIME,
    WRITERS_TABLE,
    TableColumn,
)

PART: Final = "ocs_part"
"""A temporary table for rows that are merged."""

DROP_PART: Final = sql.SQL("DROP TABLE {}").format(sql.Identifier(PART))

CREATE: Final = sql.SQL(
    """
    CREATE TABLE IF NOT EXISTS {fields} (
        agent text NOT NULL,
        feed text NOT NULL,
        field text NOT NULL,
        type text NOT NULL,
        table_name text NOT NULL,
        column_name text NOT NULL,
        PRIMARY KEY (agent, feed, field, type),
        UNIQUE (table_name, column_name)
    );
    CREATE TABLE IF NOT EXISTS {writers} (
        writer text PRIMARY KEY,
        cursor jsonb NOT NULL,
        saved_at timestamptz NOT NULL DEFAULT now()
    );
    """
).format(fields=sql.Identifier(FIELDS_TABLE), writers=sql.Identifier(WRITERS_TABLE))

IS_THERE: Final = sql.SQL(
    "SELECT to_regclass({}) IS NOT NULL AND to_regclass({}) IS NOT NULL"
).format(FIELDS_TABLE, WRITERS_TABLE)

LOCK: Final = sql.SQL("SELECT pg_advisory_xact_lock(hashtext({}))").format(FIELDS_TABLE)
"""Writers make tables and columns one after the other."""

CURSOR: Final = sql.SQL("SELECT cursor FROM {} WHERE writer = %s").format(
    sql.Identifier(WRITERS_TABLE)
)

SAVE_CURSOR: Final = sql.SQL(
    """
    INSERT INTO {} (writer, cursor) VALUES (%s, %s)
    ON CONFLICT (writer) DO UPDATE SET cursor = EXCLUDED.cursor, saved_at = now()
    """
).format(sql.Identifier(WRITERS_TABLE))

COLUMNS: Final = sql.SQL(
    """
    SELECT agent, feed, field, type, table_name, column_name
    FROM {} JOIN pg_attribute
        ON attrelid = to_regclass(quote_ident(table_name)) AND attname = column_name
        AND NOT attisdropped AND format_type(atttypid, NULL) = type
    ORDER BY agent, feed, attrelid, attnum
    """
).format(sql.Identifier(FIELDS_TABLE))
"""The columns that are there and have the type they should have: people may have changed them."""

NAMES: Final = sql.SQL(
    """
    SELECT DISTINCT table_name, attname::text
    FROM {} JOIN pg_attribute ON attrelid = to_regclass(quote_ident(table_name))
    WHERE attnum > 0 AND NOT attisdropped
    """
).format(sql.Identifier(FIELDS_TABLE))

RELATIONS: Final = sql.SQL(
    "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
)

ADD_FIELD: Final = sql.SQL(
    """
    INSERT INTO {} (agent, feed, field, type, table_name, column_name)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (agent, feed, field, type)
    DO UPDATE SET table_name = EXCLUDED.table_name, column_name = EXCLUDED.column_name
    """
).format(sql.Identifier(FIELDS_TABLE))


def create_table(table: str) -> sql.Composed:
    """Return the statement that makes the table of a feed."""
    return sql.SQL("CREATE TABLE IF NOT EXISTS {} ({} timestamptz PRIMARY KEY)").format(
        sql.Identifier(table), sql.Identifier(TIME)
    )


def add_column(column: TableColumn) -> sql.Composed:
    """Return the statement that makes the column of a field."""
    return sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} {}").format(
        sql.Identifier(column.table),
        sql.Identifier(column.name),
        sql.SQL(COLUMN_TYPES[column.kind]),
    )


def copy(table: str, columns: Sequence[TableColumn]) -> sql.Composed:
    """Return the statement that takes rows."""
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), _names(columns)
    )


def create_part(table: str, columns: Sequence[TableColumn]) -> sql.Composed:
    """Return the statement that makes a table of this connection for rows to be merged."""
    return sql.SQL("CREATE TEMPORARY TABLE {} AS SELECT {} FROM {} WITH NO DATA").format(
        sql.Identifier(PART), _names(columns), sql.Identifier(table)
    )


def merge(table: str, columns: Sequence[TableColumn]) -> sql.Composed:
    """Return the statement that takes the rows of that table, of which some may be there.

    Values that are NULL leave what is there; rows that would not change are not written.
    """
    table_name = sql.Identifier(table)
    new = {
        each.name: sql.SQL("coalesce(EXCLUDED.{0}, {1}.{0})").format(
            sql.Identifier(each.name), table_name
        )
        for each in columns
    }
    changes = [sql.SQL("{} = {}").format(sql.Identifier(name), it) for name, it in new.items()]
    differences = [
        sql.SQL("{}.{} IS DISTINCT FROM {}").format(table_name, sql.Identifier(name), it)
        for name, it in new.items()
    ]
    return sql.SQL(
        "INSERT INTO {table} ({names}) SELECT {names} FROM {part} "
        "ON CONFLICT ({time}) DO UPDATE SET {changes} WHERE {differences}"
    ).format(
        table=table_name,
        names=_names(columns),
        part=sql.Identifier(PART),
        time=sql.Identifier(TIME),
        changes=sql.SQL(", ").join(changes),
        differences=sql.SQL(" OR ").join(differences),
    )


def _names(columns: Sequence[TableColumn]) -> sql.Composed:
    names = [TIME, *(column.name for column in columns)]
    return sql.SQL(", ").join(map(sql.Identifier, names))
