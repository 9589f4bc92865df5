"""A bar is shown to a person who waits long, and to nobody else."""

import os
import pty
import re
import sys

from ocsd.cli.screen.progress import Bar


def shown(monkeypatch, quiet_s):
    reader, writer = pty.openpty()
    with open(writer, "w") as screen, open(reader, "rb") as terminal:
        monkeypatch.setattr(sys, "stderr", screen)
        with Bar("reading", quiet_s) as bar:
            bar(2, 4)
            bar(4, 4)
        print("end of the test", file=screen, flush=True)
        text = ""
        while "end of the test" not in text:  # a terminal hands out its text piece by piece
            text += os.read(terminal.fileno(), 10_000).decode()
    return text


def test_long_work_has_a_bar_on_a_terminal(monkeypatch):
    text = shown(monkeypatch, quiet_s=0.0)
    assert "reading" in text
    assert "100%" in text
    visible = re.sub(r"\x1b\[[?0-9]*[a-zA-Z]", "", text)
    assert max(map(len, visible.split("\r"))) <= 80


def test_the_bar_goes_when_the_work_is_done(monkeypatch):
    text = shown(monkeypatch, quiet_s=0.0)
    assert text.endswith("\x1b[A\x1b[2Kend of the test\r\n")


def test_short_work_has_no_bar(monkeypatch):
    assert "reading" not in shown(monkeypatch, quiet_s=60.0)


def test_a_program_gets_no_bar(capsys):
    with Bar("reading", quiet_s=0.0) as bar:
        bar(1, 1)
    assert capsys.readouterr().err == ""
