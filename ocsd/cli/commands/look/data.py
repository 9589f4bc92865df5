"""`ocsd data`: the recorded data, what is missing of them, and whether the files are sound."""

import importlib
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ocsd.cli.arguments import options
from ocsd.cli.data import offered, out, push, sync, text, trend
from ocsd.cli.data.selection import Selection, selecting
from ocsd.cli.screen import terminal
from ocsd.cli.screen.progress import Bar
from ocsd.cli.screen.table import table_lines
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.screen.wrap import broken
from ocsd.data import names, overview
from ocsd.data.folder import DataFolder, permitted
from ocsd.data.gaps import EVERY_FEED, Gap
from ocsd.data.index import FileSummary
from ocsd.errors import NoDataError, OcsdError
from ocsd.text.printable import one_line


@click.group(
    invoke_without_command=True,
    epilog=options.examples(
        "ocsd data ls",
        "ocsd data info fake-data1.feeds.false_temperatures",
        "ocsd data gaps --since 1d",
        "ocsd data verify",
        "ocsd data export channel_05 --since 2h -o out.csv",
        "ocsd data plot channel_05 --since 2h -o out.png",
        "ocsd data push --to influxagent --since 30d",
    ),
)
@click.pass_context
def data(context: click.Context) -> int:
    """List, check, export, plot, copy and push recorded data.

    Every command takes --folder DIR; several of them are read as one. Without it, the
    data folder is that of this host's aggregator in the site file, or ./data if there
    is none.
    """
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        return click.UsageError.exit_code
    return 0


@options.command(
    "ocsd data ls",
    "ocsd data ls --files --since 1d",
    "ocsd data ls --folder /data/hk --json | jq '.feeds[].feed'",
)
@click.option("--files", "by_file", is_flag=True, help="List files, not feeds.")
@selecting
def ls(selection: Selection, by_file: bool, as_json: bool) -> int:
    """List the feeds that were recorded, with their rates and times.

    With --since and --until, list those in files that have data of that time; the exit code is 4
    if there are none.
    """
    folder, summaries = selection.folder, selection.summaries()
    feeds = selection.feeds(summaries)
    if as_json:
        as_dicts = [text.feed_as_json(feed) for feed in feeds]
        files = [text.file_as_json(summary) for summary in summaries]
        selection.print_json(feeds=as_dicts, files=files)
        return 0
    writing = {folder.name(path) for path in folder.written_now()}
    screen = terminal.of_output()
    columns, rows = text.FEEDS, text.feed_rows(feeds, screen)
    if by_file:
        columns = text.FILES
        rows = [text.file_row(each, each.name in writing) for each in summaries]
    if rows:
        print("\n".join(table_lines(columns, rows, screen, dropped=text.NARROW_WITHOUT)))
    else:
        print(_no_data(selection))
    if outliers := text.outlier_lines(feeds):
        print("\n" + "\n".join(outliers))
    _print_total(selection, summaries, screen)
    return 0 if rows else _code_without_data(selection)


def _print_total(selection: Selection, summaries: list[FileSummary], screen: Terminal) -> None:
    total = text.total(selection.folder.path, summaries, selection.gaps(summaries))
    print("\n" + "\n".join(broken(total, screen)))
    if idle := selection.place.idle():
        print("\n".join(broken(idle, screen)))


def _no_data(selection: Selection) -> str:
    folder = selection.folder
    return text.nothing(selection.of_time, bool(folder.written_now()), folder.unframed is not None)


def _code_without_data(selection: Selection) -> int:
    """Return the exit code where there are no data of a time, and none wait for their frame."""
    folder = selection.folder
    is_known = folder.unframed is not None or not folder.written_now()
    return NoDataError.exit_code if selection.of_time and is_known else 0


@options.command(
    "ocsd data info fake-data1.feeds.false_temperatures",
    "ocsd data info channel_05",
    "ocsd data info 'fake-data*' --since 7d",
)
@click.argument(
    "wanted",
    metavar="FEED|FIELD...",
    nargs=-1,
    required=True,
    shell_complete=offered.fields,
)
@selecting
def info(selection: Selection, wanted: tuple[str, ...], as_json: bool) -> None:
    """Show fields, types, rates, times and files of feeds.

    FEED or FIELD is a whole name, a shell pattern, or a unique ending of a name; an instance
    means everything of it.
    """
    feeds = {feed.feed: feed for feed in selection.feeds(selection.summaries())}
    of_field = {name: feed.feed for feed in feeds.values() for name in feed.fields}
    chosen = names.choose(wanted, [*feeds, *of_field], selection.of_time)
    chosen_feeds = [feeds[name] for name in dict.fromkeys(of_field.get(n, n) for n in chosen)]
    if as_json:
        selection.print_json(feeds=[text.feed_as_json(feed) for feed in chosen_feeds])
        return
    print("\n\n".join("\n".join(text.feed_lines(feed, set(chosen))) for feed in chosen_feeds))


