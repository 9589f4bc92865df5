"""The report on a host as lines: fitted to a terminal, or whole for programs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from ocsd.cli.overview.rows import NONE, NUMBERS, TITLES, Row, fitting, row
from ocsd.cli.screen.table import Cell, columns, table_blocks, table_lines
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.screen.wrap import below, broken, shown_length
from ocsd.status.headlines import Parts, clock_text, counts, headlines
from ocsd.status.replies import HostStatus, InstanceStatus
from ocsd.status.verdict import HostVerdict, is_well
from ocsd.text.printable import one_line

LEAST_ALIKE: Final = 3
"""Number of instances with one reason from which on it is told once."""
_PROMPT_LINES: Final = 1
_NOT_MANAGED: Final = "not managed here"


def page(
    report: HostStatus, verdict: HostVerdict, screen: Terminal, *, everything: bool = False
) -> list[str]:
    """Return the report on a host.

    Without a terminal it is whole, as scripts expect it. A terminal gets the columns that fit.
    If the lines do not fit and `everything` is not asked for, instances that are well are
    counted only, and those of one reason share a line.
    """
    head, last = headlines(report, verdict, screen), [foot(report)]
    if not screen.interactive:
        rows = [row(each, screen) for each in by_urgency(report.instances)]
        body = _whole_table(rows, screen) + not_managed_lines(report, screen)
        return [*_joined(head, screen), *body, *_joined(last, screen)]
    top, bottom = wrapped(head, screen), wrapped(last, screen)
    room = screen.height_lines - _PROMPT_LINES - len(top) - len(bottom)
    body = _table(by_urgency(report.instances), screen) + not_managed_lines(report, screen)
    if len(body) > room and not everything:
        body = _folded(report, verdict, screen, room)
    return [*top, *body, *bottom]


def foot(report: HostStatus) -> Parts:
    """Return the line below the table: where things are, and of which release."""
    parts = [f"router {report.router.url or NONE}", f"site file {report.site_file or NONE}"]
    parts += [f"page {each.address}" for each in report.instances if each.address]
    if report.clock is not None and report.clock.synchronised:
        parts.append(clock_text(report.clock))
    return [*parts, f"ocsd {report.version}, pid {report.pid}"]


def by_urgency(instances: Iterable[InstanceStatus]) -> list[InstanceStatus]:
    """Return instances in the order of a list that begins with what needs attention."""
    return sorted(instances, key=lambda instance: instance.urgency)


def _joined(lines: Iterable[Parts], screen: Terminal) -> list[str]:
    return [f" {screen.dot} ".join(parts) for parts in lines]


def wrapped(lines: Iterable[Parts], screen: Terminal) -> list[str]:
    """Return lines that are wrapped between their parts, and within one that is too long."""
    found: list[str] = []
    for parts in lines:
        found += _wrapped(parts, screen)
    return found


def _wrapped(parts: Parts, screen: Terminal) -> list[str]:
    lines = [parts[0]]
    for part in parts[1:]:
        longer = f"{lines[-1]} {screen.dot} {part}"
        if shown_length(longer) > screen.width_columns:
            lines.append(f"  {part}")
        else:
            lines[-1] = longer
    return [piece for line in lines for piece in broken(line, screen)]


def _whole_table(rows: Sequence[Row], screen: Terminal) -> list[str]:
    if not rows:
        return []
    cells = [[*one.cells.values(), Cell(one.reason)] for one in rows]
    return table_lines(columns(*TITLES, right=NUMBERS), cells, screen)


def _table(instances: Sequence[InstanceStatus], screen: Terminal) -> list[str]:
    if not instances:
        return []
    title_line, blocks = blocks_of(instances, screen)
    return [title_line, *chain.from_iterable(blocks)]


def blocks_of(instances: Sequence[InstanceStatus], screen: Terminal) -> tuple[str, list[list[str]]]:
    """Return the line of titles and the lines of each instance, in the columns that fit.

    Reasons that do not fit stand below their rows. There has to be an instance.
    """
    rows = _without_repeats([row(each, screen) for each in instances])
    titles = fitting(rows, screen.width_columns)
    beside = "REASON" in titles
    cells = [[{**each.cells, "REASON": Cell(each.reason)}[key] for key in titles] for each in rows]
    title_line, blocks = table_blocks(columns(*titles, right=NUMBERS), cells, screen)
    for one, block in zip(rows, blocks, strict=True):
        if one.reason and not beside:
            block += below(one.reason, screen)
    return title_line, blocks


def _without_repeats(rows: Sequence[Row]) -> list[Row]:
    """Leave a reason out that an earlier row has, if many have it."""
    often = Counter(each.reason for each in rows if each.reason)
    first: dict[str, str] = {}
    found = []
    for each in rows:
        name = first.setdefault(each.reason, each.cells["INSTANCE"].text)
        reason = each.reason
        if often[reason] >= LEAST_ALIKE and name != each.cells["INSTANCE"].text:
            reason = f"as {name}"
        found.append(Row(each.cells, reason))
    return found


def _folded(report: HostStatus, verdict: HostVerdict, screen: Terminal, room: int) -> list[str]:
    """Return what is not well, and how many are; at most `room` lines if that can be."""
    well = [each for each in report.instances if is_well(each, verdict.idle)]
    poor = by_urgency(_others(report.instances, well))
    alike = _alike(poor)
    singles = _others(poor, list(chain.from_iterable(alike)))
    lines = [line for group in alike for line in _group(group, screen)]
    more = _count_line(well, report, screen)
    return [*lines, *_first_rows(singles, screen, room - len(lines) - len(more)), *more]


def _others(
    instances: Iterable[InstanceStatus], but: Sequence[InstanceStatus]
) -> list[InstanceStatus]:
    names = {each.instance_id for each in but}
    return [each for each in instances if each.instance_id not in names]


def _first_rows(instances: Sequence[InstanceStatus], screen: Terminal, room: int) -> list[str]:
    """Return the table of the first instances, of as many as fit, and how many are left."""
    lines = _table(instances, screen)
    shown = len(instances)
    while len(lines) > room and shown:
        shown -= 1
        left = f"and {len(instances) - shown} more that are not well; ocsd status -a shows them"
        lines = [*_table(instances[:shown], screen), left]
    return lines


def _alike(instances: Sequence[InstanceStatus]) -> list[list[InstanceStatus]]:
    """Return the groups of instances that are in one state for one reason."""
    groups: dict[tuple[object, ...], list[InstanceStatus]] = {}
    for each in instances:
        if each.reason:
            groups.setdefault((each.state, each.health, each.reason), []).append(each)
    return [group for group in groups.values() if len(group) >= LEAST_ALIKE]


def _group(group: Sequence[InstanceStatus], screen: Terminal) -> list[str]:
    first = group[0]
    word = first.state
    if first.in_target:
        word = first.health or first.state
    reason = one_line(first.reason or "")
    head = f"{len(group)} instances {screen.styled(word, word)}: {reason}"
    return wrapped([[head]], screen)


def _count_line(well: Sequence[InstanceStatus], report: HostStatus, screen: Terminal) -> list[str]:
    parts = []
    if well:
        parts.append(f"{counts(well)} and well")
    if report.not_managed:
        parts.append(f"{len(report.not_managed)} not managed here")
    if not parts:
        return []
    return wrapped([[*parts, "ocsd status -a shows them"]], screen)


def not_managed_lines(report: HostStatus, screen: Terminal) -> list[str]:
    """Return a row for each entry of the site file that the daemon leaves alone."""
    if not report.not_managed:
        return []
    # The names are as wide as in the table above.
    width = max(len("INSTANCE"), *(len(each.instance_id) for each in report.instances), 0)
    rows = [
        [
            Cell(each.instance_id.ljust(width)),
            Cell(each.agent_class),
            Cell(each.reason or f"{_NOT_MANAGED}: its entry says manage: {each.manage}"),
        ]
        for each in report.not_managed
    ]
    return table_lines(columns("INSTANCE", "CLASS", "REASON"), rows, screen)[1:]


def lines_above(report: HostStatus, verdict: HostVerdict, screen: Terminal) -> list[str]:
    """Return the lines above the table, or above the facts of single instances."""
    lines = headlines(report, verdict, screen)
    if screen.interactive:
        return wrapped(lines, screen)
    return _joined(lines, screen)
