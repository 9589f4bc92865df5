"""From providers to frames in files, each on record in the journal."""

from binascii import crc32
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from ocsd import journal
from ocsd.aggregator.disk.archive import G3Files, folder_trouble
from ocsd.aggregator.disk.journal_writer import JournalWriter
from ocsd.aggregator.frames import frames
from ocsd.aggregator.frames.field_kinds import FieldKinds
from ocsd.aggregator.frames.packed_frame import FrameColumns, Piece
from ocsd.aggregator.frames.provider import BlockBuffer, FrameBlock, Provider
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.tally import Log, Tally
from ocsd.aggregator.numbers.numbering import Numbering
from ocsd.aggregator.recording.unframed import Unframed, covers_of, unframed
from ocsd.errors import DataFolderError
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import PackedBlock
from ocsd.journal.origin import Origin

# A frame is also written when it grows beyond this, and the largest one when all
# buffers together do: memory must not depend on what agents choose to send.
LARGEST_FRAME_BYTES: Final = 2**20
MOST_BUFFERED_BYTES: Final = 64 * 2**20


class Made(NamedTuple):
    """Bytes for the file, and the numbers that they cover."""

    frames: bytes
    covers: tuple[journal.Cover, ...] = ()


class Filing:
    """Keeps the packed blocks that wait, and writes them as frames.

    `writer` gets a record of each frame after it is in the file; `kinds` are the types in which
    fields were written before; `removed` is called with each provider that is gone.

    Attributes
    ----------
    providers : dict of int to Provider
        By number in the files.
    unframed : deque of Unframed
        Blocks that are still to be given up. Until then the journal keeps them, as if
        they waited for a frame, and a recovery after a kill tries again.
    buffered_bytes : int
        Estimated memory of all waiting blocks [bytes].
    trouble : str or None
        The reason why no frame can be written just now.
    has_filed : bool
        True once blocks are in files.
    retyped : Tally
        Changes of the types of fields that readers do not get over, by full name of the field.
    """

    def __init__(
        self,
        archive: G3Files,
        writer: JournalWriter,
        run: frames.RecordingRun,
        log: Log,
        kinds: FieldKinds,
        removed: Callable[[Provider], None],
    ) -> None:
        self.providers: dict[int, Provider] = {}
        self.unframed: deque[Unframed] = deque()
        self.buffered_bytes = 0
        self.trouble: str | None = None
        self.has_filed = False
        self.retyped = Tally(log, "another type")
        self._kinds = kinds
        self._archive = archive
        self._writer = writer
        self._run = run
        self._log = log
        self._removed = removed
        self._listed: tuple[int, ...] = ()
        self._next_prov_id = 0

    def new_provider(self, origin: Origin, now: Instant, numbering: Numbering) -> Provider:
        """Return a provider, which the files list when it has blocks."""
        return Provider(self._new_id(), origin, now, numbering)

    def take(
        self,
        provider: Provider,
        buffer: BlockBuffer,
        packed: PackedBlock,
        *,
        number: int,
        segment: int,
        now: Instant,
    ) -> None:
        """Keep a packed block that is in the journal."""
        self.take_lot(provider, buffer, [packed], numbers=[number], segment=segment, now=now)

    def take_lot(
        self,
        provider: Provider,
        buffer: BlockBuffer,
        blocks: Sequence[PackedBlock],
        *,
        numbers: Sequence[int],
        segment: int,
        now: Instant,
    ) -> None:
        """Keep packed blocks of one layout that are in the journal, each of another message."""
        before = provider.buffered_bytes
        layout = blocks[0].layout
        if not buffer.blocks or buffer.blocks[-1].layout is not layout:
            self._kinds.expect(provider.origin.address, layout.kinds)
        provider.take_lot(buffer, blocks, numbers, segment, now)
        self.providers[provider.prov_id] = provider
        self.buffered_bytes += provider.buffered_bytes - before

    def write_early(self, provider: Provider, siblings: Iterable[Provider], now: Instant) -> None:
        """Write the frames that must not wait for the next `tick`."""
        if self.trouble is not None:
            return
        if self._archive.rotation_due(now):
            self._rotate(now)
        if not self._archive.is_open:
            # A file is named by the time of its first sample, not of its first frame.
            self._write_status(now)
        for old in [sibling for sibling in siblings if sibling.retired]:
            if self._write(old, now):
                self._remove(old)
        if provider.buffered_bytes >= LARGEST_FRAME_BYTES:
            self._write(provider, now)
        elif self.buffered_bytes >= MOST_BUFFERED_BYTES:
            self._write(max(self.providers.values(), key=attrgetter("buffered_bytes")), now)

    def tick(self, now: Instant) -> None:
        """Write everything that is due; call it about once a second."""
        if self._archive.rotation_due(now):
            self._rotate(now)
        for provider in list(self.providers.values()):
            if not self._write_if_due(provider, now):
                break
        if self._archive.is_open and not self.trouble and self._listed != tuple(self.providers):
            self._write_status(now)

    def give_up(self, unframed: Unframed) -> bool:
        """Record in the journal that these blocks are done with; False if it has to be retried."""
        return self._attempt(lambda: Made(b"", unframed.covers))

    def write_all(self, now: Instant) -> None:
        """Write everything that waits, as far as possible."""
        for provider in list(self.providers.values()):
            if not self._write(provider, now):
                return

    def close(self, now: Instant) -> None:
        """Write everything that waits, as far as possible, and end the file."""
        self.write_all(now)
        self._archive.close()

    def oldest_segment(self) -> int | None:
        """Return the first segment of the journal with a waiting block; None if none waits."""
        segments = [provider.oldest_segment for provider in self.providers.values()]
        segments += [unframed.oldest_segment for unframed in self.unframed]
        return min((segment for segment in segments if segment is not None), default=None)

    def _rotate(self, now: Instant) -> None:
        """End the file; blocks that cannot be written to it go to the next one."""
        if self.trouble is None:
            self.write_all(now)
        self._archive.close()

    def _write_if_due(self, provider: Provider, now: Instant) -> bool:
        """Write a provider whose frame is due, remove one that has ended; False in trouble."""
        ending = provider.retired or provider.stale(now)
        # In trouble everything that waits is tried, because one success ends it.
        if not (ending or self.trouble or provider.frame_due(now)):
            return True
        written = self._write(provider, now)
        if written and ending:
            self._remove(provider)
        return written

    def _write(self, provider: Provider, now: Instant) -> bool:
        """Write all blocks of `provider`; False if that has to be tried again."""
        if provider.empty:
            return True
        failed: list[Unframed] = []
        if not self._attempt(lambda: self._frames(provider, now, failed)):
            return False
        # Not before: frames that the disk refuses are made again.
        self.unframed += failed
        self.buffered_bytes -= provider.buffered_bytes
        provider.clear()
        return True

    def _frames(self, provider: Provider, now: Instant, failed: list[Unframed]) -> Made:
        """Return frames of all that `provider` holds, each after a status frame if that is due.

        Blocks of which no frame can be made are appended to `failed`.
        """
        made: list[Piece] = []
        covers: list[journal.Cover] = []
        for blocks in provider.frames():
            try:
                made += self._frame(provider, blocks, now)
                covers += covers_of(provider, blocks)
            except Exception as error:  # noqa: BLE001 # one feed must not stop the others
                failed.append(unframed(provider, blocks, error))
        joined: bytes = b"".join(made)  # type: ignore[arg-type] # numpy 2's stubs hide the buffer
        return Made(joined, tuple(covers))

    def _frame(
        self, provider: Provider, blocks: Mapping[str, FrameBlock], now: Instant
    ) -> list[Piece]:
        address = provider.origin.address
        kinds = {n: self._kinds.widest(address, block.kinds) for n, block in blocks.items()}
        columns = {
            name: frames.columns_of(block._replace(kinds=kinds[name]))
            for name, block in blocks.items()
        }
        self._keep_order(provider, columns, kinds)
        data = frames.data_frame(self._run, provider, columns, now)
        for of_block in kinds.values():
            for change in self._kinds.wrote(address, of_block):
                self.retyped.add(change.field, str(change))
        return [self._status_if_due(now), *data]

    def _keep_order(
        self,
        provider: Provider,
        blocks: Mapping[str, FrameColumns],
        kinds: Mapping[str, Mapping[str, Kind]],
    ) -> None:
        """Give the provider another id unless these blocks can follow its earlier ones.

        so3g takes the first and the last time of a provider in a file for all the time
        that it covers. Late samples, after an outage, therefore need another provider, and
        so do other types: those of a block are fixed within one provider.
        """
        newest, written = provider.newest_ticks, provider.written_kinds
        late = any(block.ticks[0] <= newest.get(n, -(2**63)) for n, block in blocks.items())
        if late or any(written.get(name, kinds[name]) != kinds[name] for name in kinds):
            self.providers.pop(provider.prov_id, None)
            provider.prov_id = self._new_id()
            self.providers[provider.prov_id] = provider
            newest.clear()
            written.clear()
        written.update(kinds)
        for name, block in blocks.items():
            newest[name] = int(block.ticks[-1])

    def _attempt(self, make: Callable[[], Made]) -> bool:
        """Append frames; False if the disk refuses."""
        listed = self._listed
        try:
            if not self._archive.is_open:
                self.begin()
                listed = self._listed
            made = make()
            if not any(made):
                return True
            self._append(made)
        except DataFolderError as error:
            if str(error) != self.trouble:
                self._log.warn("{trouble}", trouble=str(error))
            self.trouble = str(error)
            self._listed = listed
            return False
        if self.trouble is not None:
            self._log.info("files can be written again, after: {trouble}", trouble=self.trouble)
            self.trouble = None
        return True

    def begin(self) -> None:
        """Begin a file, because a folder that cannot be written should show at once.

        Raises
        ------
        DataFolderError
            If no file can be made.
        """
        opened = self._archive.open()
        try:
            try:
                self._writer.event(journal.File(self._archive.name, 0))
                # After a power cut only this says that the end of the file may be torn.
                self._writer.sync()
            except OSError as error:
                raise folder_trouble(self._archive.folder, error) from error
            self._append(Made(frames.session_frame(self._run) + self._status(opened)))
        except DataFolderError:
            self._archive.discard()
            raise
        self._log.info("recording into {path}", path=str(self._archive.path))

    def _append(self, made: Made) -> None:
        """Append bytes and put them on record; without a record they must not stay."""
        offset, length = self._archive.length, len(made.frames)
        self._archive.append(made.frames)
        checksum = crc32(made.frames)
        record = journal.FrameAppended(self._archive.name, offset, length, checksum, made.covers)
        try:
            self._writer.event(record)
        except OSError as error:
            self._archive.cut(offset)
            raise folder_trouble(self._archive.folder, error) from error
        self.has_filed = self.has_filed or bool(made.covers)

    def _new_id(self) -> int:
        self._next_prov_id += 1
        return self._next_prov_id - 1

    def _write_status(self, now: Instant) -> None:
        self._attempt(lambda: Made(self._status_if_due(now)))

    def _status_if_due(self, now: Instant) -> bytes:
        """Return a status frame if providers have changed."""
        if self._listed == tuple(self.providers):
            return b""
        return self._status(now)

    def _status(self, now: Instant) -> bytes:
        status = frames.status_frame(self._run, self.providers.values(), now)
        self._listed = tuple(self.providers)
        return status

    def _remove(self, provider: Provider) -> None:
        self.providers.pop(provider.prov_id, None)
        self._removed(provider)