@options.command("ocsd data gaps", "ocsd data gaps --since 1d fake-data1")
@click.argument("wanted", metavar="[FEED]...", nargs=-1, shell_complete=offered.feeds)
@selecting
def gaps(selection: Selection, wanted: tuple[str, ...], as_json: bool) -> int:
    """List missing data, with times and causes.

    A hole is data that the aggregator knows to be lost, with the cause. A silence is
    a time without samples, longer than five usual intervals. If the messages of a feed
    are numbered, nothing is lost in a silence unless a hole says so. Damage is a part of
    a file that cannot be read, or was cut off by `ocsd data verify --repair`.
    """
    selection.refuse_without_files()
    summaries = selection.summaries()
    listed = selection.gaps(summaries)
    if wanted:
        feeds = {feed.feed for feed in overview.feeds(summaries)} | {gap.feed for gap in listed}
        listed = _of_feeds(listed, {*names.choose(wanted, feeds), EVERY_FEED})
    if as_json:
        selection.print_json(gaps=[asdict(gap) for gap in listed])
        return 0
    if not listed and not selection.feeds(summaries):
        print(_no_data(selection))
        return _code_without_data(selection)
    if not listed:
        print(f"nothing is missing: {text.total(selection.folder.path, summaries, [])}")
        return 0
    screen = terminal.of_output()
    rows = text.gap_rows(listed, screen)
    print("\n".join(table_lines(text.GAPS, rows, screen, dropped=text.NARROW_WITHOUT)))
    return 0


def _of_feeds(listed: list[Gap], feeds: set[str]) -> list[Gap]:
    return [gap for gap in listed if gap.feed in feeds]


@options.command(
    "ocsd data verify",
    "ocsd data verify --since 1d --repair",
    after="Exit code 1 means that something is wrong and has not been repaired.",
)
@click.option("--repair", is_flag=True, help="Cut off torn last frames; keep them as FILE.torn.")
@selecting
def verify(selection: Selection, repair: bool, as_json: bool) -> int:
    """Read every file as a whole and check that it is sound.

    A sound file has whole frames with right checksums, keeps the rules of the so3g HK
    schema, and has names by which readers find the data. The file that the aggregator
    may be writing at present may end within a frame, and is never repaired.
    """
    selection.refuse_without_files()
    folder = selection.folder
    paths = folder.files(selection.since_at, selection.until_at)
    problems, repaired = _verified(folder, paths, repair)
    listed = [(name, problem) for name in problems for problem in problems[name]]
    if as_json:
        as_dicts = [{"file": name, **asdict(problem)} for name, problem in listed]
        selection.print_json(files=len(paths), problems=as_dicts, repaired=repaired)
        return int(bool(problems))
    for name, one in listed:
        print(f"{name}: {one.kind} at byte {one.offset}: {one_line(one.text)}")
    for name, kept in repaired.items():
        print(f"{name}: repaired; the part that was cut off is in {kept}")
    print(text.verdict(folder.path, len(paths), problems, repair))
    return int(bool(problems))


def _verified(
    folder: DataFolder, paths: Sequence[Path], repair: bool
) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """Check files; return their problems, and where the ends cut off by repair are kept."""
    # Only this command loads numpy; the import contract of the command line forbids it.
    checking = importlib.import_module("ocsd.data.check")
    repairing = importlib.import_module("ocsd.data.repair")
    kinds: dict[Path, Any] = defaultdict(checking.FieldKinds)  # by data folder
    problems: dict[str, list[Any]] = {}
    repaired: dict[str, str] = {}
    writing = folder.written_now()
    with Bar("reading") as bar:
        for number, path in enumerate(paths):
            known = kinds[path.parent.parent]
            faults = _problems(checking, path, path in writing, known)
            torn = any(fault.kind == checking.ProblemKind.TORN for fault in faults)
            if repair and torn and path not in writing:
                kept = repairing.repair(path)
                repaired[folder.name(path)] = str(kept)
                faults = [fault for fault in faults if fault.kind == checking.ProblemKind.TYPE]
                if path.exists():
                    faults += _problems(checking, path, being_written=False, kinds=known)
            if faults:
                problems[folder.name(path)] = faults
            bar(number + 1, len(paths))
    return problems, repaired


def _problems(checking: Any, path: Path, being_written: bool, kinds: Any) -> list[Any]:
    """Return the problems of a file; a file that cannot be read is one problem."""
    try:
        with permitted(path):
            problems: list[Any] = checking.check(path, being_written, kinds)
            return problems
    except OcsdError as error:
        return [checking.FileProblem(checking.ProblemKind.UNREAD, 0, str(error))]


for command in (ls, info, gaps, verify, out.export, out.plot, push.push, sync.sync, trend.trend):
    data.add_command(command)
