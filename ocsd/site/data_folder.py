"""The data folder of an aggregator, as its entry in the site file gives it."""

import os
from argparse import ArgumentError, ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Final

AGGREGATOR_CLASS: Final = "AggregatorAgent"


def data_folder(arguments: Sequence[str], state: Path) -> Path:
    """Return the absolute path of the folder that an aggregator writes to.

    A ``--data-dir`` among its `arguments` is relative to the working directory; the default
    is `data` in the host's state folder.
    """
    parser = ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--data-dir")
    try:
        given = parser.parse_known_args(arguments)[0].data_dir
    except ArgumentError:  # it has no value, and the aggregator will complain
        given = None
    return Path(os.path.abspath(Path(given).expanduser())) if given else state / "data"
