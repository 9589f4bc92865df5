"""Instances of this host whose name an agent of another host has as well, as bridges tell."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ocsd.daemon.instances.fleet import Fleet
from ocsd.supervisor.events import State

TOLD_FOR_S: Final = 15.0
"""Time for which it is shown; a bridge tells it every few seconds [s]."""


class DuplicateNames:
    """Listens to the bridges of other hosts."""

    def __init__(self, fleet: Fleet, now_s: Callable[[], float]) -> None:
        self._fleet = fleet
        self._now_s = now_s
        self._told: dict[str, tuple[str, float]] = {}

    def heard(self, told: Any, *_: Any) -> None:
        """Take what a bridge tells: the instance-id, and the bridge's host."""
        if isinstance(told, Mapping) and self._runs(str(told.get("instance_id"))):
            self._told[str(told["instance_id"])] = str(told.get("host")), self._now_s()

    def trouble(self) -> str:
        """Return what is wrong, a sentence each; empty if nothing is."""
        now_s = self._now_s()
        return "; ".join(
            f"instance-id {instance_id!r} is in use on this host and on host {host!r}, where the "
            "site does not reach it: give one of them another instance-id, or stop it"
            for instance_id, (host, heard_s) in self._told.items()
            if now_s - heard_s < TOLD_FOR_S and self._runs(instance_id)
        )

    def _runs(self, instance_id: str) -> bool:
        keeper = self._fleet.keeper(instance_id)
        return keeper is not None and keeper.life.state in {State.STARTING, State.UP}
