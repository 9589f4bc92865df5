"""The logs of a host as JSON, one object a line."""

import io
import json

from ocsd.log.log_lines import LogLine
from ocsd.log.outward import OutwardLogs, entry

FIRST = "2026-11-29T20:24:00.250Z [error] no answer from the device\n"
TRACE = """  Traceback (most recent call last):
    File "agent.py", line 7, in acq
      raise OSError("gone")
  OSError: gone
"""


class Folder:
    """A folder of logs, and what was written of it."""

    def __init__(self, path):
        self.path = path / "log"
        self.path.mkdir()
        self.places = path / "logs-sent.json"
        self.logs = None

    def add(self, name, text):
        with (self.path / f"{name}.log").open("a") as file:
            file.write(text)

    def begin(self):
        self.stream = io.StringIO()
        self.logs = OutwardLogs("lab", self.path, self.places, self.stream)

    def written(self):
        """Return what two rounds write."""
        self.logs.write_fresh()
        self.logs.write_fresh()
        lines = self.stream.getvalue().splitlines()
        self.stream.truncate(self.stream.seek(0))
        return [json.loads(line) for line in lines]

    def messages(self):
        return [each["message"] for each in self.written()]


def test_an_event_has_time_with_zone_host_instance_level_and_message(tmp_path):
    folder = Folder(tmp_path)
    folder.begin()
    folder.add("thermo1", FIRST)
    assert folder.written() == [
        {
            "time": "2026-11-29T20:24:00.250+00:00",
            "host": "lab",
            "instance": "thermo1",
            "level": "error",
            "message": "no answer from the device",
        }
    ]


def test_a_traceback_is_a_field_of_its_own_with_its_lines(tmp_path):
    folder = Folder(tmp_path)
    folder.begin()
    folder.add("thermo1", FIRST + TRACE)
    [found] = folder.written()
    assert found["message"] == "no answer from the device"
    assert found["traceback"].splitlines()[0] == "Traceback (most recent call last):"
    assert found["traceback"].splitlines()[-1] == "OSError: gone"


def test_a_crash_without_a_message_is_told_by_its_last_line(tmp_path):
    folder = Folder(tmp_path)
    folder.begin()
    folder.add("thermo1", TRACE.replace("\n  ", "\n")[2:])
    [found] = folder.written()
    assert (found["level"], found["message"]) == ("error", "OSError: gone")


def test_lines_without_a_time_get_that_of_their_reading():
    lines = [LogLine("router", "hello", None, None, begins=False)]
    found = entry(lines, "lab", 1795328225.0)
    assert found["time"] == "2026-11-22T06:17:05.000+00:00"
    assert found["level"] == "warn"


def test_a_line_of_crossbar_names_its_logger():
    text = "2026-11-29T20:24:00+0000 [Router      4121 crossbar.router] slow"
    found = entry([LogLine("router", text, 1795328225.0, None, begins=True)], "lab", 0.0)
    assert (found["logger"], found["message"]) == ("Router 4121 crossbar.router", "slow")


def test_a_message_has_no_blank_at_its_end(tmp_path):
    folder = Folder(tmp_path)
    folder.begin()
    folder.add("thermo1", "2026-11-29T20:24:00.250Z [info] well \n")
    assert folder.messages() == ["well"]


def test_a_line_of_crossbar_without_text_takes_it_from_below_or_is_left_out(tmp_path):
    head = "2026-11-29T20:24:00+0000 [Router      4121 crossbar.router] \n"
    folder = Folder(tmp_path)
    folder.begin()
    folder.add("router", head + "\nslow\n" + head + TRACE.replace("\n  ", "\n")[2:] + head)
    found = folder.written()
    assert [each["message"] for each in found] == ["slow", "OSError: gone"]
    folder.add("router", head + TRACE)
    [found] = folder.written()
    assert found["logger"] == "Router 4121 crossbar.router"
    assert (found["message"], found["traceback"][:9]) == ("OSError: gone", "Traceback")


def test_only_what_comes_after_the_first_start_is_written_and_new_logs_from_their_begin(tmp_path):
    folder = Folder(tmp_path)
    folder.add("old", "2026-11-29T20:00:00.000Z [info] before\n")
    folder.begin()
    folder.add("old", "2026-11-29T20:00:02.000Z [info] second\n")
    folder.add("new", "2026-11-29T20:00:01.000Z [info] first\n")
    assert folder.messages() == ["first", "second"]


def test_a_successor_goes_on_where_its_predecessor_was_also_over_a_rotation(tmp_path):
    folder = Folder(tmp_path)
    folder.begin()
    folder.add("a", "2026-11-29T20:00:00.000Z [info] one\n")
    assert folder.messages() == ["one"]
    folder.add("a", "2026-11-29T20:00:01.000Z [info] two\n")
    (folder.path / "a.log").rename(folder.path / "a.log.1")
    folder.add("a", "2026-11-29T20:00:02.000Z [info] three\n")
    folder.begin()
    assert folder.messages() == ["two", "three"]
    folder.begin()
    assert folder.messages() == []


def test_a_file_of_places_that_is_broken_counts_for_nothing(tmp_path):
    folder = Folder(tmp_path)
    folder.places.write_text('{"a.log": [1')
    folder.begin()
    folder.add("a", "2026-11-29T20:00:00.000Z [info] one\n")
    assert folder.messages() == ["one"]


def test_a_full_disk_ends_nothing(tmp_path):
    """Its place cannot be kept, and each line is written once all the same."""
    folder = Folder(tmp_path)
    folder.begin()
    folder.places.with_suffix(".new").mkdir()
    folder.add("thermo1", FIRST)
    assert folder.messages() == ["no answer from the device"]
    folder.add("thermo1", FIRST)
    assert folder.messages() == ["no answer from the device"]
    folder.places.with_suffix(".new").rmdir()
    folder.add("thermo1", FIRST)
    assert folder.messages() == ["no answer from the device"]
    assert folder.places.exists()
