"""The feeds and fields that the shell offers when the tab key is pressed."""

import time
from collections.abc import Iterator

import click

from ocsd.cli.data import place
from ocsd.data import overview
from ocsd.data.folder import DataFolder
from ocsd.errors import OcsdError

# Data of older feeds are found by those who write the name.
_RECENT_S = 86400.0


def fields(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the fields of the last day that begin with `begun`, for click's completion."""
    return _beginning(begun, [name for feed in _feeds(context) for name in feed.fields])


def feeds(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the feeds of the last day that begin with `begun`."""
    return _beginning(begun, [feed.feed for feed in _feeds(context)])


def _feeds(context: click.Context) -> Iterator[overview.FeedOverview]:
    given = context.params
    try:
        found = place.find(given.get("folder"), given.get("site_file"), given.get("host"))
        summaries = DataFolder(found.path).summaries(time.time() - _RECENT_S)
    except OcsdError:
        return
    yield from overview.feeds(summaries)


def _beginning(begun: str, names: list[str]) -> list[str]:
    """Return names without the address root, or whole if that is how `begun` begins."""
    short = [name.partition(".")[2] for name in names]
    return [name for name in short if name.startswith(begun)] or [
        name for name in names if name.startswith(begun)
    ]
