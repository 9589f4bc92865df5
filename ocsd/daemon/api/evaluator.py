"""The process that evaluates alarms, as the daemon sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.supervisor.health import Health
from ocsd.supervisor.states import State
from ocsd.system.classes import ALARMS_CLASS
from ocsd.system.paths import HostPaths

EVALUATOR_RUNS: Final = "running"


@dataclass(frozen=True)
class AlarmDesk:
    """The alarms of the host, as far as the daemon knows of them."""

    fleet: Fleet
    paths: HostPaths
    alarms: Callable[[], Mapping[str, Any] | None]
    """Returns the key ``alarms`` of the host; None if it has none."""
    record: Callable[..., None]
    """Writes an entry of the history (`ocsd.daemon.watching.chronicle.Chronicle.record`)."""
    reactor: Any

    @property
    def keeper(self) -> Keeper | None:
        """The evaluator; None if this host has no alarms."""
        return evaluator_of(self.fleet)


def evaluator_of(fleet: Fleet) -> Keeper | None:
    """Return the keeper of the process that evaluates alarms; None if this host has no alarms."""
    found = (keeper for each, keeper in fleet if each.agent_class == ALARMS_CLASS)
    return next(found, None)


def condition_of(keeper: Keeper) -> str:
    """Return ``running``, or what is wrong with the evaluator."""
    life, verdict = keeper.life, keeper.verdict
    word = str(life.state)
    if life.state is State.UP:
        if verdict.health is not Health.HUNG:
            return EVALUATOR_RUNS
        word = str(Health.HUNG)
    return ": ".join(filter(None, (word, verdict.reason or life.reason)))


def alarms_of(fleet: Fleet) -> dict[str, Any]:
    """Return the key ``alarms`` of the status, by the last word of the evaluator.

    A host without alarms has no such key.
    """
    keeper = evaluator_of(fleet)
    if keeper is None:
        return {}
    return {"alarms": {**keeper.activity.alarms_told(), "evaluator": condition_of(keeper)}}
