"""From providers to frames in files, each on record in the journal."""

from binascii import crc32
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from ocsd.aggregator.disk import journal
from ocsd.aggregator.disk.archive import Archive, folder_trouble
from ocsd.aggregator.disk.journal_writer import JournalWriter
from ocsd.aggregator.frames import frames
from ocsd.aggregator.frames.provider import BlockBuffer, FrameBlock, Numbers, Provider
from ocsd.aggregator.incoming.layout import PackedBlock
from ocsd.aggregator.incoming.message import Origin
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.numbers.hole import Hole, estimate
from ocsd.aggregator.numbers.ranges import Ranges
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.errors import DataFolderError

# A frame is also written when it grows beyond this, and the largest one when all
# buffers together do: memory must not depend on what agents choose to send.
LARGEST_FRAME_BYTES: Final = 2**20
MOST_BUFFERED_BYTES: Final = 64 * 2**20


class Made(NamedTuple):
    """Bytes for the file, and what of which messages is in them."""

    frames: bytes
    covers: tuple[journal.Cover, ...] = ()


class Unframed(NamedTuple):
    """Samples that will be in no frame, for it could not be made.

    Attributes
    ----------
    origin : Origin
        The sender.
    covers : tuple of Cover
        What of which messages they are.
    oldest_segment : int or None
        Where in the journal the first of them may be.
    from_time, until_time : float
        Unix times of the first and the last of them [s].
    error : Exception
        Why there is no frame.
    """

    origin: Origin
    covers: tuple[journal.Cover, ...]
    oldest_segment: int | None
    from_time: float
    until_time: float
    error: Exception

    def holes(self, void: Ranges) -> list[Hole]:
        """Return what is lost, without the numbers in `void`, of which that is on record."""
        key = SourceKey(self.origin.address, self.origin.session_id)
        cause = f"a defect of ocsd, no frame could be made of them: {self.error!r}"
        if not self.origin.numbered:
            return [estimate(key, self.from_time, self.until_time, cause)]
        numbers = Ranges()
        for cover in self.covers:
            for first, end in cover.numbers:
                numbers.add(first, end)
        return [
            Hole(
                feed=key.address,
                agent_session=key.session_id,
                first=first,
                last=end - 1,
                count=end - first,
                from_time=self.from_time,
                until_time=self.until_time,
                cause=cause,
                estimated=False,
            )
            for bounds in numbers
            for first, end in void.missing(*bounds)
        ]


