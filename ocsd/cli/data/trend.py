"""`ocsd data trend`: makes what long times are drawn from."""

import importlib

import click

from ocsd.cli.arguments import options
from ocsd.cli.data.selection import Selection, selecting
from ocsd.cli.screen.progress import Bar
from ocsd.errors import OutputFileError
from ocsd.text.plural import plural
from ocsd.text.units import memory


@options.command(
    "ocsd data trend",
    "ocsd data trend --since 30d",
    "ocsd data trend --rebuild",
    after="Exit code 1 means that a file could not be read.",
)
@click.option("--rebuild", is_flag=True, help="Remove all trends of the folder first.")
@selecting
def trend(selection: Selection, rebuild: bool, as_json: bool) -> int:
    """Make the trends that are missing, so that long times are drawn at once.

    Trends are files with the number, the least, the greatest and the mean of samples.
    The page and `ocsd data plot` make those that they need as well; this command makes
    them in advance. They are no data: they may be removed at any time.
    """
    selection.refuse_several("ocsd data trend")
    building = importlib.import_module("ocsd.data.archive.builder")
    archive = selection.archive()
    if rebuild:
        for path in archive.places.stored():
            path.unlink(missing_ok=True)
    builder = building.Builder(archive)
    # Files that change meanwhile are left for the next time.
    begin_at, end_at = selection.limits
    work = builder.survey(begin_at, end_at).waiting
    with Bar("making trends") as bar:
        while builder.step():
            bar(work - builder.progress.waiting, work)
    if archive.places.refusal:
        raise OutputFileError(
            f"{archive.places.refusal}; make room there, or use the account of the folder's owner"
        )
    progress = builder.progress
    folder_bytes = sum(path.stat().st_size for path in archive.places.stored())
    if as_json:
        document = {"trends": str(progress.folder), "built": progress.built, "size": folder_bytes}
        selection.print_json(**document, problems=list(progress.problems))
    else:
        for problem in progress.problems:
            print(problem)
        made = plural(progress.built, "trend")
        print(f"{progress.folder}: made {made}, {memory(folder_bytes)} in all")
    return int(bool(progress.problems))
