"""The output of `ocsd data`, as text and as JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ocsd.cli.screen.table import Cell, columns
from ocsd.cli.screen.terminal import Terminal
from ocsd.data.gaps import EVERY_FEED, Gap, GapKind
from ocsd.data.index import FileSummary, IndexedBlock
from ocsd.data.meaning import meanings, with_units
from ocsd.data.overview import FeedOverview
from ocsd.data.spans import Outliers
from ocsd.text import units
from ocsd.text.plural import plural
from ocsd.text.printable import one_line
from ocsd.text.times import utc

_NUMBERS = {"FIELDS", "RATE", "SAMPLES", "SIZE", "FEEDS", "FOR", "LOST"}
FEEDS = columns("FEED", "FIELDS", "RATE", "SAMPLES", "FROM", "UNTIL", right=_NUMBERS)
FILES = columns("FILE", "SIZE", "FEEDS", "FROM", "UNTIL", "STATE", right=_NUMBERS)
GAPS = columns("FROM", "FOR", "KIND", "LOST", "FEED", "CAUSE", right=_NUMBERS)
NARROW_WITHOUT = ("FIELDS", "SIZE", "SAMPLES", "FEEDS", "LOST", "KIND", "FROM")
"""Columns in the order in which they are left out where there is no room for them."""
_SHOWN_SPANS = 20
_EMPTY = "-"
_KIND_COLOURS = {GapKind.HOLE: "failed", GapKind.DAMAGE: "failed", GapKind.SILENCE: ""}


def _common_root(feeds: Iterable[str], screen: Terminal) -> str:
    """Return the address root that a terminal need not show with every feed: that of them all.

    The commands take a name without it.
    """
    roots = {feed.partition(".")[0] for feed in feeds}
    if not screen.interactive or len(roots) != 1:
        return ""
    return f"{roots.pop()}."


def feed_rows(feeds: Sequence[FeedOverview], screen: Terminal) -> list[list[Cell]]:
    """Return the rows of `ocsd data ls`."""
    root = _common_root((feed.feed for feed in feeds), screen)
    return [_feed_row(feed, root) for feed in feeds]


def _feed_row(feed: FeedOverview, root: str) -> list[Cell]:
    begin, end = feed.span or (None, None)
    intervals = sorted(each.interval_s for each in feed.blocks if each.interval_s is not None)
    rates = dict.fromkeys(map(rate, [*intervals[:1], *intervals[-1:]]))
    return [
        Cell(one_line(feed.feed.removeprefix(root))),
        Cell(str(len(feed.fields))),
        Cell(" to ".join(rates) or _EMPTY),
        Cell(str(feed.samples)),
        Cell(_date(begin)),
        Cell(_date(end)),
    ]


def file_row(summary: FileSummary, being_written: bool) -> list[Cell]:
    """Return the cells of a file in `ocsd data ls --files`."""
    begin, end = summary.span or (None, None)
    state = Cell("closed")
    if summary.damage:
        state = Cell("damaged", "failed")
    elif being_written:
        state = Cell("being written")
    elif not summary.in_file:
        state = Cell("in no file yet")
    return [
        Cell(summary.name),
        Cell(units.memory(summary.size_bytes)),
        Cell(str(len({source.feed for source in summary.sources}))),
        Cell(_date(begin)),
        Cell(_date(end)),
        state,
    ]


def gap_rows(gaps: Sequence[Gap], screen: Terminal) -> list[list[Cell]]:
    """Return the rows of `ocsd data gaps`."""
    root = _common_root((gap.feed for gap in gaps if gap.feed != EVERY_FEED), screen)
    return [_gap_row(gap, root) for gap in gaps]


def _gap_row(gap: Gap, root: str) -> list[Cell]:
    length = units.duration(gap.until_at - gap.from_at)
    if gap.kind is GapKind.HOLE and gap.estimated:
        length = f"about {length}"
    feed = "every feed" if gap.feed == EVERY_FEED else one_line(gap.feed.removeprefix(root))
    return [
        Cell(_date(gap.from_at)),
        Cell(length),
        Cell(gap.kind, _KIND_COLOURS[gap.kind]),
        Cell(str(gap.count or _EMPTY)),
        Cell(feed),
        Cell(one_line(gap.cause)),
    ]


def feed_lines(feed: FeedOverview, chosen: set[str]) -> Iterator[str]:
    """Yield the lines of `ocsd data info` for a feed, with its fields that are chosen, or all."""
    begin, end = feed.span or (None, None)
    some = chosen & feed.fields.keys()
    yield one_line(feed.feed)
    yield f"  recorded  {_date(begin)} to {_date(end)}, {feed.samples} samples"
    yield from (f"  outliers  {outliers_text(each)}" for each in feed.outliers)
    yield f"  runs      {len(feed.agent_sessions)} of its agent"
    for block in feed.blocks:
        shown = block.fields
        if some:
            shown = {key: shown[key] for key in shown if f"{feed.feed}.{key}" in some}
        if shown:
            yield from _block_lines(feed, block, shown)
    yield f"  files     {_listed(feed.files)}"


def _block_lines(
    feed: FeedOverview, block: IndexedBlock, shown: Mapping[str, str]
) -> Iterator[str]:
    name = one_line(block.name)
    yield f"  block     {name}: {rate(block.interval_s)}, {block.samples} samples"
    width = max(map(len, shown))
    about = meanings(feed)
    for key, kind in shown.items():
        meaning = with_units(kind, about[f"{feed.feed}.{key}"])
        label = one_line(about[f"{feed.feed}.{key}"].label)
        yield f"    {one_line(key):<{width}}  {one_line(meaning)}  {label}".rstrip()
    for first, last in block.spans[:_SHOWN_SPANS]:
        yield f"    from {_date(first)} to {_date(last)}"
    if len(block.spans) > _SHOWN_SPANS:
        yield f"    and {len(block.spans) - _SHOWN_SPANS} spans more (see --json)"


def feed_as_json(feed: FeedOverview) -> dict[str, Any]:
    """Return a feed made of JSON's types."""
    begin, end = feed.span or (None, None)
    return {**asdict(feed), "samples": feed.samples, "from_at": begin, "until_at": end}


