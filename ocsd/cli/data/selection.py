"""The recorded data that a command selects, and the options that select them."""

import contextlib
import functools
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from ocsd.cli.arguments import options
from ocsd.cli.data import place
from ocsd.cli.screen.moment import since_option, until_option
from ocsd.cli.screen.progress import Bar
from ocsd.data import gaps, overview
from ocsd.data.explain import BEFORE_S, explained
from ocsd.data.folder import DataFolder
from ocsd.data.index import FileSummary
from ocsd.data.spans import window
from ocsd.errors import NoDataError, UsageError
from ocsd.history.file import read_since
from ocsd.text.times import no_time_between


class Selection(NamedTuple):
    """A data folder and a span of time; None leaves an end of the span open."""

    folder: DataFolder
    since_at: float | None
    until_at: float | None
    place: place.DataPlace
    several: tuple[Path, ...] = ()
    """The folders, if they are several that are read as one."""

    @property
    def of_time(self) -> str:
        """The end of a sentence about missing data: nothing if all times are meant."""
        if self.since_at is None and self.until_at is None:
            return ""
        return " of that time"

    @property
    def limits(self) -> tuple[float, float]:
        """The span, with infinities for open ends."""
        return window(self.since_at, self.until_at)

    def summaries(self) -> list[FileSummary]:
        """Return the summaries of the files in the span."""
        with Bar("reading files not in the index yet") as bar:
            return self.folder.summaries(self.since_at, self.until_at, bar)

    def archive(self) -> Any:
        """Return the folder as an `ocsd.data.Archive`, several as `Archives`."""
        if self.several:
            return importlib.import_module("ocsd.data.archive.several").Archives(self.several)
        # It loads numpy, which the command line must not.
        opening = importlib.import_module("ocsd.data.archive.archive")
        state = None
        if self.place.history is not None and os.access(self.place.history.parent, os.W_OK):
            state = self.place.history.parent
        return opening.Archive(self.folder.path, state)

    def feeds(self, summaries: Sequence[FileSummary]) -> list[overview.FeedOverview]:
        """Return the feeds in these files, in the span."""
        return overview.feeds(summaries, self.since_at, self.until_at)

    def gaps(self, summaries: Sequence[FileSummary]) -> list[gaps.Gap]:
        """Return the gaps in these files, in the span."""
        cut_off = self.folder.cut_off(self.since_at, self.until_at)
        found = gaps.within(
            gaps.find(summaries, cut_off, time.time()), self.since_at, self.until_at
        )
        if self.place.history is None or not found:
            return found
        begin_at = min(gap.from_at for gap in found) - BEFORE_S
        with contextlib.suppress(OSError):  # a history that this user may not read
            return explained(found, read_since(self.place.history, begin_at))
        return found

    def refuse_several(self, command: str) -> None:
        """Refuse several folders for a command that changes or keeps something for each.

        Raises
        ------
        UsageError
            If there are several.
        """
        if self.several:
            raise UsageError(f"`{command}` takes one --folder; run it for each of them")

    def refuse_without_files(self) -> None:
        """Refuse a folder without G3 files, in which everything would seem to be well.

        Raises
        ------
        NoDataError
            If it has none.
        """
        if not self.folder.files():
            raise NoDataError(
                f"there are no G3 files in {self.folder.path} (as 17953/1795328225.g3 would be "
                "one); say with --folder where data are"
            )

    def print_json(self, **document: Any) -> None:
        """Print a document for programs, which begins with the folder."""
        print(json.dumps({"folder": str(self.folder.path), **document}, indent=2))


class _Folder(click.Path):
    """The path of a folder.

    An empty one, as of a shell variable that is not set, is refused: it would mean ``.``.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the folder."""
        if not value:
            return self.fail("it has no name", param, ctx)
        return super().convert(value, param, ctx)


def selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a folder and of a span of time; call it with the selection.

    Raises
    ------
    UsageError
        If there is no time in the span.
    """

    @options.with_all(
        options.json_option,
        options.host_option,
        options.site_file_option,
        click.option(
            "--folder",
            "--data-dir",
            "folders",
            metavar="DIR",
            multiple=True,
            type=_Folder(file_okay=False, path_type=Path),
            help="Data folder, or several that are read as one; else that of this host's "
            "aggregator, else ./data.",
        ),
        until_option(),
        since_option(),
    )
    @functools.wraps(command)
    def selected(
        since_at: float | None,
        until_at: float | None,
        folders: tuple[Path, ...],
        site_file: str | None,
        host: str | None,
        **arguments: Any,
    ) -> Any:
        if since_at is not None and until_at is not None and until_at <= since_at:
            raise UsageError(no_time_between(since_at, until_at))
        found = place.find(next(iter(folders), None), site_file, host)
        if found.note:
            print(f"ocsd: note: {found.note}", file=sys.stderr)
        folder = DataFolder(found.path)
        if len(folders) > 1:
            from ocsd.data.folders.union import UnionFolder

            folder = UnionFolder(folders)
        several = folders if len(folders) > 1 else ()
        return command(Selection(folder, since_at, until_at, found, several), **arguments)

    return selected
