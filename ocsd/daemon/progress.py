"""What an operator sees of the daemon on the terminal: a line for each thing that happens."""

import contextlib
import os
from collections.abc import Callable
from typing import TextIO

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.transition import Transition
from ocsd.supervisor.events import State, Target

_SIGNS = {
    State.UP: ("✓", "+", "32"),
    State.STARTING: ("…", ".", "36"),
    State.STOPPING: ("…", ".", "36"),
    State.DOWN: ("○", "-", "2"),
    State.BACKOFF: ("↻", "~", "33"),
    State.FAILED: ("✗", "X", "31"),
}


class StartReport:
    """Writes lines for people to a stream until it is told that nobody listens.

    Parameters
    ----------
    stream : TextIO
        Where to write.
    colour : str
        ``always``, ``never``, or ``auto``: on a terminal.
    """

    def __init__(self, stream: TextIO, colour: str = "auto") -> None:
        self._stream: TextIO | None = stream
        wants_colour = stream.isatty() and not os.environ.get("NO_COLOR")
        self._coloured = colour == "always" or (colour == "auto" and wants_colour)
        self._plain = not (stream.encoding or "").lower().startswith("utf")

    def say(self, text: str) -> None:
        """Write a line."""
        if self._stream is None:
            return
        # A terminal that was closed must not stop the telescope.
        with contextlib.suppress(OSError, ValueError):
            line = text.encode("ascii", "replace").decode() if self._plain else text
            self._stream.write(line + "\n")
            self._stream.flush()

    def transition(self, transition: Transition) -> None:
        """Write the line for a transition; quick steps on the way need none."""
        after = transition.after
        if after.state in {State.STARTING, State.STOPPING} and not after.reason:
            return
        sign, ascii_sign, code = _SIGNS[after.state]
        mark = ascii_sign if self._plain else sign
        remark = _printable(self._remark(transition))
        text = f"{mark} {transition.instance_id:<20} {after.state:<9} {remark}".rstrip()
        self.say(f"\x1b[{code}m{text}\x1b[0m" if self._coloured else text)

    def _remark(self, transition: Transition) -> str:
        before, after = transition.before, transition.after
        if after.state is State.UP:
            return f"after {after.since_s - before.since_s:.2f} s"
        if after.state is State.BACKOFF and after.wake_at_s is not None:
            return f"next try in {after.wake_at_s - after.since_s:.1f} s; {after.reason}"
        return after.reason

    def hush(self) -> None:
        """Let go of the stream: whoever started this daemon knows enough."""
        if self._stream is None:
            return
        self._stream = None
        with contextlib.suppress(OSError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            for standard in (1, 2):  # sys.stdout by now is the log's
                os.dup2(nothing, standard)
            os.close(nothing)


def start_report(
    fleet: Fleet, waits_for: Callable[[str], tuple[str, ...]], took_s: float
) -> list[str]:
    """Return how a start went: who is not up and why, and how many are.

    Parameters
    ----------
    fleet : Fleet
        The instances.
    waits_for : callable
        Returns whom an instance waits for.
    took_s : float
        How long it took [s].
    """
    lines = []
    keepers = [keeper for _, keeper in fleet]
    for keeper in keepers:
        if not keeper.life.settled and keeper.life.state is State.STARTING:
            others = ", ".join(waits_for(keeper.instance_id))
            why = f"waits for {others}" if others else keeper.report.text or "no word of it yet"
            lines.append(f"  {keeper.instance_id} still starts: {why}")
        elif why_down := fleet.wish(keeper.instance_id).why_down(keeper.life):
            lines.append(f"  {keeper.instance_id} is down: {why_down}")
    wanted = [each for each in keepers if each.life.target is Target.UP]
    up = sum(each.life.state is State.UP for each in wanted)
    return [*lines, f"{up} of {len(wanted)} instances up after {took_s:.1f} s"]


def _printable(text: str) -> str:
    """Return text without what could play with a terminal: agents wrote it."""
    return "".join(each if each.isprintable() else " " for each in text)
