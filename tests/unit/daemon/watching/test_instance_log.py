"""The last words of a process are its own, not those of one before it."""

import os

import pytest

from ocsd.daemon.watching.instance_log import LOG_TAIL_BYTES, end_of, last_line
from ocsd.forkserver.protocol import Spawned
from ocsd.text.reason import LONGEST_REASON


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "thermo1.log"
    path.write_text("ocsd: cannot start 'thermo1': old news\n")
    return path


def started(log):
    """Return a process that is started with the log as it is."""
    found = os.stat(log)
    return Spawned("thermo1", 7, 1, found.st_ino, found.st_size)


def test_what_was_written_before_it_was_started_is_not_its_word(log):
    process = started(log)
    assert last_line(log) == "cannot start 'thermo1': old news"
    assert last_line(log, process) == ""
    with log.open("a") as file:
        file.write("OSError: no device\n")
    assert last_line(log, process) == "OSError: no device"


@pytest.mark.parametrize("rest", ["2026-11-29T11", "2026-11-29T11:04:55+0000", "2026-11-29T1\n"])
def test_a_line_of_which_a_full_disk_has_taken_the_time_only_says_nothing(log, rest):
    with log.open("a") as file:
        file.write(f"OSError: no space\n{rest}")
    assert last_line(log) == "OSError: no space"


def test_a_log_that_was_begun_anew_holds_its_words_only(log):
    process = started(log)
    log.rename(log.with_suffix(".1"))
    log.write_text("x" * 100 + "\nOSError: no device\n")
    assert last_line(log, process) == "OSError: no device"


def test_a_log_that_was_emptied_holds_its_words_only(log):
    process = started(log)
    os.truncate(log, 0)
    log.write_text("no device\n")
    assert last_line(log, process) == "no device"


def test_only_the_end_is_read_and_daily_life_is_no_reason(log):
    process = started(log)
    with log.open("a") as file:
        file.write("y" * LOG_TAIL_BYTES + "\n2026-11-22T15:00:00.000Z [info] acquiring\n")
    assert last_line(log, process) == ""
    assert len(end_of(log, LOG_TAIL_BYTES, process)) == LOG_TAIL_BYTES


def test_a_last_line_that_nobody_would_read_is_told_in_part(log):
    log.write_text("OSError: " + "L" * 3000 + "\nend: " + "M" * 3000 + " of it\n")
    told = last_line(log)
    assert len(told) == LONGEST_REASON
    assert told.endswith(" of it")


@pytest.mark.parametrize("inside", ["\u2028", "\x85", "\x0c", "\x1c"])
def test_only_a_line_feed_ends_a_line(log, inside):
    log.write_text(f"\x1b[31mred\n10 %\rno device{inside}there\n\n")
    assert last_line(log) == f"no device{inside}there"


def test_a_log_that_cannot_be_read_says_nothing(tmp_path):
    assert last_line(tmp_path) == last_line(tmp_path / "none.log") == ""


@pytest.mark.parametrize(
    "note",
    [
        "/venv/site-packages has changed since the fork server loaded it, so this agent is started "
        "from scratch; `ocsd stop` and `ocsd start` make starts fast again",
        "11000 bytes of this log were lost: No space left on device",
        "looked for again in a new interpreter: no plug-in has the agent class 'New'",
    ],
)
def test_a_note_of_ocsd_itself_explains_no_end(log, note):
    process = started(log)
    with log.open("a") as file:
        file.write(f"ocsd: note: {note}\n")
    assert last_line(log, process) == ""
    with log.open("a") as file:
        file.write(f"OSError: no device\nocsd: note: {note}\n")
    assert last_line(log, process) == "OSError: no device"
