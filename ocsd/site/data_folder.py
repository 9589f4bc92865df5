"""The arguments of an aggregator in the site file: its data folder, and whether it records."""

import os
from argparse import ArgumentError, ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ocsd.site.model import Site

AGGREGATOR_CLASS: Final = "AggregatorAgent"
INFLUXDB_1_CLASS: Final = "InfluxDBAgent"
INFLUXDB_2_CLASS: Final = "InfluxDBAgentv2"
POSTGRES_CLASS: Final = "PostgreSQLAgent"
WRITERS: Final = frozenset({INFLUXDB_1_CLASS, INFLUXDB_2_CLASS, POSTGRES_CLASS})
"""The classes that write what the aggregator records to databases."""


def data_folder(arguments: Sequence[str], state: Path) -> Path:
    """Return the absolute path of the folder that an aggregator writes to.

    A ``--data-dir`` among its `arguments` is relative to the working directory; the default
    is `data` in the host's state folder.
    """
    given = _value("--data-dir", arguments)
    return Path(os.path.abspath(Path(given).expanduser())) if given else state / "data"


def records_from_the_start(arguments: Sequence[str]) -> bool:
    """Whether an aggregator with these arguments records without being asked."""
    return _value("--initial-state", arguments) == "record"


def centre(site: Site) -> str:
    """Return the host of the built-in agents: the first one with a router, or else the first."""
    routers = [host.name for host in site.hosts.values() if host.crossbar is not None]
    return next(iter(routers or site.hosts))


def _value(option: str, arguments: Sequence[str]) -> str | None:
    parser = ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument(option, dest="value")
    try:
        given: str | None = parser.parse_known_args(arguments)[0].value
    except ArgumentError:  # it has no value, and the aggregator will complain
        given = None
    return given
