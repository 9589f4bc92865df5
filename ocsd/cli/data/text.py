"""What `ocsd data` says, as text and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ocsd.cli.screen import terminal, units
from ocsd.cli.screen.table import Cell, ScreenColumn
from ocsd.data.gaps import Gap, GapKind
from ocsd.data.index import FileSummary
from ocsd.data.overview import FeedOverview

FEEDS = (
    ScreenColumn("FEED"),
    ScreenColumn("FIELDS", right=True),
    ScreenColumn("RATE", right=True),
    ScreenColumn("SAMPLES", right=True),
    ScreenColumn("FROM"),
    ScreenColumn("UNTIL"),
)
FILES = (
    ScreenColumn("FILE"),
    ScreenColumn("SIZE", right=True),
    ScreenColumn("FEEDS", right=True),
    ScreenColumn("FROM"),
    ScreenColumn("UNTIL"),
    ScreenColumn("STATE"),
)
GAPS = (
    ScreenColumn("FROM"),
    ScreenColumn("FOR", right=True),
    ScreenColumn("KIND"),
    ScreenColumn("LOST", right=True),
    ScreenColumn("FEED"),
    ScreenColumn("CAUSE"),
)
_MOST_SPANS = 20
_NOTHING = "-"


def feed_row(feed: FeedOverview) -> list[Cell]:
    """Return the cells of a feed in `ocsd data ls`."""
    begin, end = feed.span
    known = sorted(block.interval_s for block in feed.blocks if block.interval_s is not None)
    rates = list(dict.fromkeys(map(rate, [*known[:1], *known[-1:]])))
    return [
        Cell(terminal.one_line(feed.feed)),
        Cell(str(len(feed.fields))),
        Cell(" to ".join(rates) or _NOTHING),
        Cell(str(feed.samples)),
        Cell(_date(begin)),
        Cell(_date(end)),
    ]


def file_row(summary: FileSummary, being_written: bool) -> list[Cell]:
    """Return the cells of a file in `ocsd data ls --files`."""
    begin, end = summary.span or (None, None)
    state = "being written" if being_written else "closed"
    return [
        Cell(summary.name),
        Cell(units.memory(summary.size_bytes)),
        Cell(str(len({source.feed for source in summary.sources}))),
        Cell(_NOTHING if begin is None else _date(begin)),
        Cell(_NOTHING if end is None else _date(end)),
        Cell("damaged", "failed") if summary.damage else Cell(state),
    ]


def gap_row(gap: Gap) -> list[Cell]:
    """Return the cells of something that is missing."""
    about = "about " if gap.kind is GapKind.HOLE and gap.estimated else ""
    return [
        Cell(_date(gap.from_at)),
        Cell(about + units.duration(gap.until_at - gap.from_at)),
        Cell(gap.kind, "failed" if gap.kind is not GapKind.SILENCE else ""),
        Cell(str(gap.count) if gap.count else _NOTHING),
        Cell("every feed" if gap.feed == "*" else terminal.one_line(gap.feed)),
        Cell(terminal.one_line(gap.cause)),
    ]


def feed_lines(feed: FeedOverview, chosen: set[str]) -> Iterator[str]:
    """Yield what `ocsd data info` says of a feed; of its fields those chosen, or all."""
    begin, end = feed.span
    some = chosen & feed.fields.keys()
    yield terminal.one_line(feed.feed)
    yield f"  recorded  {_date(begin)} to {_date(end)}, {feed.samples} samples"
    yield f"  runs      {len(feed.agent_sessions)} of its agent"
    for block in feed.blocks:
        shown = {
            key: kind
            for key, kind in block.fields.items()
            if not some or f"{feed.feed}.{key}" in some
        }
        if not shown:
            continue
        name = terminal.one_line(block.name)
        yield f"  block     {name}: {rate(block.interval_s)}, {block.samples} samples"
        width = max(map(len, shown))
        yield from (f"    {terminal.one_line(key):<{width}}  {kind}" for key, kind in shown.items())
        for first, last in block.spans[:_MOST_SPANS]:
            yield f"    from {_date(first)} to {_date(last)}"
        if len(block.spans) > _MOST_SPANS:
            yield f"    and {len(block.spans) - _MOST_SPANS} spans more (see --json)"
    yield f"  files     {_listed(feed.files)}"


def feed_as_json(feed: FeedOverview) -> dict[str, Any]:
    """Return a feed made of JSON's types."""
    begin, end = feed.span
    return {**feed.as_json(), "samples": feed.samples, "from_at": begin, "until_at": end}


def file_as_json(summary: FileSummary) -> dict[str, Any]:
    """Return a file made of JSON's types, without what it holds of each feed."""
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
    """Return the line that sums a folder up."""
    size = units.memory(sum(summary.size_bytes for summary in summaries))
    text = f"{folder}: {counted(len(summaries), 'file')}, {size}"
    kinds = [(kind, sum(gap.kind is kind for gap in missing)) for kind in GapKind]
    told = [counted(count, str(kind)) for kind, count in kinds if count]
    return f"{text}; missing: {', '.join(told)} (see: ocsd data gaps)" if told else text


def nothing(when: str, being_written: bool) -> str:
    """Return what `ocsd data ls` says where there are no data."""
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
        return f"{folder}: {counted(files, 'file')}, all sound"
    torn = not repair and any(one.kind == "torn" for found in problems.values() for one in found)
    hint = "; --repair cuts torn frames off and keeps them" if torn else ""
    return f"{folder}: something is wrong in {len(problems)} of {counted(files, 'file')}{hint}"


def rate(interval_s: float | None) -> str:
    """Return how often something comes, e.g. ``4 Hz`` or ``every 30 s``."""
    if interval_s is None:
        return _NOTHING
    if interval_s > 1:
        return f"every {_rounded(interval_s)} s"
    return f"{_rounded(1 / interval_s)} Hz" if interval_s > 0 else _NOTHING


def _rounded(number: float) -> str:
    """Return a number with three digits that mean something, e.g. ``0.25`` or ``1000``."""
    return f"{float(f'{number:.3g}'):.9g}"


def counted(number: int, word: str) -> str:
    """Return a number and its noun."""
    plural = {"damage": "damages"}.get(word, f"{word}s")
    return f"{number} {word if number == 1 else plural}"


def _date(unix_time_s: float) -> str:
    """Return a time as text; a file may hold any."""
    try:
        return units.date(unix_time_s)
    except (ValueError, OverflowError, OSError):
        return str(unix_time_s)


def _listed(names: Sequence[str]) -> str:
    if len(names) <= 2:
        return ", ".join(names)
    return f"{names[0]} to {names[-1]} ({len(names)})"
