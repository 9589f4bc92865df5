"""Brings the messages of processes to their keepers, also before the keeper knows its process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ocsd.audit.notes import AUDIT_KEY
from ocsd.daemon.instances.keeper import Keeper
from ocsd.system.proc import parent_of

MOST_UNCLAIMED: Final = 1000
"""The most unknown processes whose messages are kept."""


@dataclass(eq=False)
class Words:
    """Hands the messages of each process to its keeper.

    A process does not use the socket of the fork server, so its first messages may come
    before the report that it was started.
    """

    keeper_of: Callable[[int], Keeper | None]
    """Returns the keeper of a process by its pid; None if the process is unknown."""
    parent_of: Callable[[int], int] = parent_of
    """Returns the parent of a process; 0 if it is not known."""

    def __post_init__(self) -> None:
        self._unclaimed: dict[int, dict[str, str]] = {}
        self._found: dict[int, Keeper] = {}

    def receive(self, pid: int, fields: Mapping[str, str]) -> None:
        """Hand over a message of a process, or keep it until it is claimed."""
        keeper = self._keeper(pid)
        if keeper is not None:
            keeper.notified(fields)
        elif AUDIT_KEY in fields and (parent := self.keeper_of(self.parent_of(pid))) is not None:
            # The router's worker reports whom it has refused.
            parent.audited(fields)
        elif len(self._unclaimed) < MOST_UNCLAIMED:
            self._unclaimed.setdefault(pid, {}).update(fields)

    def _keeper(self, pid: int) -> Keeper | None:
        keeper = self._found.get(pid)
        if keeper is None or keeper.pid != pid:
            self._found.pop(pid, None)
            keeper = self.keeper_of(pid)
            if keeper is not None:
                self._found[pid] = keeper
        return keeper

    def claim(self, keeper: Keeper) -> None:
        """Hand a keeper the messages that its new process has sent already."""
        fields = self._unclaimed.pop(keeper.pid or 0, None)
        if fields:
            keeper.notified(fields)
