"""A recorder with simulated time, and the readers that the field uses."""

import so3g  # noqa: F401, I001 # carries spt3g, so it comes first
import numpy as np
from so3g.hk import HKArchiveScanner
from spt3g import core

from ocsd.aggregator.disk.archive import G3Files
from ocsd.aggregator.disk.journal_writer import SEGMENT_BYTES
from ocsd.aggregator.frames.frames import RecordingRun
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.disk.ledger import origin_of_holes
from ocsd.aggregator.recording.arrivals import Announced, LostRange, SpoolPage
from ocsd.aggregator.recording.opening import open_folder
from ocsd.aggregator.recording.recorder import Recorder

START = 1_795_328_225.25


class Clock:
    """Both clocks, moved by hand."""

    def __init__(self, at=START, mono_s=100.0):
        self.at = at
        self.mono_s = mono_s

    def __call__(self):
        return Instant(at=self.at, mono_s=self.mono_s)

    def advance(self, seconds):
        self.at += seconds
        self.mono_s += seconds


class Lines:
    """A log that keeps its lines."""

    def __init__(self):
        self.lines = []

    def info(self, text, /, **fields):
        self.lines.append(text.format(**fields))

    warn = info


class AtOnce:
    """Does what the thread for the disk does, before `submit` returns."""

    busy = False

    def submit(self, job):
        job()

    def close(self):
        pass


class Recording:
    """A recorder and everything around it; `parts` are those of which the recorder is made."""

    def __init__(self, folder, time_per_file_s=3600.0, clock=None, segment_bytes=SEGMENT_BYTES):
        self.folder = folder
        self.clock = clock or Clock()
        self.log = Lines()
        self.archive = G3Files(folder, time_per_file_s, self.clock, self.clock.advance)
        self.recording_run = RecordingRun.begin(self.clock())
        self._segment_bytes = segment_bytes

    def start(self):
        run = self.recording_run
        self.parts = open_folder(
            self.archive,
            self.log,
            run,
            AtOnce(),
            now=self.clock(),
            origin=origin_of_holes("observatory.aggregator", repr(run.started_at)),
            segment_bytes=self._segment_bytes,
        )
        self.recorder = Recorder(self.parts, self.log, self.clock)

    def kill(self):
        """Release what the system would release at the end of a killed process."""
        self.parts.lock.release()

    def announce(self, key, next_number):
        """Let a heartbeat say which messages of a feed exist."""
        sender = key.address.split(".feeds.")[0]
        self.recorder.record(Announced(sender, {key: next_number}))

    def lose(self, key, first, last, why="again"):
        """Let an agent's spool say that it has not got these messages."""
        page = SpoolPage("observatory.thermo1", key, (), (LostRange(first, last, why),), last + 1)
        self.recorder.record(page)

    def send(self, timestamps, seq=None, feed="thermo1.feeds.temps", block="b", info=None, **data):
        feed_info = {
            "agent_address": f"observatory.{feed.split('.', maxsplit=1)[0]}",
            "address": f"observatory.{feed}",
            "session_id": "1795328000.5",
            "record": True,
            "agg_params": {},
        } | (info or {})
        if seq is not None:
            feed_info["seq"] = seq
        message = {block: {"block_name": block, "timestamps": timestamps, "data": data}}
        self.recorder.accept(message, feed_info)

    def run(self, seconds, step_s=1.0):
        for _ in range(round(seconds / step_s)):
            self.clock.advance(step_s)
            self.recorder.tick()

    def files(self):
        return sorted(self.folder.glob("*/*.g3"))

    def holes(self):
        """Return the holes that the files tell, each as a mapping."""
        blocks = list(self.blocks("observatory.aggregator.feeds.holes"))
        names = list(blocks[0].keys()) if blocks else []
        columns = [[value for block in blocks for value in block[name]] for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def raw(self, feed, field):
        """Return the values of a field as they are in the files, one block after the other."""
        blocks = self.blocks(f"observatory.{feed}")
        return [value for block in blocks if field in block for value in block[field]]

    def blocks(self, address):
        """Yield the blocks of a feed in all files."""
        for path in self.files():
            for frame in frames_of(path):
                if "address" in frame and frame["address"] == address:
                    yield from frame["blocks"]

    def read(self, field, **span):
        """Return times and values as HKArchiveScanner finds them in all files."""
        scanner = HKArchiveScanner()
        for path in self.files():
            scanner.process_file(str(path))
        times, values = scanner.finalize().simple(f"observatory.{field}", short_match=False, **span)
        return np.asarray(times), np.asarray(values)


def frames_of(path):
    """Return the frames of a file."""
    reader = core.G3Reader(str(path))
    frames = []
    while found := reader.Process(None):
        frames += found
    return frames


def types_of(path):
    """Return the types of a file's frames: 0 begins a session, 1 is its status, 2 has samples."""
    return [frame["hkagg_type"] for frame in frames_of(path)]


def data_frames_of(path):
    """Return those frames of a file that have samples."""
    return [frame for frame in frames_of(path) if frame["hkagg_type"] == 2]
