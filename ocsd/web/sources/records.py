"""The host's history and logs, from their files: no daemon is needed."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ocsd.history.file import read_since
from ocsd.history.summary import HistoryEntry, in_order_of_time
from ocsd.log.log_lines import LineFilter, LineReader, LogLine
from ocsd.log.logfile import Follower
from ocsd.system.paths import HostPaths
from ocsd.text.logins import without_logins
from ocsd.web.refusals import MissingError, RequestRefusedError

MOST_ENTRIES: Final = 10_000
MOST_LINES: Final = 10_000
LONGEST_SEARCH_LINES: Final = 200_000
"""Number of lines of a log that a search reads, at most."""
_INSTANCE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}")
_HEALTH: Final = re.compile(r"(degraded|unstable|hung|ok)\b")


def history(
    paths: HostPaths, since_at: float, until_at: float, limit: int, names: Sequence[str], kind: str
) -> list[dict[str, Any]]:
    """Return the last entries of a span of time [Unix s], as `GET history` answers.

    `kind` is ``request`` for entries that somebody asked for, else empty.
    """
    chosen = [
        entry
        for entry in _entries(paths, since_at)
        if since_at <= entry.at < until_at
        and (not names or entry.name in names)
        and (kind != "request" or entry.by)
    ]
    return [entry._asdict() for entry in chosen[max(0, len(chosen) - limit) :]]


def _entries(paths: HostPaths, since_at: float) -> list[HistoryEntry]:
    try:
        return read_since(paths.journal, since_at)
    except OSError as error:
        raise RequestRefusedError(f"the history {paths.journal} cannot be read: {error}") from error


def strip(paths: HostPaths, name: str, since_at: float, until_at: float) -> list[dict[str, Any]]:
    """Return the states of an instance in a span of time, as `GET instances/NAME/strip` answers."""
    check_instance(name)
    entries = [entry for entry in _entries(paths, since_at) if entry.name == name]
    return spans(entries, since_at, until_at)


def spans(
    entries: Iterable[HistoryEntry], since_at: float, until_at: float
) -> list[dict[str, Any]]:
    """Return the states between two times [Unix s], each with its reason and health."""
    found: list[dict[str, Any]] = []
    for entry in in_order_of_time(entries):
        if entry.at >= until_at:
            break
        told = _state_behind(entry, found)
        if told is None:
            continue
        at = max(entry.at, since_at)
        if found:
            found[-1]["until_at"] = at
        found.append({**told, "since_at": at, "until_at": until_at})
    return [span for span in found if span["until_at"] > span["since_at"]]


def _state_behind(entry: HistoryEntry, found: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the state and health that an entry begins; None if it begins none."""
    if entry.event == "HealthChanged" and found:
        health = _HEALTH.match(entry.reason)
        word = health[1] if health else "degraded"
        return {"state": found[-1]["state"], "health": word, "reason": entry.reason}
    if not entry.after or (found and found[-1]["state"] == entry.after and not entry.reason):
        return None
    return {"state": entry.after, "health": None, "reason": entry.reason}


def log_path(paths: HostPaths, name: str) -> Path:
    """Return the log of an instance, of ``router`` or of ``ocsd``.

    Raises
    ------
    MissingError
        If there is none.
    """
    check_instance(name)
    path = paths.instance_log(name)
    if not path.exists():
        logs = sorted(each.stem for each in paths.logs.glob("*.log"))
        raise MissingError(f"there is no log of {name!r}; there are logs of {', '.join(logs)}")
    return path


def check_instance(name: str) -> None:
    """Refuse what cannot be an instance-id: it becomes part of paths and addresses.

    Raises
    ------
    MissingError
        If it cannot.
    """
    if not _INSTANCE.fullmatch(name):
        raise MissingError(f"{name[:100]!r} cannot be the name of an instance")


def line_filter(level: str, text: str) -> LineFilter:
    """Return the filter of lines of a level, or worse, with a text; small letters mean both.

    The text is no regular expression: one could keep this process busy for ever.
    """
    pattern = None
    if text:
        flags = re.NOFLAG
        if text == text.lower():
            flags = re.IGNORECASE
        pattern = re.compile(re.escape(text), flags)
    return LineFilter(None, level, pattern)


def log_lines(
    path: Path, name: str, lines: int, chosen: LineFilter, since_at: float | None
) -> list[dict[str, Any]]:
    """Return the last lines of a log that are chosen, as `GET instances/NAME/log` answers."""
    searched = lines
    if chosen.chooses:
        searched = LONGEST_SEARCH_LINES
    with Follower(path, searched, since_at) as follower:
        reader = LineReader(name, follower, follow=False)
        found = [as_json(line) for line in chosen.passed(reader.fresh())]
    return found[max(0, len(found) - lines) :]


class LogTail:
    """The lines that are appended to a log from now on."""

    def __init__(self, path: Path, name: str, chosen: LineFilter) -> None:
        self._follower = Follower(path, 0)
        self._reader = LineReader(name, self._follower, follow=True)
        self._chosen = chosen

    def fresh(self) -> Iterator[dict[str, Any]]:
        """Yield the new lines that are chosen."""
        for line in self._chosen.passed(self._reader.fresh()):
            yield as_json(line)

    def close(self) -> None:
        """Let go of the file."""
        self._follower.__exit__()


def as_json(line: LogLine) -> dict[str, Any]:
    """Return a line for the page; its text has neither time nor level."""
    return {"at": line.at, "level": line.level, "text": without_logins(line.message)}
