"""Ends by force are on record with their reason."""

import os
from types import SimpleNamespace

import pytest

from ocsd.daemon.watching.chronicle import EXAMINED
from ocsd.daemon.watching.examiner import Examiner
from ocsd.supervisor.events import Exited

STACKS = 'Current thread 0x1 (most recent call first):\n  File "/home/o/a.py", line 3 in f\n'


@pytest.fixture
def examined(tmp_path):
    """Examine a process that has been silent for some time, and return the line in the history."""
    log = tmp_path / "thermo1.log"
    log.write_text("")
    noted = []
    chronicle = SimpleNamespace(record=lambda *what: noted.append(what))
    examiner = Examiner(tmp_path / "incidents", lambda _: log, chronicle)

    def examine(reason, silent_s, held=""):
        report = SimpleNamespace(text="")
        keeper = SimpleNamespace(
            instance_id="thermo1",
            pid=os.getpid(),
            silent_s=silent_s,
            held=held,
            report=report,
            operations="",
            code="",
        )
        examiner.examine(keeper, reason)
        with log.open("a") as file:
            file.write(STACKS)
        examiner.transition(SimpleNamespace(instance_id="thermo1", event=Exited(signal=9), pid=7))
        ((name, event, text, pid),) = noted
        assert (name, event, pid) == ("thermo1", EXAMINED, 7)
        assert len(list((tmp_path / "incidents").iterdir())) == 1
        return text

    return examine


@pytest.mark.parametrize("silent_s", [31.0, None])
def test_a_hang_is_told_with_the_place_where_it_hung(examined, silent_s):
    reason = "reactor: its reactor has not answered for 31 s"
    assert examined(reason, silent_s).startswith(
        f'{reason}; File "/home/o/a.py", line 3 in f; see /'
    )


def test_what_grew_too_big_is_told_without_a_place(examined):
    assert examined("memory: 386M is above its limit of 300M", 0.4).startswith(
        "memory: 386M is above its limit of 300M; see /"
    )


def test_what_was_stopped_is_told_without_a_place(examined):
    held = "it is stopped (SIGSTOP); `kill -CONT 7` lets it go on"
    reason = f"reactor: no answer for 31 s: {held}"
    assert examined(reason, 31.0, held).startswith(f"{reason}; see /")
