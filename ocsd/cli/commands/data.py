"""`ocsd data`: what was recorded, what is missing, and whether the files are sound."""

import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ocsd.cli.arguments import options
from ocsd.cli.data import out, text
from ocsd.cli.data.place import (
    folder_of,
    options_of_a_folder,
    refuse_empty,
    refuse_without_files,
    when,
)
from ocsd.cli.screen import terminal
from ocsd.cli.screen.progress import Bar
from ocsd.cli.screen.table import table_lines
from ocsd.data import gaps as missing
from ocsd.data import names, overview
from ocsd.data.folder import DataFolder, permitted
from ocsd.data.index import FileSummary
from ocsd.errors import OcsdError


@click.group(
    invoke_without_command=True,
    epilog=options.examples(
        "ocsd data ls",
        "ocsd data info fake-data1.feeds.false_temperatures",
        "ocsd data gaps --since 1d",
        "ocsd data verify",
        "ocsd data export channel_05 --since 2h -o out.csv",
        "ocsd data plot channel_05 --since 2h -o out.png",
    ),
)
@click.pass_context
def data(context: click.Context) -> int:
    """Look at what was recorded: list, check, export and plot it.

    Every command takes --folder DIR; else the data folder of this host's
    aggregator is meant, as the site file has it, else ./data.
    """
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        return click.UsageError.exit_code
    return 0


@data.command(
    epilog=options.examples(
        "ocsd data ls",
        "ocsd data ls --files --since 1d",
        "ocsd data ls --folder /data/hk --json | jq '.feeds[].feed'",
    )
)
@click.option("--files", "by_file", is_flag=True, help="List files, not feeds.")
@options_of_a_folder
def ls(
    by_file: bool,
    since_at: float | None,
    until_at: float | None,
    as_json: bool,
    **place: Any,
) -> None:
    """List the feeds that were recorded, with their rates and times.

    With --since and --until, those of files that have data of that time.
    """
    folder, summaries = _look(place, since_at, until_at)
    feeds = overview.feeds(summaries, since_at, until_at)
    if as_json:
        files = [text.file_as_json(summary) for summary in summaries]
        _print_json(
            {
                "folder": str(folder.path),
                "feeds": [text.feed_as_json(feed) for feed in feeds],
                "files": files,
            }
        )
        return
    writing = folder.being_written()
    if by_file:
        name = folder.name(writing) if writing is not None else None
        rows = [text.file_row(one, one.name == name) for one in summaries]
    else:
        rows = [text.feed_row(feed) for feed in feeds]
    if rows:
        screen = terminal.of(sys.stdout, os.environ)
        columns = text.FILES if by_file else text.FEEDS
        print("\n".join(table_lines(columns, rows, screen)))
    else:
        print(text.nothing(when(since_at, until_at), writing is not None))
    gaps_then = _missing(folder, summaries, since_at, until_at)
    print(f"\n{text.total(folder.path, summaries, gaps_then)}")


@data.command(
    epilog=options.examples(
        "ocsd data info fake-data1.feeds.false_temperatures",
        "ocsd data info channel_05",
        "ocsd data info 'fake-data*' --since 7d",
    )
)
@click.argument("wanted", metavar="FEED|FIELD...", nargs=-1, required=True)
@options_of_a_folder
def info(
    wanted: tuple[str, ...],
    since_at: float | None,
    until_at: float | None,
    as_json: bool,
    **place: Any,
) -> None:
    """Show fields, types, rates, times and files of feeds.

    FEED or FIELD is a whole name, a shell pattern, or a unique ending of a name.
    """
    folder, summaries = _look(place, since_at, until_at)
    feeds = {feed.feed: feed for feed in overview.feeds(summaries, since_at, until_at)}
    of_field = {name: feed.feed for feed in feeds.values() for name in feed.fields}
    chosen = names.choose(wanted, [*feeds, *of_field], when(since_at, until_at))
    found = [feeds[name] for name in dict.fromkeys(of_field.get(each, each) for each in chosen)]
    if as_json:
        shown = [text.feed_as_json(feed) for feed in found]
        _print_json({"folder": str(folder.path), "feeds": shown})
        return
    print("\n\n".join("\n".join(text.feed_lines(feed, set(chosen))) for feed in found))


