"""No terminal gets a character that it cannot show."""

import io
import os
import pty

import pytest

from ocsd.text.characters import adapt, takes_unicode


@pytest.mark.parametrize(
    ("encoding", "environment", "unicode"),
    [
        ("utf-8", {}, True),
        ("UTF8", {"LANG": "C"}, True),  # Python has made it C.UTF-8
        ("utf-8", {"LC_ALL": "C"}, False),
        ("utf-8", {"LC_ALL": "POSIX"}, False),
        ("utf-8", {"LC_ALL": "C.UTF-8"}, True),
        ("utf-8", {"LC_ALL": "C", "PYTHONUTF8": "1"}, True),
        ("utf-8", {"LC_ALL": "C", "PYTHONIOENCODING": "utf-8"}, True),
        ("ascii", {"PYTHONUTF8": "0"}, False),
        ("iso8859-1", {}, False),
        (None, {}, False),
    ],
)
def test_the_locale_says_what_can_be_shown(encoding, environment, unicode):
    assert takes_unicode(encoding, environment) is unicode


def test_a_terminal_of_ascii_gets_escapes_and_a_pipe_all(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.delenv("PYTHONUTF8", raising=False)
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal:
        adapt(terminal)
        print("5 \u00b5m", file=terminal, flush=True)
        assert os.read(ours, 100) == b"5 \\xb5m\r\n"
    os.close(ours)
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    adapt(pipe)
    print("5 \u00b5m", file=pipe, flush=True)
    assert pipe.buffer.getvalue() == "5 \u00b5m\n".encode()
