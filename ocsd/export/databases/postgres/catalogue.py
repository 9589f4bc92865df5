"""The table and the column of each field.

A feed has a table, because a wide row costs a fifth of the space of a row for each value, and a
seventh of the time. Names are such that SQL needs no quotes: ``fake_data1_false_temperatures``.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, count
from typing import Final, NamedTuple

from ocsd.journal.kinds import Kind

COLUMN_TYPES: Final = {
    Kind.FLOAT: "double precision",
    Kind.INT: "bigint",
    Kind.BOOL: "boolean",
    Kind.TEXT: "text",
}
KIND_OF_TYPE: Final = {name: kind for kind, name in COLUMN_TYPES.items()}

TIME: Final = "time"
"""The column with the time of the sample, and the key of each table."""
FIELDS_TABLE: Final = "ocs_fields"
"""The table that says where each field is."""
WRITERS_TABLE: Final = "ocs_writers"
"""The table of the cursors."""
OWN_TABLES: Final = frozenset({FIELDS_TABLE, WRITERS_TABLE})

MOST_COLUMNS: Final = 400
"""Columns of a table at most: a row has to fit into a page of 8 kB, with 18 bytes for each text."""
_LONGEST_IDENTIFIER: Final = 63
"""Bytes of a name in PostgreSQL."""
_LONGEST_END: Final = 8


class FieldKey(NamedTuple):
    """A field and a type of its values."""

    agent: str
    """Address of the agent, such as ``observatory.thermo1``."""
    feed: str
    """Name of the feed, such as ``temps``."""
    field: str
    kind: Kind


class TableColumn(NamedTuple):
    """A place in the database."""

    table: str
    name: str
    kind: Kind


class FieldCatalogue:
    """The columns that there are, and the names for new ones.

    Parameters
    ----------
    columns : mapping of FieldKey to TableColumn
        The column of each field.
    names : mapping of str to collection of str
        The names of all columns of these tables.
    relations : iterable of str
        All other names that a new table cannot have.
    """

    def __init__(
        self,
        columns: Mapping[FieldKey, TableColumn],
        names: Mapping[str, Collection[str]],
        relations: Iterable[str] = (),
    ) -> None:
        self._columns = dict(columns)
        self._names = {table: set(taken) for table, taken in names.items()}
        self._relations = {*relations, *OWN_TABLES}

    def find(self, key: FieldKey) -> TableColumn | None:
        """Return the column of a field; None if it has none yet."""
        return self._columns.get(key)

    def add(self, key: FieldKey) -> TableColumn:
        """Give a field a column of its own, in the last table of its feed or in a new one."""
        table = self._table_for(key)
        taken = self._names.setdefault(table, {TIME})
        name = _free(key.field, taken, (f"_{key.kind.name.lower()}",))
        taken.add(name)
        column = self._columns[key] = TableColumn(table, name, key.kind)
        return column

    def _table_for(self, key: FieldKey) -> str:
        of_feed = [
            column.table
            for other, column in self._columns.items()
            if (other.agent, other.feed) == (key.agent, key.feed)
        ]
        for table in reversed(of_feed):
            if len(self._names.get(table, ())) < MOST_COLUMNS:
                return table
        instance = key.agent.partition(".")[2] or key.agent
        return _free(f"{instance}_{key.feed}", {*self._relations, *self._names})


def _free(wanted: str, taken: Collection[str], ends: Iterable[str] = ()) -> str:
    """Return a plain name that is not taken."""
    plain = re.sub(r"[^a-z0-9_]", "_", wanted.lower())
    if not plain or plain[0].isdigit():
        plain = f"_{plain}"
    plain = plain[: _LONGEST_IDENTIFIER - _LONGEST_END]
    return next(name for name in _candidates(plain, ends) if name not in taken)


def _candidates(plain: str, ends: Iterable[str]) -> Iterator[str]:
    numbers = (f"_{number}" for number in count(2))
    return (plain + end for end in chain(("",), ends, numbers))
