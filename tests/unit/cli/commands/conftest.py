"""The history of a host, for `ocsd history` and `ocsd why`."""

import contextlib
import os
import pty
import subprocess
import time

import pytest

from ocsd.history.file import HistoryFile
from ocsd.history.summary import HistoryEntry


def happened(ago_s, name, event, before, after, **more):
    return HistoryEntry(time.time() - ago_s, name, event, before, after, **{"target": "up", **more})


def story():
    return [
        happened(4000, "thermo1", "UpRequested", "down", "starting", by="alice (uid 1000)"),
        happened(3999, "thermo1", "BecameReady", "starting", "up", pid=7),
        happened(3000, "thermo2", "UpRequested", "down", "starting"),
        happened(
            2000,
            "thermo1",
            "Exited",
            "up",
            "backoff",
            code=3,
            reason="ended with exit code 3: no device",
        ),
        happened(
            1990, "thermo1", "Examined", "", "", reason="/var/lib/ocsd/incidents/1: in read()"
        ),
    ]


@pytest.fixture
def history_file(ocsd):
    """The history of host `lab`; no other host has one."""
    folder = ocsd.base / "state" / "lab"
    folder.mkdir(parents=True)
    history = HistoryFile(folder / "journal.jsonl")
    # The history is as old as the test, and not as the module: a full run takes minutes.
    for entry in story():
        history.write(entry)
    return history


@pytest.fixture
def at_terminal(ocsd):
    """Run `ocsd` at a terminal on which a person types, and return exit code and screen."""

    def ask(typed, *words):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ocsd.command(*words),
            env=ocsd.environment,
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        os.write(ours, typed.encode())
        screen = b""
        with contextlib.suppress(OSError):
            while block := os.read(ours, 4096):
                screen += block
        os.close(ours)
        return process.wait(30), screen.decode()

    return ask
