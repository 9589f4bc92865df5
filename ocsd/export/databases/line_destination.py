"""Databases that take line protocol, as a destination of the writer."""

from collections.abc import Iterator, Sequence

from ocsd.export.databases.delivery import batches, deliver
from ocsd.export.databases.destination import Delivered, Refused
from ocsd.export.databases.lines import FieldName, lines_of, measurement_of
from ocsd.export.databases.points import BlockSamples
from ocsd.export.databases.server import Database


class LineDestination:
    """Writes lines to a database, and learns which of its fields are floats.

    Parameters
    ----------
    database : Database
        The database.
    """

    unit = "lines"

    def __init__(self, database: Database) -> None:
        self.name = database.name
        self._database = database
        self._floats: frozenset[FieldName] = frozenset()

    def prepare(self) -> None:
        """Find out whether it answers, and make what is to be written to, if need be."""
        self._database.prepare()

    def batches(self, samples: Sequence[BlockSamples]) -> Iterator[Sequence[str]]:
        """Yield the lines of samples in batches."""
        lines: list[str] = []
        for each in samples:
            lines += lines_of(each, self._floats)
        return batches(lines)

    def deliver(self, batch: Sequence[str]) -> Delivered:
        """Send lines; those that the database refuses are found by halves.

        Raises
        ------
        DatabaseAwayError
            If it does not answer, or takes nothing at present.
        """
        found = deliver(batch, self._database.write)
        self._floats |= found.floats
        refused = [Refused(measurement_of(line), line, why) for line, why in found.refused]
        return Delivered(len(batch), refused)

    def flush(self) -> None:
        """Do nothing: what was delivered is acknowledged."""

    def close(self) -> None:
        """Close the connection."""
        self._database.close()
