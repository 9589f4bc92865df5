"""From messages to files: the one place that knows the order of things."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from ocsd.aggregator import frames
from ocsd.aggregator.archive import Archive
from ocsd.aggregator.message import (
    Origin,
    RefusedError,
    Samples,
    is_recorded,
    read_blocks,
    read_origin,
    sender_of,
)
from ocsd.aggregator.moment import Moment
from ocsd.aggregator.provider import Provider
from ocsd.aggregator.sequence import Sequence
from ocsd.aggregator.source import Source
from ocsd.aggregator.tally import Log, Tally
from ocsd.errors import DataFolderError

# A frame is also written when it grows beyond this, and the largest one when all
# buffers together do: memory must not depend on what agents choose to send.
LARGEST_FRAME_BYTES: Final = 2**20
MOST_BUFFERED_BYTES: Final = 64 * 2**20

# While the disk refuses, so much is kept for later; what comes then is dropped,
# and counted.
MOST_WAITING_BYTES: Final = 256 * 2**20

# How long the numbers of a silent feed are remembered.
MEMORY_OF_SOURCE_S: Final = 24 * 3600.0


class Recorder:
    """Collect the messages of all recorded feeds and write them as frames.

    All methods belong to one thread. None but `start` and `close` raises because
    of what came in or because the disk refuses: the one is set aside and counted,
    the other is retried at every `tick`.

    Parameters
    ----------
    archive : Archive
        Where frames go.
    log : Log
        Where to say what operators should know.
    run : Run
        Identity of this recording in the files.
    clock : callable
        Returns the present.

    Attributes
    ----------
    trouble : str or None
        Why nothing can be written just now.
    """

    def __init__(
        self, archive: Archive, log: Log, run: frames.Run, clock: Callable[[], Moment]
    ) -> None:
        self.trouble: str | None = None
        self._archive = archive
        self._log = log
        self._run = run
        self._clock = clock
        self._sources: dict[tuple[str, str], Source] = {}
        self._providers: dict[int, Provider] = {}
        self._listed: tuple[int, ...] = ()
        self._next_prov_id = 0
        self._buffered_bytes = 0
        self._messages = 0
        self._samples = 0
        self._refused = Tally(log, "set aside")
        self._dropped = Tally(log, "dropped")

    def start(self) -> None:
        """Begin the first file, so that a folder that cannot be written shows at once.

        Raises
        ------
        DataFolderError
            If there can be no file.
        """
        self._archive.open(self._head)
        self._log.info("recording into {path}", path=str(self._archive.path))

    def accept(self, message: object, feed_info: object) -> None:
        """Take one message as it came in from the router."""
        if not is_recorded(feed_info) or not isinstance(feed_info, Mapping):
            return
        now = self._clock()
        if self.trouble is None and self._archive.rotation_due(now):
            self._rotate(now)
        try:
            origin = read_origin(feed_info)
            if origin.wanted:
                self._take(message, origin, now)
        except RefusedError as refused:
            self._refused.add(sender_of(feed_info), str(refused))
        except Exception as error:  # noqa: BLE001 # a defect of ours must not end the recording
            self._refused.add(sender_of(feed_info), f"defect of ocsd: {error!r}")

    def tick(self) -> None:
        """Write what is due; call it about once a second."""
        now = self._clock()
        if self._archive.rotation_due(now):
            self._rotate(now)
        for provider in list(self._providers.values()):
            ending = provider.retired or provider.stale(now)
            # In trouble everything that waits is tried: one success ends it.
            if not (ending or self.trouble or provider.frame_due(now)):
                continue
            if not self._write(provider, now):
                break
            if ending:
                self._remove(provider)
        if self._archive.is_open and not self.trouble and self._listed != tuple(self._providers):
            self._append(b"", now)
        self._forget_old_sources(now)

    def close(self) -> None:
        """Write everything that waits and end the file.

        Raises
        ------
        DataFolderError
            If that is impossible; what could not be written is lost.
        """
        self._write_all(self._clock())
        self._archive.close()
        if self._buffered_bytes:
            raise DataFolderError(
                f"{self.trouble} (about {self._buffered_bytes} bytes of samples are lost)"
            )

    def encoded(self) -> dict[str, Any]:
        """Return session.data: what OCS shows there, and our additions."""
        now = self._clock()
        return {
            "current_file": None if self._archive.path is None else str(self._archive.path),
            "providers": {p.address: p.encoded(now) for p in self._providers.values()},
            "messages": self._messages,
            "samples": self._samples,
            "buffered_bytes": self._buffered_bytes,
            "missing": self._by_feed(lambda sequence: sequence.missing),
            "duplicates": self._by_feed(lambda sequence: sequence.duplicates),
            "refused": dict(self._refused.counts),
            "refused_because": dict(self._refused.reasons),
            "dropped": dict(self._dropped.counts),
            "trouble": self.trouble,
        }

    def _take(self, message: object, origin: Origin, now: Moment) -> None:
        if self._buffered_bytes >= MOST_WAITING_BYTES:
            self._dropped.add(origin.sender, self.trouble or "too much waits to be written")
            return
        key = (origin.address, origin.session_id)
        source = self._sources.get(key)
        if source is None:
            source = self._sources[key] = Source()
        source.heard_s = now.mono_s
        if origin.number is not None and not source.sequence.add(origin.number):
            return
        self._messages += 1
        for block in read_blocks(message):
            try:
                if isinstance(block, RefusedError):
                    raise block
                self._place(block, source, origin, now)
            except RefusedError as refused:
                self._refused.add(origin.sender, str(refused))

    def _place(self, samples: Samples, source: Source, origin: Origin, now: Moment) -> None:
        waiting = sum(provider.buffered_bytes for provider in source.providers)
        provider = source.offer(samples, now)
        if provider is None:
            provider = source.begin(self._next_prov_id, origin, samples, now)
            self._providers[provider.prov_id] = provider
            self._next_prov_id += 1
        self._samples += len(samples.timestamps)
        self._buffered_bytes -= waiting
        self._buffered_bytes += sum(provider.buffered_bytes for provider in source.providers)
        if self.trouble is None:
            self._write_early(provider, source, now)

    def _write_early(self, provider: Provider, source: Source, now: Moment) -> None:
        """Write what must not wait for the next `tick`."""
        if not self._archive.is_open:
            # A file is named by the time of its first sample, not of its first frame.
            self._append(b"", now)
        for old in [each for each in source.providers if each.retired]:
            if self._write(old, now):
                self._remove(old)
        if provider.buffered_bytes >= LARGEST_FRAME_BYTES:
            self._write(provider, now)
        elif self._buffered_bytes >= MOST_BUFFERED_BYTES:
            self._write(max(self._providers.values(), key=lambda each: each.buffered_bytes), now)

    def _rotate(self, now: Moment) -> None:
        """End the file; what cannot be written to it goes to the next one."""
        if self.trouble is None:
            self._write_all(now)
        try:
            self._archive.close()
        except DataFolderError as error:
            self._note_trouble(str(error))

    def _write_all(self, now: Moment) -> None:
        for provider in list(self._providers.values()):
            if not self._write(provider, now):
                return

    def _write(self, provider: Provider, now: Moment) -> bool:
        """Write what `provider` holds; False if that has to be tried again."""
        if provider.empty:
            return True
        try:
            frame = frames.data_frame(self._run, provider, now)
        except Exception as error:  # noqa: BLE001 # one feed must not stop the others
            self._refused.add(provider.address, f"defect of ocsd, a frame is lost: {error!r}")
        else:
            if not self._append(frame, now):
                return False
        self._buffered_bytes -= provider.buffered_bytes
        provider.clear()
        return True

    def _append(self, frame: bytes, now: Moment) -> bool:
        """Append a frame, after a status frame if providers have changed."""
        try:
            if not self._archive.is_open:
                self._archive.open(self._head)
                self._log.info("recording into {path}", path=str(self._archive.path))
            if self._listed != tuple(self._providers):
                frame = self._status(now) + frame
            self._archive.append(frame)
        except DataFolderError as error:
            self._note_trouble(str(error))
            return False
        self._listed = tuple(self._providers)
        if self.trouble is not None:
            self._log.info("recording again, after: {trouble}", trouble=self.trouble)
            self.trouble = None
        return True

    def _head(self, now: Moment) -> bytes:
        self._listed = tuple(self._providers)
        return frames.session_frame(self._run) + self._status(now)

    def _status(self, now: Moment) -> bytes:
        return frames.status_frame(self._run, self._providers.values(), now)

    def _remove(self, provider: Provider) -> None:
        del self._providers[provider.prov_id]
        self._sources[provider.address, provider.session_id].end(provider)

    def _forget_old_sources(self, now: Moment) -> None:
        old = [
            key
            for key, source in self._sources.items()
            if not source.providers and now.mono_s - source.heard_s > MEMORY_OF_SOURCE_S
        ]
        for key in old:
            del self._sources[key]

    def _by_feed(self, figure: Callable[[Sequence], int]) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for (address, _session), source in self._sources.items():
            counts[address] += figure(source.sequence)
        return {address: count for address, count in counts.items() if count}

    def _note_trouble(self, text: str) -> None:
        if text != self.trouble:
            self._log.warn("{trouble}", trouble=text)
        self.trouble = text
