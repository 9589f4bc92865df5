"""What processes say, brought to their keepers, also before it is known whose they are."""

from collections.abc import Callable, Mapping
from typing import Final

from ocsd.daemon.instances.keeper import Keeper

MOST_UNCLAIMED: Final = 1000
"""The words of so many processes that nobody knows are kept."""


class Words:
    """Hands the words of each process to its keeper.

    A process speaks on another socket than the news that it was started, so its
    first words may come before them.

    Parameters
    ----------
    keeper_of : callable
        Returns the keeper of a process by its pid; None if nobody knows it.
    """

    def __init__(self, keeper_of: Callable[[int], Keeper | None]) -> None:
        self._keeper_of = keeper_of
        self._unclaimed: dict[int, dict[str, str]] = {}

    def heard(self, pid: int, fields: Mapping[str, str]) -> None:
        """Hand over what a process said, or keep it until it is claimed."""
        keeper = self._keeper_of(pid)
        if keeper is not None:
            keeper.notified(fields)
        elif len(self._unclaimed) < MOST_UNCLAIMED:
            self._unclaimed.setdefault(pid, {}).update(fields)

    def claim(self, keeper: Keeper) -> None:
        """Hand a process that was started what it has said already."""
        fields = self._unclaimed.pop(keeper.pid or 0, None)
        if fields:
            keeper.notified(fields)
