"""``ocs.checkdata``: the program of OCS that prints the age of the last sample of each feed.

``python -m ocs.checkdata TARGET`` runs it. It prints what OCS's program prints; ``ocsd data ls``
says more, and sees samples that are in no file yet.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ocsd.aggregator.frames.schema import DATA, STATUS
from ocsd.data.decode import Whole, pieces, seconds
from ocsd.data.scan import Providers, blocks_of
from ocsd.errors import NoDataError

OLD_S = 600.0
"""A feed that has been silent for longer is printed in red."""
_RED, _PLAIN = "\x1b[31m", "\x1b[0m"


@dataclass
class Last:
    """The last sample of a field."""

    at: float
    """Unix time [s]."""
    value: Any


@dataclass
class DataChecker:
    """The last sample of each field below a file or folder.

    Parameters
    ----------
    target : str
        A G3 file, or a folder with such files below it.
    verbose : bool
        Whether ``str()`` has a line for each field.
    """

    target: str
    verbose: bool = False
    instances: dict[str, dict[str, dict[str, Last]]] = field(default_factory=dict)
    """Last samples, by instance, feed and field."""

    def run(self) -> None:
        """Read the files.

        Raises
        ------
        OSError
            If a file cannot be read.
        """
        for path in _files(Path(self.target)):
            for feed, name, last in _samples(path):
                *_, instance_id, _, feed_name = feed.split(".")
                fields = self.instances.setdefault(instance_id, {}).setdefault(feed_name, {})
                if name not in fields or last.at >= fields[name].at:
                    fields[name] = last

    def __str__(self) -> str:
        coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        return "\n".join(report_lines(self.instances, self.verbose, time.time(), coloured))


def _files(target: Path) -> list[Path]:
    if target.is_dir():
        return sorted(target.rglob("*.g3"))
    return [target]


def _samples(path: Path) -> Iterator[tuple[str, str, Last]]:
    """Yield feed, field and last sample of each block of a file."""
    providers = Providers()
    for piece in pieces(path):
        if not isinstance(piece, Whole):
            continue
        kind = piece.frame.get("hkagg_type")
        if kind == STATUS:
            providers.read(piece.frame)
        if kind != DATA:
            continue
        feed = providers.address(piece.frame)
        for _, block in blocks_of(piece.frame):
            times = seconds(np.asarray(block.times))
            if feed is not None and len(times):
                latest = int(times.argmax())
                for name in block.keys():  # noqa: SIM118 # no dict
                    yield feed, name, Last(float(times[latest]), block[name][latest])


def report_lines(
    instances: Mapping[str, Mapping[str, Mapping[str, Last]]],
    verbose: bool,
    now_at: float,
    coloured: bool,
) -> list[str]:
    """Return the age of each feed, which is that of its oldest field, or of each field."""
    lines = []
    for instance_id in sorted(instances):
        lines.append(instance_id)
        for feed, fields in sorted(instances[instance_id].items()):
            if verbose:
                lines += [f"  {feed}", *_field_lines(fields, now_at, coloured)]
            else:
                age_s = now_at - min(last.at for last in fields.values())
                lines.append(f"  {feed}: " + _red(f"{age_s:.1f} s old", age_s, coloured))
        lines.append("")
    return lines


def _field_lines(fields: Mapping[str, Last], now_at: float, coloured: bool) -> Iterator[str]:
    width = max([20, *map(len, fields)])
    rule = "  " + "-" * (width + 69)
    yield rule
    titles = ("Last Seen [s ago]", "Seen At [ctime]", "Value")
    yield f"  {'Field':>{width}} | " + " | ".join(f"{title:>20}" for title in titles)
    yield rule
    for name, last in sorted(fields.items()):
        age_s = now_at - last.at
        age = _red(f"{age_s:>20.1f}", age_s, coloured)
        yield f"  {name:>{width}} | {age} | {last.at:>20} | {last.value!s:>20}"


def _red(text: str, age_s: float, coloured: bool) -> str:
    if coloured and age_s > OLD_S:
        return f"{_RED}{text}{_PLAIN}"
    return text


def main(target: str | None = None, verbose: bool = False) -> None:
    """Print the report of a file or folder, by default that of the command line."""
    if target is None:
        parser = argparse.ArgumentParser(
            prog="checkdata", description="Print the age of the last sample of each feed."
        )
        parser.add_argument("target", help="G3 file, or folder with such files below it")
        parser.add_argument("--verbose", "-v", action="store_true", help="a line for each field")
        parser.add_argument("--docker", "-d", action="store_true", help="accepted and not used")
        parsed = parser.parse_args()
        target, verbose = parsed.target, parsed.verbose
        if not os.path.exists(target):
            parser.exit(
                NoDataError.exit_code,
                f"{parser.prog}: error: there is no file or folder {target}\n",
            )
    checker = DataChecker(target, verbose)
    checker.run()
    print(checker)  # noqa: T201 - a command


if __name__ == "__main__":
    main()
