"""The aggregator's own options."""

import argparse
import math
import os
from pathlib import Path

from ocsd.aggregator.numbers.share import Share
from ocsd.site.values import told as launches
from ocsd.system import paths


def make_parser(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the agent's own options to a parser."""
    parser = parser or argparse.ArgumentParser()
    group = parser.add_argument_group("Agent options")
    group.add_argument(
        "--data-dir",
        help="folder to write to, in subfolders by time; required unless ocsd starts the "
        "aggregator: then `data` in the host's state folder by default",
    )
    group.add_argument(
        "--initial-state",
        choices=["idle", "record"],
        default="idle",
        help="whether to record from the start (default: idle)",
    )
    group.add_argument(
        "--recorded-by",
        metavar="HOST",
        help="record only what the agents of this host publish; ocsd passes it on a host with "
        "record: local",
    )
    group.add_argument(
        "--time-per-file",
        type=_time_per_file,
        default=3600.0,
        help="time for which one file is written [s] (default: 3600, at most 7200)",
    )
    return parser


def data_folder(args: argparse.Namespace, parser: argparse.ArgumentParser) -> Path:
    """Return the absolute path of the data folder that the arguments name."""
    if args.data_dir:
        base = getattr(args, "working_dir", None) or os.getcwd()
        return Path(os.path.abspath(Path(base) / Path(args.data_dir).expanduser()))
    launch = launches.current()
    if launch is None:
        parser.error("the following arguments are required: --data-dir")
    return paths.of_host(launch.host, launch.log_dir).state / "data"


def spools_folder() -> Path | None:
    """Return the folder of the spools of this host's agents; None for an aggregator by hand."""
    launch = launches.current()
    if launch is None:
        return None
    return paths.of_host(launch.host, launch.log_dir).spools


def share_of(args: argparse.Namespace) -> Share:
    """Return the messages that the aggregator records.

    What is marked as recorded by its host is its own in any case: no other one takes it.
    """
    launch = launches.current()
    if args.recorded_by or launch is None:
        return Share(args.recorded_by, of_site=not args.recorded_by)
    return Share(launch.host)


def _time_per_file(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds")
    return seconds
