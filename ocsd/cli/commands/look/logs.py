"""`ocsd logs`: the logs of instances, with or without a running daemon."""

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click

from ocsd.cli.arguments import completion, options, targets
from ocsd.cli.logs import places
from ocsd.cli.logs.several_logs import SeveralLogs
from ocsd.cli.screen.moment import since_option, until_option
from ocsd.errors import NoLogError, UsageError
from ocsd.log.levels import LEVELS, USUAL
from ocsd.log.log_lines import LineFilter, LogLine, as_json, events
from ocsd.log.logfile import Follower
from ocsd.text.times import no_time_between

_LINES = 100
_FOLLOW_POLL_S = 0.1
_SEARCHED_S = 24 * 3600.0
"""Time to search if nothing says how far back: all files of a host may be gigabytes [s]."""


@options.command(
    "ocsd logs                          # everything on this host, in order of time",
    "ocsd logs fake-data1",
    "ocsd logs -f 'thermo-*'            # until Ctrl-C; each line begins with a name",
    "ocsd logs ocsd                     # the daemon's own log",
    "ocsd logs --level warn --since yesterday",
    "ocsd logs --since 03:10 --until 03:15 --grep 'no answer|timeout'",
    "ocsd logs --json --since 2h thermo1 | jq -r .text",
)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completion.targets)
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines, until Ctrl-C.")
@click.option(
    "-n",
    "--lines",
    metavar="N",
    type=click.IntRange(min=0),
    help="Begin with the last N lines: of each log that is named, of all together if none is.  "
    f"[default: {_LINES}, or all if --since, --until, --grep or --level is given]",
)
@since_option("Begin at this time, in rotated files, too")
@until_option()
@click.option(
    "--grep",
    metavar="REGEX",
    help="Only events in which this is found; upper and lower case count as the same unless "
    "REGEX has an upper-case letter.",
)
@click.option(
    "--level",
    type=click.Choice([*LEVELS, USUAL]),
    metavar="|".join(LEVELS),
    help="Only events of this level and worse. To change how much an agent logs: ocsd loglevel.",
)
@targets.class_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each event.")
@options.host_option
def logs(
    names: tuple[str, ...],
    follow: bool,
    lines: int | None,
    since_at: float | None,
    until_at: float | None,
    grep: str | None,
    level: str | None,
    agent_class: str | None,
    as_json: bool,
    host: str | None,
) -> None:
    """Print the end of the logs of instances, or of everything on this host.

    NAME may be a pattern such as 'thermo-*', and also `router`, or `ocsd`, the daemon itself.
    Lines of several logs are printed in order of time, each with its name. An event is a line
    with a time and the lines below that belong to it, such as a traceback; lines without a level
    count as `info`, of the router as `warn`. Logs can also be read while no daemon runs.
    """
    _refuse_contradictions(follow, since_at, until_at, level, names)
    chosen = LineFilter(until_at, level or LEVELS[0], _pattern(grep))
    found = places.find(names, agent_class, host, follow=follow)
    if since_at is None and chosen.chooses:
        since_at = _day_before(until_at)
    if since_at is None and lines is None:
        lines = _LINES
    view = _View(follow, lines, since_at, chosen, as_json)
    with ExitStack() as opened:
        followers = _opened(found, view, opened)
        if names == tuple(found) and len(found) == 1 and view.is_whole:
            [follower] = followers.values()
            view.repeat(lambda: _print_texts(follower.fresh()))
            return
        is_named = bool(names or agent_class)
        several = SeveralLogs(followers, follow, chosen, lines, of_each=is_named)
        printed = _printer(found, as_json, prefixed=names != tuple(found) or len(found) > 1)
        view.repeat(lambda: printed(several.fresh()))


def _day_before(until_at: float | None) -> float:
    """Return how far back a search goes by itself, and say so."""
    span = "the last 24 h"
    if until_at is not None:
        span = "the 24 h before --until"
    print(f"ocsd: of {span}; --since says how far back to search", file=sys.stderr)
    now_at = time.time()
    return min(until_at or now_at, now_at) - _SEARCHED_S


class _View(NamedTuple):
    """The part of the logs that is shown, and how."""

    follow: bool
    lines: int | None
    since_at: float | None
    chosen: LineFilter
    as_json: bool

    @property
    def is_whole(self) -> bool:
        """Whether all text from the beginning on is shown as it is, unfinished lines too."""
        limited = self.since_at is not None and self.lines is not None
        return not (self.chosen.chooses or self.as_json or limited)

    def repeat(self, show: Callable[[], None]) -> None:
        """Show what can be read now, and to follow go on for ever."""
        show()
        while self.follow:
            time.sleep(_FOLLOW_POLL_S)
            show()


def _refuse_contradictions(
    follow: bool,
    since_at: float | None,
    until_at: float | None,
    level: str | None,
    names: tuple[str, ...],
) -> None:
    if follow and until_at is not None:
        raise UsageError("-f goes on for ever, and --until ends; give one of them")
    if since_at is not None and until_at is not None and until_at <= since_at:
        raise UsageError(no_time_between(since_at, until_at))
    change = f"ocsd loglevel {' '.join(names) or 'NAME'} {level}"
    if level == USUAL:
        raise UsageError(f"--level shows lines of a level; to log as usual again: {change}")
    if level in {"debug", "trace"}:
        print(
            f"ocsd: --level only shows lines; to have more of them logged: {change}",
            file=sys.stderr,
        )


def _pattern(grep: str | None) -> re.Pattern[str] | None:
    """Return what to search for; lower-case letters stand for both."""
    if grep is None:
        return None
    letters = re.sub(r"\\.", "", grep)
    flags = re.NOFLAG
    if letters == letters.lower():
        flags = re.IGNORECASE
    try:
        return re.compile(grep, flags)
    except re.error as error:
        raise UsageError(
            f"--grep: {grep!r} is no regular expression: {error}; a sign such as ( is searched "
            "for with a backslash before it"
        ) from error


def _opened(found: Mapping[str, Path], view: _View, opened: ExitStack) -> dict[str, Follower]:
    lines = view.lines or 0
    followers = {
        name: opened.enter_context(Follower(path, lines, view.since_at))
        for name, path in found.items()
    }
    for name, follower in followers.items():
        if not view.follow and not follower.exists:
            raise NoLogError(
                f"'{name}' has written no log yet ({found[name]}); see: ocsd status {name}"
            )
    return followers


def _print_texts(texts: Iterable[str]) -> None:
    for text in texts:
        print(text, end="", flush=True)


def _printer(
    names: Iterable[str], as_json: bool, *, prefixed: bool
) -> Callable[[Iterable[LogLine]], None]:
    """Return a function that prints lines."""
    if as_json:
        return _print_json
    width = max(map(len, names))

    def printed(lines: Iterable[LogLine]) -> None:
        for line in lines:
            prefix = f"{line.name:<{width}}  " if prefixed else ""
            print(f"{prefix}{line.text}", flush=True)

    return printed


def _print_json(lines: Iterable[LogLine]) -> None:
    for event in events(lines):
        print(json.dumps(as_json(event)), flush=True)