class Filing:
    """Keep the samples that wait, and write them as frames.

    Parameters
    ----------
    archive : Archive
        Where frames go.
    writer : JournalWriter
        Gets a record of each frame after it is in the file.
    run : Run
        Identity of this recording in the files.
    log : Log
        Where to say what operators should know.
    remove : callable
        Told of each provider that is gone.

    Attributes
    ----------
    providers : dict of int to Provider
        By number in the files.
    unframed : deque of Unframed
        What is still to be given up. Until then the journal has it, as if it waited
        for its frame, and whoever finds the journal after a kill tries again.
    buffered_bytes : int
        About what all of them hold.
    trouble : str or None
        Why no frame can be written just now.
    has_filed : bool
        Whether samples are in files.
    """

    def __init__(
        self,
        archive: Archive,
        writer: JournalWriter,
        run: frames.RecordingRun,
        log: Log,
        remove: Callable[[Provider], None],
    ) -> None:
        self.providers: dict[int, Provider] = {}
        self.unframed: deque[Unframed] = deque()
        self.buffered_bytes = 0
        self.trouble: str | None = None
        self.has_filed = False
        self._archive = archive
        self._writer = writer
        self._run = run
        self._log = log
        self._removed = remove
        self._listed: tuple[int, ...] = ()
        self._next_prov_id = 0

    def begin(self) -> None:
        """Begin a file, so that a folder that cannot be written shows at once.

        Raises
        ------
        DataFolderError
            If there can be no file.
        """
        self._open()

    def new_provider(self, origin: Origin, now: Instant, numbers: Numbers) -> Provider:
        """Return a provider that is listed in the files when it has samples."""
        return Provider(self._new_id(), origin, now, numbers)

    def take(
        self,
        provider: Provider,
        block: BlockBuffer,
        packed: PackedBlock,
        *,
        number: int,
        segment: int,
        now: Instant,
    ) -> None:
        """Keep samples that are in the journal."""
        before = provider.buffered_bytes
        provider.take(block, packed, number, segment, now)
        self.providers[provider.prov_id] = provider
        self.buffered_bytes += provider.buffered_bytes - before

    def write_early(self, provider: Provider, siblings: Iterable[Provider], now: Instant) -> None:
        """Write what must not wait for the next `tick`."""
        if self.trouble is not None:
            return
        if self._archive.rotation_due(now):
            self._rotate(now)
        if not self._archive.is_open:
            # A file is named by the time of its first sample, not of its first frame.
            self._attempt(lambda: Made(self._status_if_due(now)))
        for old in [each for each in siblings if each.retired]:
            if self._write(old, now):
                self._remove(old)
        if provider.buffered_bytes >= LARGEST_FRAME_BYTES:
            self._write(provider, now)
        elif self.buffered_bytes >= MOST_BUFFERED_BYTES:
            self._write(max(self.providers.values(), key=lambda each: each.buffered_bytes), now)

    def tick(self, now: Instant) -> None:
        """Write what is due; call it about once a second."""
        if self._archive.rotation_due(now):
            self._rotate(now)
        for provider in list(self.providers.values()):
            ending = provider.retired or provider.stale(now)
            # In trouble everything that waits is tried: one success ends it.
            if not (ending or self.trouble or provider.frame_due(now)):
                continue
            if not self._write(provider, now):
                break
            if ending:
                self._remove(provider)
        if self._archive.is_open and not self.trouble and self._listed != tuple(self.providers):
            self._attempt(lambda: Made(self._status_if_due(now)))

    def give_up(self, unframed: Unframed) -> bool:
        """Note that the journal need not have that; False if it has to be tried again."""
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
        """Return the first segment of the journal whose samples still wait; None if none do."""
        segments = [each.oldest_segment for each in self.providers.values()]
        segments += [each.oldest_segment for each in self.unframed]
        return min((segment for segment in segments if segment is not None), default=None)

    def _rotate(self, now: Instant) -> None:
        """End the file; what cannot be written to it goes to the next one."""
        if self.trouble is None:
            self.write_all(now)
        self._archive.close()

    def _write(self, provider: Provider, now: Instant) -> bool:
        """Write what `provider` holds; False if that has to be tried again."""
        if provider.empty:
            return True
        unframed: list[Unframed] = []
        if not self._attempt(lambda: self._frames(provider, now, unframed)):
            return False
        # Not before: what the disk refuses is made again.
        self.unframed += unframed
        self.buffered_bytes -= provider.buffered_bytes
        provider.clear()
        return True

    def _frames(self, provider: Provider, now: Instant, unframed: list[Unframed]) -> Made:
        """Return all that `provider` holds, and a status frame before it where that is due.

        What no frame can be made of is appended to `unframed`.
        """
        made: list[bytes] = []
        covers: list[journal.Cover] = []
        for part in provider.parts():
            try:
                made.append(self._frame(provider, part, now))
                covers += _covers(provider, part)
            except Exception as error:  # noqa: BLE001 # one feed must not stop the others
                unframed.append(_unframed(provider, part, error))
        return Made(b"".join(made), tuple(covers))

    def _frame(self, provider: Provider, part: Mapping[str, FrameBlock], now: Instant) -> bytes:
        samples = {name: frames.samples_of(block) for name, block in part.items()}
        self._keep_order(provider, samples)
        data = frames.data_frame(self._run, provider, samples, now)
        return self._status_if_due(now) + data

    def _keep_order(self, provider: Provider, samples: Mapping[str, frames.G3Block]) -> None:
        """See that the samples follow what readers find of that provider.

        so3g takes the first and the last time of a provider in a file for all the
        time that it covers. So what comes late, after an outage, is that of another
        provider.
        """
        newest = provider.newest_ticks
        if any(each.first_tick <= newest.get(name, -(2**63)) for name, each in samples.items()):
            self.providers.pop(provider.prov_id, None)
            provider.prov_id = self._new_id()
            self.providers[provider.prov_id] = provider
            newest.clear()
        for name, each in samples.items():
            newest[name] = each.last_tick

    def _attempt(self, make: Callable[[], Made]) -> bool:
        """Append frames; False if the disk refuses."""
        listed = self._listed
        try:
            if not self._archive.is_open:
                self._open()
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

    def _open(self) -> None:
        opened = self._archive.open()
        self._listed = tuple(self.providers)
        try:
            try:
                self._writer.file(self._archive.name)
                # After a power cut nobody else would know that its end may be torn.
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
            self._writer.frame(record)
        except OSError as error:
            self._archive.cut(offset)
            raise folder_trouble(self._archive.folder, error) from error
        self.has_filed = self.has_filed or bool(made.covers)

    def _new_id(self) -> int:
        self._next_prov_id += 1
        return self._next_prov_id - 1

    def _status_if_due(self, now: Instant) -> bytes:
        """Return a status frame if providers have changed."""
        if self._listed == tuple(self.providers):
            return b""
        status = self._status(now)
        self._listed = tuple(self.providers)
        return status

    def _status(self, now: Instant) -> bytes:
        return frames.status_frame(self._run, self.providers.values(), now)

    def _remove(self, provider: Provider) -> None:
        self.providers.pop(provider.prov_id, None)
        self._removed(provider)


def _unframed(provider: Provider, part: Mapping[str, FrameBlock], error: Exception) -> Unframed:
    times = [at for each in part.values() for at in each.times]
    return Unframed(
        origin=provider.origin,
        covers=_covers(provider, part),
        oldest_segment=provider.oldest_segment,
        from_time=min(times),
        until_time=max(times),
        error=error,
    )


def _covers(provider: Provider, part: Mapping[str, FrameBlock]) -> tuple[journal.Cover, ...]:
    origin = provider.origin
    return tuple(
        journal.Cover(
            address=origin.address,
            session_id=origin.session_id,
            numbered=origin.numbered,
            block_name=name,
            numbers=each.numbers,
        )
        for name, each in part.items()
    )
