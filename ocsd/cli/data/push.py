"""`ocsd data push`: fills a database with recorded data."""

import hashlib
import importlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ocsd.cli.arguments import options
from ocsd.cli.data import offered, place
from ocsd.cli.data.selection import Selection, selecting
from ocsd.cli.screen.progress import Bar
from ocsd.data import names
from ocsd.data.folder import DataFolder, permitted
from ocsd.errors import NoDataError, UnreachableError, UsageError
from ocsd.text.plural import plural
from ocsd.text.printable import one_line


@options.command(
    "ocsd data push --to influxagent --since 30d",
    "ocsd data push --to http://localhost:8086/ocs_feeds 'fake-data1.*'",
    "ocsd data push --to postgresql://ocs@db/feeds --folder /data/2025 --also /data/2026",
    after="Exit code 1 means that something was refused or cannot be read, 4 that there are no "
    "such data, 69 that the database does not answer.",
)
@click.argument("wanted", metavar="[FEED|FIELD]...", nargs=-1, shell_complete=offered.fields)
@click.option(
    "--to",
    "to",
    metavar="DATABASE",
    required=True,
    help="A writer of the site file, http://HOST:8086/DATABASE (InfluxDB 1, VictoriaMetrics), "
    "influxdb2 (of INFLUXDB_V2_URL and its like) or postgresql://USER@HOST/DATABASE.",
)
@click.option(
    "--also",
    metavar="DIR",
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Another data folder; may be given several times.",
)
@click.option("--gzip", "compresses", is_flag=True, help="Compress what is sent over HTTP.")
@selecting
def push(
    selection: Selection,
    wanted: tuple[str, ...],
    to: str,
    also: tuple[Path, ...],
    compresses: bool,
    as_json: bool,
) -> int:
    """Fill a database with the G3 files of a time.

    FEED and FIELD are written as for `ocsd data info`; without them, everything is
    sent. The points are those that the writers write (InfluxDBAgent, InfluxDBAgentv2,
    PostgreSQLAgent), so a push may be repeated or overlap with them, and nothing is
    there twice; VictoriaMetrics needs -dedup.minScrapeInterval=1ms for that.

    A push that was interrupted goes on where it was when the same command is given
    again. Samples that are in no file yet are left to the writers.
    """
    pushing = importlib.import_module("ocsd.export.databases.push")
    away = importlib.import_module("ocsd.export.databases.destination").DatabaseAwayError
    destination = _destination(to, click.get_current_context().params, compresses)
    given = map(DataFolder, selection.several) if selection.several else [selection.folder]
    folders = [*given, *map(DataFolder, also)]
    paths = [folder.path.resolve() for folder in folders]
    fields = _fields(selection, folders, wanted) if wanted else None
    what = pushing.PushSelection(*selection.limits, fields)
    record = pushing.PushRecord(_record_path(to, wanted, paths), what)
    job = pushing.Push(destination, what, record)
    try:
        with Bar("sending") as bar, permitted(paths[0]):
            pushed = job.run(paths, bar)
    except away as error:
        raise UnreachableError(
            f"{error}; {_sent(job.pushed, destination.unit)} until then. To go on from there, give "
            "the same command again"
        ) from error
    if as_json:
        listed = [str(each) for each in paths]
        print(json.dumps({"folders": listed, "database": destination.name, **asdict(pushed)}))
    else:
        _tell(pushed, destination)
    return _verdict(pushed, paths, selection.of_time)


def _verdict(pushed: Any, paths: Sequence[Path], of_time: str) -> int:
    """Return the exit code.

    Raises
    ------
    NoDataError
        If there was nothing to send.
    """
    if pushed.refused or pushed.damaged:
        return 1
    if pushed.values or pushed.went_on:
        return 0
    where = " and ".join(map(str, paths))
    raise NoDataError(
        f"nothing was sent: no files in {where} have such data{of_time}; see: ocsd data ls"
    )


def _tell(pushed: Any, destination: Any) -> None:
    if pushed.went_on:
        print("went on where an earlier push was interrupted")
    where = f"of {plural(pushed.files, 'file')} to {destination.in_words}"
    print(f"{_sent(pushed, destination.unit)} {where}")
    for name, count in pushed.refused.items():
        reason = one_line(pushed.refused_because[name])
        print(
            f"refused: {count} {destination.unit} of {one_line(name)}, the last because: {reason}"
        )
    for name in pushed.damaged:
        print(f"{name}: a part cannot be read, and was left out; see: ocsd data verify")


def _sent(pushed: Any, unit: str) -> str:
    return f"{plural(pushed.values, 'value')} in {pushed.lines} {unit} were sent"


def _fields(
    selection: Selection, folders: Sequence[DataFolder], wanted: Sequence[str]
) -> frozenset[str]:
    """Return the whole names of the fields that are meant."""
    of_feed: dict[str, set[str]] = {}
    for folder in folders:
        with Bar("reading files not in the index yet") as bar:
            found = folder.summaries(selection.since_at, selection.until_at, bar)
        for feed in selection.feeds(found):
            of_feed.setdefault(feed.feed, set()).update(feed.fields)
    known = {*of_feed, *(name for fields in of_feed.values() for name in fields)}
    chosen = names.choose(wanted, known, selection.of_time)
    return frozenset(name for each in chosen for name in of_feed.get(each, {each}))


def _destination(to: str, given: dict[str, Any], compresses: bool) -> Any:
    addresses = importlib.import_module("ocsd.export.databases.addresses")
    found = addresses.of_address(to, compresses=compresses)
    if found is None:
        entry = place.instance(to, given.get("site_file"), given.get("host"))
        if entry is None:
            raise UsageError(
                f"--to {to!r} is neither an address nor an instance of the site file; write it as "
                f"{addresses.ADDRESS_FORMS}"
            )
        os.environ.update(entry.env)  # libpq reads them as well
        found = addresses.of_writer(entry.agent_class, entry.arguments, os.environ)
    return found


def _record_path(to: str, wanted: Sequence[str], paths: Sequence[Path]) -> Path:
    """Return the file that says how far this push has come."""
    text = json.dumps([to, sorted(wanted), [str(each) for each in paths]])
    name = hashlib.sha256(text.encode()).hexdigest()[:20]
    return place.cache() / "push" / f"{name}.json"
