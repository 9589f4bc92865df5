"""`ocsd data sync`: brings closed files to another folder, verified by checksum."""

import importlib
import re
import time
from pathlib import Path
from typing import Any

import click

from ocsd.cli.arguments import options
from ocsd.cli.data.selection import Selection, selecting
from ocsd.cli.screen.moment import PastTime
from ocsd.cli.screen.progress import Bar
from ocsd.errors import UsageError
from ocsd.text.plural import plural
from ocsd.text.printable import one_line
from ocsd.text.units import memory


@options.command(
    "ocsd data sync archive/lab",
    "ocsd data sync archive/lab --delete-after-verify 30d",
    "ocsd data sync archive/lab --verify --json",
    after="Exit code 1 means that a file could not be read, or was not safe to delete.",
)
@click.argument("copy", metavar="DIR")
@click.option(
    "--delete-after-verify",
    "delete_before_at",
    metavar="AGE",
    type=PastTime(),
    help="Delete files of the data folder that are older, e.g. 30d, once source and copy were "
    "read again and are the same.",
)
@click.option("--verify", is_flag=True, help="Read again what was verified before.")
@selecting
def sync(
    selection: Selection, copy: str, delete_before_at: float | None, verify: bool, as_json: bool
) -> int:
    """Bring closed files to the folder DIR, each verified there by its checksum.

    DIR may be on a network file system; each data folder needs one of its own. A sync
    that was ended at any point goes on where it was. The file that the aggregator
    is writing is left for the next time.
    """
    if re.match(r"[^/]+:", copy):
        raise UsageError(
            f"{copy} is on another machine: mount it (NFS, sshfs), or let rsync bring the files "
            "there; docs/data/reading.md has its options"
        )
    selection.refuse_several("ocsd data sync")
    copies: Any = importlib.import_module("ocsd.data.folders.sync")
    age_s = None if delete_before_at is None else time.time() - delete_before_at
    if age_s is not None and age_s < copies.SHORTEST_AGE_S:
        raise UsageError("--delete-after-verify takes an age of at least 3h, e.g. 30d")
    work = copies.Sync(
        selection.folder,
        Path(copy),
        verify=verify,
        since_at=selection.since_at,
        until_at=selection.until_at,
        delete_after_s=age_s,
    )
    with Bar("copying") as bar:
        report = work.run(bar)
    if as_json:
        selection.print_json(copy=copy, **report.as_json())
    else:
        _print(copy, report)
    return int(bool(report.problems or report.kept))


def _print(copy: str, report: Any) -> None:
    for name, why in report.problems.items():
        print(f"{name}: not copied: {one_line(why)}")
    for name in report.replaced:
        print(f"{name}: copied again, because it had changed; the former copy is {name}.replaced")
    for name, why in report.kept.items():
        print(f"{name}: not deleted: {one_line(why)}")
    parts = [f"{plural(len(report.copied), 'file')} copied ({memory(report.copied_bytes)})"]
    parts.append(f"{report.present} there already")
    if report.later:
        parts.append(f"{len(report.later)} being written, for the next time")
    if report.deleted:
        parts.append(f"{len(report.deleted)} deleted here")
    print(f"{copy}: {', '.join(parts)}")
