"""A program that leaves word that it runs, and waits to be ended."""

import os
import signal
import time
from pathlib import Path

VARIABLE = "TRIVIAL_FOLDER"


def main(_args: object = None) -> None:
    """Put a file with the time of the start, named by the pid, into the folder."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    folder = Path(os.environ[VARIABLE])
    unfinished = folder / f".{os.getpid()}"
    unfinished.write_text(str(time.monotonic()))
    unfinished.rename(folder / str(os.getpid()))
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
