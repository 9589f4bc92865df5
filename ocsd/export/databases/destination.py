"""The seam between the writer and a kind of database: all that differs from one to another."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from ocsd.export.databases.cursor import Cursor
from ocsd.export.databases.points import BlockSamples

Batch = TypeVar("Batch")
"""A part of the samples, in the form that a database takes at once."""


class DatabaseAwayError(Exception):
    """The database takes nothing at present; all is sent again later.

    Internal to the writers: the text stands in the session and in the status.
    """


class Refused(NamedTuple):
    """A part of a batch that the database does not take for what it is."""

    measurement: str
    content: object
    """As it is set aside: text, or what JSON can hold."""
    reason: str


class Delivered(NamedTuple):
    """The result of sending a batch."""

    lines: int
    """Lines of a line protocol, or rows, that were sent."""
    refused: Sequence[Refused] = ()


class Destination(Protocol[Batch]):
    """A database, and the form in which it takes samples.

    `batches` is called in the writer's thread and does no I/O; the others do. `deliver` runs in
    other threads, as many as `in_flight` says. While it does, only `batches` is called, and
    `CursorStore.acknowledge` if `in_flight` is more than one.
    """

    name: str
    """Its address, for people; no secrets."""
    in_words: str
    """The database and its address, for a sentence: ``database feeds at http://influxdb:8086``."""
    unit: str
    """One of what is counted, in the plural: lines, rows."""
    in_flight: int
    """Batches that may be on their way at once."""

    def prepare(self) -> None:
        """Connect, and make what is to be written to, if need be."""

    def batches(self, samples: Sequence[BlockSamples]) -> Iterator[Batch]:
        """Yield samples in batches."""

    def deliver(self, batch: Batch) -> Delivered:
        """Send a batch; what is refused of it holds up nothing else."""

    def flush(self) -> None:
        """Return when the database has all that was delivered."""

    def close(self) -> None:
        """Close the connection."""


class CursorStore(Protocol):
    """Keeps the cursor: a file beside the writer, or the database itself."""

    safe: Cursor | None
    """The newest cursor behind which the database has everything for certain."""

    def load(self) -> str:
        """Read the cursor; return why an earlier one is lost, empty if it is not."""

    def acknowledge(self, cursor: Cursor, now_s: float) -> None:
        """Take in that all before a cursor has been delivered [s, monotonic]."""

    def forget_young(self) -> None:
        """Take the database as having nothing but what it has on its disk for certain."""

    def save(self) -> None:
        """Write the newest safe cursor to the disk."""