def outliers_text(outliers: Outliers) -> str:
    """Return samples with impossible times in words."""
    times = _date(outliers.from_at)
    if outliers.samples > 1:
        times += f" to {_date(outliers.until_at)}"
    side = "ahead of"
    if outliers.away_s < 0:
        side = "before"
    length = units.duration(abs(outliers.away_s))
    return (
        f"{plural(outliers.samples, 'sample')} dated {length} {side} the time of its file ({times})"
    )


def outlier_lines(feeds: Sequence[FeedOverview]) -> list[str]:
    """Return a line for the samples of each feed that have impossible times."""
    return [f"{one_line(f.feed)}: {outliers_text(each)}" for f in feeds for each in f.outliers]


def file_as_json(summary: FileSummary) -> dict[str, Any]:
    """Return a file made of JSON's types, without its feeds."""
    begin, end = summary.span or (None, None)
    return {
        "name": summary.name,
        "size_bytes": summary.size_bytes,
        "frames": summary.frames,
        "from_at": begin,
        "until_at": end,
        "damaged": bool(summary.damage),
    }


def total(folder: Path, summaries: Sequence[FileSummary], missing: Sequence[Gap]) -> str:
    """Return the line that sums up a folder."""
    size = units.memory(sum(summary.size_bytes for summary in summaries if summary.in_file))
    files = sum(summary.in_file for summary in summaries)
    text = f"{folder}: {plural(files, 'file')}, {size}"
    if files < len(summaries):
        text += ", the last samples are in the journal"
    kinds = [(kind, sum(gap.kind is kind for gap in missing)) for kind in GapKind]
    counts = [plural(count, kind) for kind, count in kinds if count]
    if counts:
        text += f"; missing: {', '.join(counts)} (see: ocsd data gaps)"
    return text


def nothing(when: str, being_written: bool, journal: bool) -> str:
    """Return the message of `ocsd data ls` if there are no data, with or without a journal."""
    if journal:
        return f"there are no data{when}: no message of a recorded feed came in"
    text = f"there are no data{when} in files"
    if not being_written:
        return text
    return (
        f"{text} yet: samples come into a file frame by frame, every 5 minutes unless their agent "
        "says otherwise"
    )


def verdict(folder: Path, files: int, problems: Mapping[str, Sequence[Any]], repair: bool) -> str:
    """Return the last line of `ocsd data verify`."""
    if not problems:
        return f"{folder}: {plural(files, 'file')}, all sound"
    text = f"{folder}: something is wrong in {len(problems)} of {plural(files, 'file')}"
    kinds = {problem.kind for found in problems.values() for problem in found}
    if "torn" in kinds and not repair:
        text += "; --repair cuts torn frames off and keeps them"
    return text


def rate(interval_s: float | None) -> str:
    """Return the rate of samples, e.g. ``4 Hz`` or ``every 30 s``."""
    if interval_s is None or interval_s <= 0:
        return _EMPTY
    if interval_s > 1:
        return f"every {_rounded(interval_s)} s"
    return f"{_rounded(1 / interval_s)} Hz"


def _rounded(number: float) -> str:
    """Return a number with three significant digits, e.g. ``0.25`` or ``1000``."""
    return f"{float(f'{number:.3g}'):.9g}"


def _date(unix_time_s: float | None) -> str:
    """Return a time as text; a file may hold any number."""
    if unix_time_s is None:
        return _EMPTY
    try:
        return utc(unix_time_s)
    except ValueError:
        return str(unix_time_s)


def _listed(names: Sequence[str]) -> str:
    if len(names) <= 2:
        return ", ".join(names)
    return f"{names[0]} to {names[-1]} ({len(names)})"
