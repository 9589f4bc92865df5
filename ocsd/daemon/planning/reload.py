"""Taking a new version of the site file into use, touching only what it changed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, assert_never

from ocsd.daemon.instances.fleet import MANAGED_DOWN, Fleet
from ocsd.daemon.instances.plan import plan
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.planning.settings import Settings, liveness_of, policy_of
from ocsd.errors import ReloadRefusedError
from ocsd.site import load, machine
from ocsd.site.difference import Difference, difference
from ocsd.site.launch import Launch
from ocsd.site.model import Instance
from ocsd.supervisor.amendment import Effect, effect
from ocsd.supervisor.events import (
    CauseCleared,
    DownRequested,
    Event,
    RestartRequested,
    State,
    Target,
    UpRequested,
)
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.outcome import Outcome, outcome

EDITED = "its entry in the site file changed"


@dataclass(frozen=True, slots=True)
class Change:
    """What a new version of the site file would change.

    Attributes
    ----------
    settings : Settings
        As they would be.
    difference : Difference
        Which entries differ.
    effects : mapping of str to Effect
        What becomes of those instances, once that is foreseen.
    """

    settings: Settings
    difference: Difference
    effects: Mapping[str, Effect] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it for the control API (docs/control-api.md)."""
        found = self.difference
        return {
            "added": list(found.added),
            "removed": list(found.removed),
            "changed": {name: sorted(keys) for name, keys in found.changed.items()},
            "kept": {name: sorted(keys) for name, keys in found.kept.items() if keys},
            "effects": {name: str(effect) for name, effect in self.effects.items()},
            "unchanged": sum(not keys for keys in found.kept.values()),
            "warnings": list(machine.missing(self.settings.plan.host)),
        }


Reloaded = tuple[Change, dict[str, Target]]
"""What a reload changed, and where each instance goes that is on its way since then."""


def compare(settings: Settings) -> Change:
    """Read the site file anew and compare it with what runs.

    Parameters
    ----------
    settings : Settings
        As they are.

    Raises
    ------
    SiteFileError
        If the file is broken; the message says where.
    ReloadRefusedError
        If it changes what only a new start of everything can change.
    """
    site = load.load(Path(settings.site.path or ""))
    host = load.pick_host(site, settings.plan.host.name)
    planned = plan(site, host, str(settings.paths.state / "data"))
    after = replace(settings, site=site, plan=planned)
    for key, before_it, after_it in (
        ("the router's address", settings.hub.wamp_server, after.hub.wamp_server),
        ("the realm", settings.hub.wamp_realm, after.hub.wamp_realm),
        ("address_root", settings.hub.address_root, after.hub.address_root),
        ("crossbar", settings.plan.host.crossbar, host.crossbar),
    ):
        if before_it != after_it and settings.router.command:
            raise ReloadRefusedError(
                f"{key} changed, and with it the router, without which nothing runs; "
                "when the observatory can spare it: ocsd stop, then ocsd start"
            )
    if host.log_dir != settings.plan.host.log_dir:
        raise ReloadRefusedError("log-dir changed; it takes effect with: ocsd stop, ocsd start")
    return Change(after, difference(_launches(settings), _launches(after)))


def _launches(settings: Settings) -> dict[str, Launch]:
    return {
        each.instance_id: settings.launch(each, predecessor_died=False)
        for each in settings.plan.instances
    }


class Reload:
    """Puts a change of the site file into effect.

    Parameters
    ----------
    fleet : Fleet
        The instances.
    targets : Targets
        What the operator wants.
    add : callable
        Takes an instance that is new.
    """

    def __init__(self, fleet: Fleet, targets: Targets, add: Callable[[Instance], None]) -> None:
        self._fleet = fleet
        self._targets = targets
        self._add = add

    def foresee(self, change: Change) -> Change:
        """Return a change with what it does to the instances."""
        found = change.difference
        instances = {each.instance_id: each for each in change.settings.plan.instances}
        anew = (*found.added, *found.changed)
        effects = {name: self._effect(instances[name], anew=True) for name in anew}
        kept = (name for name, keys in found.kept.items() if keys)
        effects |= {name: self._effect(instances[name], anew=False) for name in kept}
        return replace(change, effects=effects | dict.fromkeys(found.removed, Effect.ENDS))

    def _effect(self, instance: Instance, anew: bool) -> Effect:
        if self._fleet.is_finished(instance):
            return Effect.STAYS_DOWN
        keeper = self._fleet.keeper(instance.instance_id)
        life = Lifecycle() if keeper is None else keeper.life
        return effect(life, self._targets.of(instance), anew)

    def apply(self, change: Change, by: str) -> dict[str, Target]:
        """Start what is new, end what is gone, restart what changed.

        Parameters
        ----------
        change : Change
            What to do, as foreseen; the daemon uses its settings already.
        by : str
            Who asked.

        Returns
        -------
        dict of str to Target
            The instances that are on their way now, or cannot get there, and where each shall go.
        """
        instances = {each.instance_id: each for each in change.settings.plan.instances}
        for name in change.difference.removed:
            self._fleet.end(name, by)
        for name, found in change.effects.items():
            if name not in instances:
                continue
            # What left the file a moment ago may have a process that still ends.
            if self._fleet.keeper(name) is None:
                self._add(instances[name])
            else:
                self._fleet.replace(instances[name])
            self._bring_about(found, instances[name], by)
        moved = {Effect.STARTS, Effect.ENDS, Effect.RESTARTS}
        return self._under_way(name for name, each in change.effects.items() if each in moved)

    def _under_way(self, names: Iterable[str]) -> dict[str, Target]:
        found = [keeper for name in names if (keeper := self._fleet.keeper(name)) is not None]
        return {
            each.instance_id: each.life.target
            for each in found
            if outcome(each.life.target, each.life) is not Outcome.REACHED
        }

    def _bring_about(self, found: Effect, instance: Instance, by: str) -> None:
        keeper = self._fleet.keeper(instance.instance_id)
        if keeper is None:
            return
        keeper.configure(policy_of(instance), liveness_of(instance))
        event = self._event(found, keeper.life.state, instance, by)
        if event is not None:
            keeper.deliver(event)

    def _event(self, found: Effect, state: State, instance: Instance, by: str) -> Event | None:
        match found:
            case Effect.STARTS:
                waits = state in {State.BACKOFF, State.FAILED}
                return CauseCleared(EDITED, by) if waits else UpRequested(by)
            case Effect.RESTARTS:
                return RestartRequested(by)
            case Effect.ENDS | Effect.STAYS_DOWN:
                if self._fleet.is_finished(instance):
                    return None
                return DownRequested(by, self._targets.reason(instance) or MANAGED_DOWN)
            case Effect.GOES_ON:
                return None
            case other:
                assert_never(other)
