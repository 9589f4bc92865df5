"""Feeds that are recorded in real time, and a writer beside them."""

import json
import os
import time
from pathlib import Path

from tests import forked_scripts
from tests.system.waiting import wait_until
from tests.unit.aggregator.rig import Clock, Recording

FEEDS = {"thermo1.feeds.temps": "CryoClass", "bath2.feeds.levels": "BathClass"}
TAGS = {"a": {"_field": "level", "place": "top left"}, "n": {"_field": "count", "place": "all"}}


WRITER = """
import sys
from tests.system.recording import database_writer
database_writer.main(*sys.argv[1:])
"""


class WriterProcess:
    def __init__(self, folder, port, settle_s=0):
        self._words = tuple(map(str, (folder / "data", folder / "state", port, settle_s)))
        self._log = (folder / "writer.log").open("wb")
        self._folder = folder / "state"
        self._cursor = self._folder / "cursor.json"
        self.start()

    def start(self):
        self._before = self._saved_at()
        with open(os.devnull) as nothing:
            streams = (nothing, self._log, self._log)
            self._process = forked_scripts.start(
                WRITER, self._words, os.environ, Path.cwd(), streams
            )

    def has_written(self):
        """Whether the database has acknowledged something in this life."""
        return self._saved_at() != self._before

    def report(self):
        """Return the newest report."""
        found = self._folder / "report.json"
        wait_until(found.exists, "a report")
        return json.loads(found.read_bytes())

    def _saved_at(self):
        try:
            return self._cursor.stat().st_mtime_ns
        except OSError:
            return None

    def kill(self):
        assert self._process.poll() is None, "the writer ended by itself"
        self._process.kill()
        self._process.wait(30)


class Feeds:
    """A recorder in real time, of a plain feed and one with tags, with small frames."""

    def __init__(self, folder):
        folder.mkdir()
        self.clock = Clock(time.time(), time.monotonic())
        self.recording = Recording(folder, clock=self.clock, segment_bytes=2**14)
        self.recording.start()
        self._number = 0

    def publish(self, seconds):
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.clock.at, self.clock.mono_s = time.time(), time.monotonic()
            for feed, agent_class in FEEDS.items():
                self._send(feed, agent_class)
            self._number += 1
            self.recording.recorder.tick()
            time.sleep(0.05)

    def publish_until(self, condition, what):
        wait_until(lambda: self.publish(0.1) or condition(), what)

    def end(self):
        self.recording.recorder.close()

    def _send(self, feed, agent_class):
        times = [self.clock.at + place * 1e-3 for place in range(10)]
        data = {"a": [at % 7 for at in times], "n": list(range(10))}
        data |= {"on": [True] * 10, "state": [f'"{place}" \\ é' for place in range(10)]}
        block = {"block_name": "b", "timestamps": times, "data": data}
        if agent_class == "BathClass":
            block |= {"data": {"a": data["a"], "n": data["n"]}, "influxdb_tags": TAGS}
        info = {
            "agent_address": f"observatory.{feed.partition('.')[0]}",
            "address": f"observatory.{feed}",
            "agent_class": agent_class,
            "session_id": "1795328000.5",
            "record": True,
            "seq": self._number,
            "agg_params": {"frame_length": 1.0},
        }
        self.recording.recorder.accept({"b": block}, info)
