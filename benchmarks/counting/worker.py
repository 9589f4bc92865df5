"""Threads of which it is known if they fail: otherwise all would seem to be in order."""

import threading
from collections.abc import Callable


def worker(what: str, work: Callable[[], None], amiss: list[str]) -> threading.Thread:
    """Return a thread that is not started yet.

    Parameters
    ----------
    what : str
        What it does, for people.
    work : callable
        Does it.
    amiss : list of str
        Gets a line if `work` raises.
    """

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the run proves nothing
            amiss.append(f"{what}: {error!r}")

    return threading.Thread(target=run, daemon=True)
