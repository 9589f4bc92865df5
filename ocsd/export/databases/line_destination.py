"""Databases that take line protocol, as a destination of the writer."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from ocsd.export.databases.delivery import (
    LinesRefusedError,
    RefusedLine,
    are_alike,
    are_all_refused,
    isolate,
)
from ocsd.export.databases.destination import DatabaseAwayError, Delivered, Refused
from ocsd.export.databases.lines import lines_of, measurement_of, text_of
from ocsd.export.databases.points import BlockSamples, FieldName, only, pieces, without
from ocsd.export.databases.server import Database

MOST_LINES: Final = 10_000
"""Lines of a batch at most, as in OCS."""
MOST_BATCH_VALUES: Final = 250_000
"""Values of a batch at most: about eight megabytes; InfluxDB 1 takes 25."""

_COMMENT: Final = "# ocsd\n"
_CONFLICT: Final = re.compile(
    r'input field "(?P<field>.+?)" on measurement "(?P<measurement>.+?)" is type (?P<ours>\w+), '
    r"already exists as type (?P<theirs>\w+)"
)


class LineBatch(NamedTuple):
    """Samples, and their lines as far as the database is known to take them."""

    samples: Sequence[BlockSamples]
    text: str
    points: int
    """Lines of the text."""


class LineDestination:
    """Writes lines to a database, and learns the types of its fields where they are others.

    Parameters
    ----------
    database : Database
        The database.
    """

    unit = "lines"
    in_flight = 2

    def __init__(self, database: Database) -> None:
        self.name, self.in_words = database.name, database.in_words
        self._database = database
        self._floats: set[FieldName] = set()
        self._refused: dict[FieldName, str] = {}

    def prepare(self) -> None:
        """Find out whether it answers, and make what is to be written to, if need be."""
        self._database.prepare()

    def batches(self, samples: Sequence[BlockSamples]) -> Iterator[LineBatch]:
        """Yield the lines of samples in batches."""
        waiting: list[LineBatch] = []
        lines = values = 0
        for each in chain.from_iterable(
            pieces(block, MOST_LINES, MOST_BATCH_VALUES) for block in samples
        ):
            piece = self._encoded([each])
            size = len(each.columns[""]) * len(each.block.kinds)
            if waiting and (lines + piece.points > MOST_LINES or values + size > MOST_BATCH_VALUES):
                yield _joined(waiting)
                waiting, lines, values = [], 0, 0
            waiting.append(piece)
            lines, values = lines + piece.points, values + size
        if waiting:
            yield _joined(waiting)

    def deliver(self, batch: LineBatch) -> Delivered:
        """Send a batch; what the database refuses of it is found, and the rest goes on.

        A field of another type is sent apart from then on: once the database takes it, it is a
        field like any other again.

        Raises
        ------
        DatabaseAwayError
            If it does not answer, or takes nothing at present.
        """
        refused = self._send(batch)
        for field in list(self._refused):
            refused += self._send_apart(batch, field)
        found = [Refused(measurement_of(line), line, reason) for line, reason in refused]
        return Delivered(batch.points, found)

    def flush(self) -> None:
        """Do nothing: what was delivered is acknowledged."""

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def _encoded(self, samples: Sequence[BlockSamples]) -> LineBatch:
        wanted = samples
        if self._refused:
            wanted = [without(each, self._refused) for each in samples]
        found = [text_of(each, self._floats) for each in wanted]
        text = "".join(each.text for each in found)
        return LineBatch(samples, text, sum(each.points for each in found))

    def _send(self, batch: LineBatch) -> list[RefusedLine]:
        while batch.text:
            try:
                self._database.write(batch.text)
            except LinesRefusedError as error:
                reason = str(error)
                self._learn(reason)
            else:
                break
            sent, batch = batch, self._encoded(batch.samples)
            if batch.text == sent.text:  # Nothing was learned.
                self._check_that_it_takes_others(reason)
                wanted = [without(each, self._refused) for each in batch.samples]
                return isolate(self._lines(wanted), self._database.write)
        return []

    def _check_that_it_takes_others(self, reason: str) -> None:
        """Write a comment only: a database that refuses it for the same reason takes nothing."""
        try:
            self._database.write(_COMMENT)
        except LinesRefusedError as error:
            if are_alike(str(error), reason):
                raise DatabaseAwayError(
                    f"the database at {self.name} refuses whatever it is sent: {reason}; see what "
                    "it, or a proxy before it, needs"
                ) from error

    def _send_apart(self, batch: LineBatch, field: FieldName) -> list[RefusedLine]:
        """Send a field that was refused before; return its lines that are refused again."""
        lines = self._lines([only(each, field) for each in batch.samples])
        if not lines:
            return []
        try:
            self._database.write("\n".join(lines))
        except LinesRefusedError as error:
            reason = str(error)
            if are_all_refused(lines, reason):
                return [RefusedLine(line, reason) for line in lines]
            return isolate(lines, self._database.write)
        self._refused.pop(field, None)
        return []

    def _lines(self, samples: Sequence[BlockSamples]) -> list[str]:
        return list(chain.from_iterable(lines_of(each, self._floats) for each in samples))

    def _learn(self, reason: str) -> None:
        """Remember the type of a field in the database, if the reason tells it."""
        found = _CONFLICT.search(reason)
        if found is None:
            return
        field = found["measurement"], found["field"]
        if (found["ours"], found["theirs"]) == ("integer", "float"):
            self._floats.add(field)
        else:
            self._refused[field] = reason


def _joined(batches: Sequence[LineBatch]) -> LineBatch:
    samples = list(chain.from_iterable(batch.samples for batch in batches))
    text = "".join(batch.text for batch in batches)
    return LineBatch(samples, text, sum(batch.points for batch in batches))