@data.command(epilog=options.examples("ocsd data gaps", "ocsd data gaps --since 1d 'fake-data1.*'"))
@click.argument("wanted", metavar="[FEED]...", nargs=-1)
@options_of_a_folder
def gaps(
    wanted: tuple[str, ...],
    since_at: float | None,
    until_at: float | None,
    as_json: bool,
    **place: Any,
) -> None:
    """List what is missing, when, and why.

    A hole is what the aggregator knows to be lost, with its cause. A silence is a
    time without samples, longer than five usual intervals; of feeds whose messages
    are numbered nothing is lost in one, unless a hole says so. Damage is a part of
    a file that cannot be read, or was cut off by `ocsd data verify --repair`.
    """
    folder, summaries = _look(place, since_at, until_at)
    refuse_without_files(folder)
    found = _missing(folder, summaries, since_at, until_at)
    if wanted:
        known = {feed.feed for feed in overview.feeds(summaries)} | {gap.feed for gap in found}
        chosen = {*names.choose(wanted, known), missing.EVERY_FEED}
        found = [gap for gap in found if gap.feed in chosen]
    if as_json:
        _print_json({"folder": str(folder.path), "gaps": [gap.as_json() for gap in found]})
        return
    if not found:
        print(f"nothing is missing: {text.total(folder.path, summaries, [])}")
        return
    screen = terminal.of(sys.stdout, os.environ)
    rows = [text.gap_row(gap) for gap in found]
    print("\n".join(table_lines(text.GAPS, rows, screen)))


@data.command(
    epilog=options.examples("ocsd data verify", "ocsd data verify --since 1d --repair")
    + "\n\nExit code 1 means that something is wrong, and has not been repaired."
)
@click.option("--repair", is_flag=True, help="Cut torn last frames off; keep them as FILE.torn.")
@options_of_a_folder
def verify(
    repair: bool,
    since_at: float | None,
    until_at: float | None,
    as_json: bool,
    **place: Any,
) -> int:
    """Read every file whole and see whether it is sound.

    That is: whole frames with right checksums, the rules of the so3g HK schema,
    and names by which readers find the data. The file that the aggregator may be
    writing at present may end within a frame, and is never repaired.
    """
    refuse_empty(since_at, until_at)
    folder = folder_of(place)
    refuse_without_files(folder)
    paths = folder.files(since_at, until_at)
    problems, repaired = _verified(folder, paths, repair)
    if as_json:
        listed = [
            {"file": name, **one.as_json()} for name, found in problems.items() for one in found
        ]
        _print_json(
            {
                "folder": str(folder.path),
                "files": len(paths),
                "problems": listed,
                "repaired": repaired,
            }
        )
        return 1 if problems else 0
    for name, found in problems.items():
        for one in found:
            print(f"{name}: {one.kind} at byte {one.offset}: {terminal.one_line(one.text)}")
    for name, kept in repaired.items():
        print(f"{name}: repaired; what was cut off is in {kept}")
    print(text.verdict(folder.path, len(paths), problems, repair))
    return 1 if problems else 0


def _verified(
    folder: DataFolder, paths: Sequence[Path], repair: bool
) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """Check files; return what is wrong with which, and where repaired ends are kept."""
    checking = importlib.import_module("ocsd.data.check")
    repairing = importlib.import_module("ocsd.data.repair")
    problems: dict[str, list[Any]] = {}
    repaired: dict[str, str] = {}
    writing = folder.being_written()
    with Bar("reading") as bar:
        for number, path in enumerate(paths):
            found = _found(checking, path, path == writing)
            torn = any(one.kind == checking.ProblemKind.TORN for one in found)
            if repair and torn and path != writing:
                kept = repairing.repair(path)
                repaired[folder.name(path)] = str(kept)
                found = _found(checking, path) if path.exists() else []
            if found:
                problems[folder.name(path)] = found
            bar(number + 1, len(paths))
    return problems, repaired


def _found(checking: Any, path: Path, being_written: bool = False) -> list[Any]:
    """Return what is wrong with a file; that it cannot be read keeps nobody from the others."""
    try:
        with permitted(path):
            found: list[Any] = checking.check(path, being_written)
            return found
    except OcsdError as error:
        return [checking.FileProblem(checking.ProblemKind.UNREAD, 0, str(error))]


def _look(
    place: dict[str, Any], since_at: float | None, until_at: float | None
) -> tuple[DataFolder, list[FileSummary]]:
    refuse_empty(since_at, until_at)
    folder = folder_of(place)
    with Bar("reading what is not in the index yet") as bar:
        return folder, folder.summaries(since_at, until_at, bar)


def _missing(
    folder: DataFolder,
    summaries: Sequence[FileSummary],
    since_at: float | None,
    until_at: float | None,
) -> list[missing.Gap]:
    found = missing.find(summaries, folder.cut_off(since_at, until_at))
    return missing.within(found, since_at, until_at)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))


data.add_command(out.export)
data.add_command(out.plot)
