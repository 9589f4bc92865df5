"""`ocsd top` before it takes the screen."""

import os
import pty
import subprocess
import sys

import pytest


@pytest.fixture
def without_textual(ocsd):
    shadow = ocsd.base / "shadow"
    shadow.mkdir()
    (shadow / "textual.py").write_text("raise ImportError(\"No module named 'textual'\")\n")
    return f"{shadow}:{ocsd.environment['PYTHONPATH']}"


def test_without_textual_one_line_says_what_to_install(ocsd, without_textual):
    done = ocsd("top", PYTHONPATH=without_textual)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "ocsd: textual is needed for `ocsd top`, and cannot be imported (No module named "
        "'textual'); install it with: pip install 'ocsd[tui]'"
    ]


def test_a_program_is_told_what_to_use(ocsd):
    done = ocsd("top")
    assert done.returncode == 2
    assert "`ocsd top` is for a terminal; a program can use: ocsd status --json" in done.stderr


def on_terminal(ocsd, **changed):
    """Run `ocsd top` on a terminal, to its end; return its exit code and what it wrote."""
    parent, child = pty.openpty()
    done = subprocess.run(
        ocsd.command("top"),
        env={**ocsd.environment, "TERM": "xterm", **changed},
        stdin=child,
        stdout=child,
        stderr=child,
        timeout=60,
        check=False,
    )
    text = os.read(parent, 1 << 16).decode()
    os.close(parent)
    os.close(child)
    return done.returncode, text


def test_without_a_daemon_the_screen_is_not_taken(ocsd):
    code, text = on_terminal(ocsd)
    assert code == 69
    assert text.startswith("ocsd: no daemon is running")


def test_a_terminal_that_cannot_place_text_is_refused(ocsd):
    code, text = on_terminal(ocsd, TERM="dumb")
    assert code == 2
    assert "is for a terminal" in text


def test_other_commands_load_no_textual(ocsd):
    code = (
        "import sys; from ocsd.cli.main import main; main(['status']); main(['top', '--help'])\n"
        "loaded = {'textual', 'rich'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], env=ocsd.environment, cwd=ocsd.base)
    assert done.returncode == 0
