"""Reports the daemon's progress on the terminal: a line for each event."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TextIO

from twisted.logger import Logger

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import ROUTER_NAME
from ocsd.daemon.instances.transition import Transition
from ocsd.supervisor.events import State, Target
from ocsd.text.characters import takes_unicode
from ocsd.text.printable import printable
from ocsd.text.reason import clause

_SIGNS = {
    State.UP: ("✓", "+", "32"),
    State.STARTING: ("…", ".", "36"),
    State.STOPPING: ("…", ".", "36"),
    State.DOWN: ("○", "-", "2"),
    State.BACKOFF: ("↻", "~", "33"),
    State.FAILED: ("✗", "X", "31"),
}


MOST_NAMES: Final = 3
"""Number of instances that are named one by one although one reason holds them all."""


class StartReport:
    """Writes lines for people to a stream, until it is hushed.

    Parameters
    ----------
    stream : TextIO
        The stream.
    colour : str
        ``always``, ``never``, or ``auto``: on a terminal.
    """

    def __init__(self, stream: TextIO, colour: str = "auto") -> None:
        self._stream: TextIO | None = stream
        wants_colour = stream.isatty() and not os.environ.get("NO_COLOR")
        self._coloured = colour == "always" or (colour == "auto" and wants_colour)
        self._plain = not takes_unicode(stream.encoding, os.environ)

    def say(self, text: str) -> None:
        """Write a line."""
        if self._stream is None:
            return
        if self._plain:
            text = text.encode("ascii", "replace").decode()
        # A terminal that was closed must not stop the telescope.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text + "\n")
            self._stream.flush()

    def transition(self, transition: Transition, address: str = "") -> None:
        """Write the line for a transition; quick steps on the way need none.

        `address` is that of the page in the browser, if the instance serves it.
        """
        after = transition.after
        if after.state in {State.STARTING, State.STOPPING} and not after.reason:
            return
        sign, ascii_sign, code = _SIGNS[after.state]
        if self._plain:
            sign = ascii_sign
        # Agents wrote the remark.
        remark = printable(self._remark(transition))
        text = f"{sign} {transition.instance_id:<20} {after.state:<9} {remark}".rstrip()
        if self._coloured:
            text = f"\x1b[{code}m{text}\x1b[0m"
        self.say(text)
        if after.state is State.UP and address:
            self.say(page_line(address))

    def _remark(self, transition: Transition) -> str:
        before, after = transition.before, transition.after
        if after.state is State.UP:
            return f"after {after.since_s - before.since_s:.2f} s"
        if after.state is State.BACKOFF and after.wake_at_s is not None:
            return f"next try in {after.wake_at_s - after.since_s:.1f} s; {after.reason}"
        return after.reason

    def hush(self) -> None:
        """Let go of the stream: the command that started this daemon has ended."""
        if self._stream is None:
            return
        self._stream = None
        with contextlib.suppress(OSError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            for standard in (1, 2):  # sys.stdout now leads to the log
                os.dup2(nothing, standard)
            os.close(nothing)


class LoggedReport(StartReport):
    """Writes what a terminal would show, and the daemon's log does not have yet, to that log."""

    log = Logger()

    def __init__(self) -> None:
        super().__init__(sys.stdout, "never")

    def say(self, text: str) -> None:
        """Log a line."""
        self.log.info("{text}", text=text.strip())

    def transition(self, transition: Transition, address: str = "") -> None:
        """Log the address of the page; the transition itself is in the log."""
        if transition.after.state is State.UP and address:
            self.say(page_line(address))


def start_report(
    fleet: Fleet, waits_for: Callable[[str], tuple[str, ...]], took_s: float
) -> list[str]:
    """Return the result of a start: the instances that are not up and why, and how many are.

    `waits_for` returns the instances for which one waits; `took_s` is the duration [s].
    """
    keepers = [keeper for _, keeper in fleet.agents()]
    lines = [*_starting(fleet, waits_for, took_s), *_pages(fleet)]
    for keeper in keepers:
        if why_down := fleet.wish(keeper.instance_id).why_down(keeper.life):
            lines.append(f"  {keeper.instance_id} is down: {why_down}")
    wanted = [keeper.life for keeper in keepers if keeper.life.target is Target.UP]
    up = sum(life.state is State.UP for life in wanted)
    return [*lines, f"{up} of {len(wanted)} instances up after {took_s:.1f} s"]


def page_line(address: str) -> str:
    """Return the line about the page in the browser."""
    return f"  the page: {address}"


def _pages(fleet: Fleet) -> Iterator[str]:
    """Yield a line about a page that is not served yet; one that is has its line already."""
    for page in fleet.pages():
        life = page.life
        if life.target is not Target.UP or life.state is State.UP:
            continue
        if life.state is State.STARTING:
            why = clause(": ", page.report.text)
            yield f"  the page still starts{why}; ocsd status has its address"
        else:
            why = clause(": ", life.reason)
            yield f"  the page is {life.state}{why}; see: ocsd why {page.instance_id}"


def _starting(
    fleet: Fleet, waits_for: Callable[[str], tuple[str, ...]], took_s: float
) -> list[str]:
    """Return lines about what still starts; a router that does explains all that wait for it."""
    reasons = {
        keeper.instance_id: _why_it_starts(keeper, waits_for)
        for _, keeper in fleet.agents()
        if not keeper.life.settled and keeper.life.state is State.STARTING
    }
    router = fleet.router
    if router is None or router.life.state is not State.STARTING:
        return _once(reasons)
    others = {name: why for name, why in reasons.items() if ROUTER_NAME not in why}
    waiting = len(reasons) - len(others)
    return [f"  router still starts ({took_s:.0f} s){_wait(waiting)}", *_once(others)]


def _why_it_starts(keeper: Keeper, waits_for: Callable[[str], tuple[str, ...]]) -> str:
    if others := waits_for(keeper.instance_id):
        return f"waits for {', '.join(others)}"
    return keeper.report.text or "no message yet"


def _wait(number: int) -> str:
    if number == 0:
        return ""
    if number == 1:
        return "; 1 instance waits for it"
    return f"; {number} instances wait for it"


def _once(reasons: Mapping[str, str]) -> list[str]:
    """Return a line for each reason; many instances share one."""
    names_of: dict[str, list[str]] = {}
    for name, why in reasons.items():
        names_of.setdefault(why, []).append(name)
    lines = []
    for why, names in names_of.items():
        if len(names) <= MOST_NAMES:
            lines += [f"  {name} still starts: {why}" for name in names]
        else:
            more = len(names) - MOST_NAMES
            shown = ", ".join(names[:MOST_NAMES])
            lines.append(f"  {shown} and {more} more still start: {why}")
    return lines
