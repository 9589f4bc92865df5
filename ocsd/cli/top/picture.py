"""The lines of the full screen: pure functions of an answer, what was chosen, and the size."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import chain
from typing import Final

from ocsd.cli.arguments.targets import is_pattern
from ocsd.cli.overview.page import blocks_of, by_urgency, foot, not_managed_lines, wrapped
from ocsd.cli.screen.terminal import Terminal
from ocsd.status.headlines import counts, headlines
from ocsd.status.replies import HostStatus, InstanceStatus
from ocsd.status.verdict import is_well, verdict_of
from ocsd.text import units
from ocsd.text.printable import one_line
from ocsd.text.times import clock

STALE_AFTER_S: Final = 3.0
"""Age of the last answer from which on the screen says that it is old [s]."""
_LEAST_TABLE_LINES: Final = 5
"""Lines that the table keeps, however much there is to say above it."""

KEYS: Final = (
    ("w", "why"),
    ("l", "logs"),
    ("r", "restart"),
    ("u", "up"),
    ("d", "down"),
    ("/", "filter"),
    ("a", "all/wrong"),
    ("?", "help"),
    ("q", "quit"),
)
"""The keys, as the last line of the screen shows them."""

HELP: Final = """\
It shows what `ocsd status` shows, and asks every second.

  up, down, j, k  select an instance; also Page Up and Down,
                  Home, End
  w, Enter        why it is in its state (ocsd why)
  l               its log, and new lines (ocsd logs -f)
  r               restart it; asks first
  u, d            bring it up, bring it down; asks first
  /               only names, classes, states or health with
                  a text, or of a pattern such as thermo-*;
                  Esc ends it
  a               all, or only what is not well
  q               leave this page, or ocsd top; Ctrl-C, too

What has been asked for goes on when you leave.
"""
"""The page of help, for a screen of 60 columns."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The part of the report that a person chose to see."""

    selected: str = ""
    """An instance-id; the first that is shown if this one is not."""
    only_wrong: bool = False
    words: str = ""
    """A part of a name, class, state or health, or a pattern of the shell's form."""


@dataclass(frozen=True, slots=True)
class Contact:
    """The answers of the daemon until now; ``_s`` is on the monotonic clock."""

    heard_s: float | None = None
    """Time of the last answer; None before the first."""
    heard_at: float = 0.0
    """The same as Unix time."""
    trouble: str = ""
    """Why there is no newer answer."""

    def silence(self, now_s: float) -> str:
        """Return since when the daemon has not answered, and why; nothing while it answers."""
        because = one_line(self.trouble)
        if self.heard_s is None:
            return f"no answer yet: {because}" if because else ""
        age_s = now_s - self.heard_s
        if not because and age_s < STALE_AFTER_S:
            return ""
        since = f"no answer since {_second(self.heard_at)} ({units.duration(age_s)})"
        return f"{since}: {because}" if because else since


def shown(report: HostStatus, choice: Choice) -> list[InstanceStatus]:
    """Return the instances that are listed, the most urgent first."""
    idle = verdict_of(report).idle
    return [
        each
        for each in by_urgency(report.instances)
        if _has_words(each, choice.words.strip())
        and not (choice.only_wrong and is_well(each, idle))
    ]


def _has_words(instance: InstanceStatus, words: str) -> bool:
    words = words.lower()
    if not is_pattern(words):
        words = f"*{words}*"
    texts = (instance.instance_id, instance.agent_class, instance.state, instance.health or "")
    return any(fnmatchcase(text.lower(), words) for text in texts)


def selected(report: HostStatus, choice: Choice) -> InstanceStatus | None:
    """Return the selected instance; None if none is listed."""
    listed = shown(report, choice)
    chosen = (each for each in listed if each.instance_id == choice.selected)
    return next(chosen, next(iter(listed), None))


def moved(report: HostStatus, choice: Choice, by: int) -> Choice:
    """Return the choice with the selection moved down by a number of instances, up to the end."""
    listed = shown(report, choice)
    present = selected(report, choice)
    if present is None:
        return choice
    number = max(0, min(len(listed) - 1, listed.index(present) + by))
    return replace(choice, selected=listed[number].instance_id)


def picture(report: HostStatus, choice: Choice, heard_at: float, screen: Terminal) -> list[str]:
    """Return the lines of the report on a host, as many as the screen is high at most.

    The selected instance is always among them. `heard_at` is the time of the answer [Unix s].
    """
    head = wrapped(headlines(report, verdict_of(report), screen), screen)
    below = wrapped([_place(report, choice, heard_at)], screen)
    room = screen.height_lines - len(below)
    if len(head) > max(1, room - _LEAST_TABLE_LINES):
        head = [*head[: max(1, room - _LEAST_TABLE_LINES) - 1], screen.ellipsis]
    table = _table(report, choice, screen, room - len(head))
    last = [*not_managed_lines(report, screen), *wrapped([foot(report)], screen)]
    if len(head) + len(table) + len(last) > room:
        last = []
    gap = [""] * (room - len(head) - len(table) - len(last))
    return [*head, *table, *last, *gap, *below][: screen.height_lines]


def _place(report: HostStatus, choice: Choice, heard_at: float) -> list[str]:
    """Return the line that says which part of what is shown, and of when."""
    listed, idle = shown(report, choice), verdict_of(report).idle
    parts = [_second(heard_at), f"{len(listed)} of {len(report.instances)}"]
    if choice.words.strip():
        parts.append(f"filter {choice.words.strip()!r}")
    well = [each for each in report.instances if is_well(each, idle)]
    if choice.only_wrong and well:
        parts.append(f"only what is not well; {counts(well)} and well")
    return parts


def _table(report: HostStatus, choice: Choice, screen: Terminal, room: int) -> list[str]:
    present = selected(report, choice)
    if present is None:
        return ["no instance fits; a shows all, Esc ends the filter"]
    listed = shown(report, choice)
    title, blocks = blocks_of(listed, screen)
    number = listed.index(present)
    blocks[number] = [screen.marked(line) for line in blocks[number]]
    return [title, *_window(blocks, number, max(1, room - 1))]


def _window(blocks: Sequence[Sequence[str]], number: int, room: int) -> list[str]:
    """Return `room` lines around the block of a number, which stands in the middle if it can."""
    lines = list(chain.from_iterable(blocks))
    begin = sum(map(len, blocks[:number]))
    middle = begin + (len(blocks[number]) - room) // 2
    # The first line of a block that is higher than the room is the one to see.
    first = max(0, min(middle, begin, len(lines) - room))
    return lines[first : first + room]


def key_lines(screen: Terminal) -> list[str]:
    """Return the keys, wrapped to the screen."""
    lines = [""]
    for key, word in KEYS:
        longer = f"{lines[-1]}  {key} {word}".strip()
        if len(longer) > screen.width_columns:
            lines.append(f"{key} {word}")
        else:
            lines[-1] = longer
    return lines


def _second(unix_time_s: float) -> str:
    return f"{clock(unix_time_s).partition('.')[0]}Z"
