"""What an agent prints without a newline is in its log soon, and progress bars do not flood it."""

import io
import os
import signal
import subprocess
import sys
import time

import pytest

from ocsd.log.printed import BURST, PrintedText, Unfinished, finish


class Lines(io.StringIO):
    """The stream that takes lines."""

    encoding = "utf-8"

    def taken(self):
        return self.getvalue().splitlines()


@pytest.fixture
def lines():
    return Lines()


@pytest.fixture
def printed(lines, clock):
    return PrintedText(lines, clock.seconds)


def test_lines_are_written_as_they_are_printed(printed, lines):
    assert printed.write("one\ntwo\n\nthr") == len("one\ntwo\n\nthr")
    assert lines.taken() == ["one", "two", ""]
    printed.write("ee\r\n")
    assert lines.taken() == ["one", "two", "", "three"]


def test_what_is_flushed_is_written_at_once_and_not_again(printed, lines):
    print("calling the vendor's library ...", end="", flush=True, file=printed)
    assert lines.taken() == ["calling the vendor's library ..."]
    print(" done", file=printed)
    print("next", end="", flush=True, file=printed)
    print(file=printed)
    print(file=printed)
    assert lines.taken()[1:] == [" done", "next", ""]


def test_a_stream_of_the_log_can_do_what_authors_expect_of_a_file(lines, clock):
    printed = PrintedText(lines, clock.seconds, descriptor=1)
    assert printed.buffer.write("21.5 °C\n".encode()) == len("21.5 °C\n".encode())
    printed.buffer.flush()
    printed.buffer.writelines([b"a\n", b"b\n"])
    printed.reconfigure(line_buffering=True)
    assert lines.taken() == ["21.5 °C", "a", "b"]
    assert (printed.fileno(), printed.isatty()) == (1, False)


def test_what_is_not_flushed_waits_for_its_end(printed, lines, clock):
    printed.write("half")
    clock.advance(5)
    printed.write_due()
    assert lines.taken() == []
    printed.write(" and half\n")
    assert lines.taken() == ["half and half"]


def test_a_progress_bar_is_one_line_a_second_after_a_burst_and_its_end_is_there(
    printed, lines, clock
):
    for step in range(1000):
        printed.write(f"\r{step} %")
        printed.flush()
        clock.advance(0.03)
        if step % 16 == 0:
            printed.write_due()
    assert 0 < len(lines.taken()) <= BURST + 31
    clock.advance(1)
    printed.write_due()
    assert lines.taken()[-1] == "999 %"
    printed.write("\n")
    printed.write("done\n")
    assert lines.taken()[-2:] == ["999 %", "done"]


@pytest.mark.parametrize(
    "pieces", [["\r1 %", "\r2 %", "\n"], ["1 %\r", "2 %\r", "\n"], ["1 %", "\r", "2 %", "\r\n"]]
)
def test_each_form_of_a_progress_bar_gives_the_same_lines(printed, lines, pieces):
    for piece in pieces:
        printed.write(piece)
        printed.flush()
    assert lines.taken() == ["1 %", "2 %"]


def test_updates_that_come_too_fast_are_left_out_but_the_latest_is_not():
    unfinished = Unfinished(0.0)
    text = "\r".join(map(str, range(1000)))
    written = unfinished.added(f"{text}\n", 0.0)
    assert written == [*map(str, range(BURST)), "999"]


def test_dots_are_gathered_and_none_is_lost(printed, lines, clock):
    for _ in range(100):
        print(".", end="", flush=True, file=printed)
    clock.advance(1)
    printed.write_due()
    assert "".join(lines.taken()) == "." * 100
    assert len(lines.taken()) == BURST + 1


def test_a_clock_that_stands_still_or_goes_back_keeps_nothing_for_ever(lines, clock):
    unfinished = Unfinished(1000.0)
    assert unfinished.added("a", 0.0) == []
    assert unfinished.flushed(0.0) == ["a"]


def test_the_end_of_the_process_writes_what_is_left(printed, lines):
    printed.write("bye")
    finish(printed, sys.stdout)
    assert lines.taken() == ["bye"]
    finish(printed)
    assert lines.taken() == ["bye"]


def test_bytes_and_other_questions_are_answered_as_before(printed, lines):
    class Encoded(Lines):
        encoding = "ascii"

    stream = PrintedText(Encoded())
    stream.write(b"\xffa\n")
    stream.writelines(["b\n", "c\n"])
    assert stream.taken() == ["\\xffa", "b", "c"]
    assert not stream.isatty()
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        stream.write("d")


AGENT = """
import os, signal, sys
from ocsd.log import logs
logs.start("info", open(sys.argv[1], "a", buffering=1))
for word in ("first", "second", "last words"):
    print(word, end=" ", flush=True)
if sys.argv[2] == "exit":
    os._exit(3)
os.kill(os.getpid(), signal.SIGSEGV)
"""


@pytest.mark.parametrize(("how", "code"), [("exit", 3), ("crash", -signal.SIGSEGV)])
def test_last_words_survive_the_process(tmp_path, how, code):
    log = tmp_path / "log"
    done = subprocess.run([sys.executable, "-c", AGENT, log, how], timeout=60, check=False)
    assert done.returncode == code
    assert [line.split("] ")[1] for line in log.read_text().splitlines()] == [
        "first ",
        "second ",
        "last words ",
    ]


def test_a_forked_child_prints_nothing_of_its_parent(lines):
    stream = PrintedText(lines, time.monotonic)
    stream.write("of the parent")
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        stream.finish()
        os.write(write, lines.getvalue().encode() or b"nothing")
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 100) == b"nothing"
    os.close(read)
    os.close(write)
