"""Taking a new version of the site file into use, touching only what it changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ocsd.daemon.fleet import Fleet
from ocsd.daemon.plan import plan
from ocsd.daemon.settings import Settings, liveness_of, policy_of
from ocsd.daemon.targets import Targets
from ocsd.errors import ReloadRefusedError
from ocsd.site import load, machine
from ocsd.site.difference import Difference, difference
from ocsd.site.launch import Launch
from ocsd.site.model import Instance
from ocsd.supervisor.events import (
    CauseCleared,
    DownRequested,
    RestartRequested,
    State,
    Target,
    UpRequested,
)
from ocsd.supervisor.outcome import outcome


@dataclass(frozen=True, slots=True)
class Change:
    """What a new version of the site file would change.

    Attributes
    ----------
    settings : Settings
        As they would be.
    difference : Difference
        What becomes of the instances.
    """

    settings: Settings
    difference: Difference

    def as_json(self) -> dict[str, Any]:
        """Return it for the control API (docs/control-api.md)."""
        found = self.difference
        return {
            "added": list(found.added),
            "removed": list(found.removed),
            "changed": {name: sorted(keys) for name, keys in found.changed.items()},
            "kept": {name: sorted(keys) for name, keys in found.kept.items() if keys},
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

    def apply(self, change: Change, by: str) -> dict[str, Target]:
        """Start what is new, end what is gone, restart what changed.

        Parameters
        ----------
        change : Change
            What to do; the daemon uses its settings already.
        by : str
            Who asked.

        Returns
        -------
        dict of str to Target
            The instances that are on their way now, or cannot get there, and where each shall go.
        """
        instances = {each.instance_id: each for each in change.settings.plan.instances}
        found = change.difference
        for name in found.removed:
            self._fleet.end(name, by)
        for name in found.added:
            if self._fleet.keeper(name) is None:
                self._add(instances[name])
                self._aim(instances[name], by)
            else:
                # It left the file a moment ago, and its process still ends.
                self._replace(instances[name], by, restart=True)
        for name in (*found.changed, *(name for name, keys in found.kept.items() if keys)):
            self._replace(instances[name], by, restart=name in found.changed)
        aimed_anew = (name for name, keys in found.kept.items() if "manage" in keys)
        return self._under_way((*found.removed, *found.added, *found.changed, *aimed_anew))

    def _under_way(self, names: Iterable[str]) -> dict[str, Target]:
        found = [keeper for name in names if (keeper := self._fleet.keeper(name)) is not None]
        return {
            each.name: each.life.target
            for each in found
            if outcome(each.life.target, each.life) is not True
        }

    def _replace(self, instance: Instance, by: str, restart: bool) -> None:
        keeper = self._fleet.keeper(instance.instance_id)
        if keeper is None:
            return
        self._fleet.replace(instance)
        keeper.configure(policy_of(instance), liveness_of(instance))
        self._aim(instance, by)
        if not restart or keeper.life.target is Target.DOWN:
            return
        if keeper.life.state in {State.STARTING, State.UP}:
            keeper.deliver(RestartRequested(by))
        elif keeper.life.state in {State.BACKOFF, State.FAILED}:
            keeper.deliver(CauseCleared("its entry in the site file changed"))

    def _aim(self, instance: Instance, by: str) -> None:
        """Give an instance the target that its entry, or the operator, now says."""
        keeper = self._fleet.keeper(instance.instance_id)
        wanted = self._targets.of(instance)
        if keeper is None or keeper.life.target is wanted:
            return
        keeper.deliver(UpRequested(by) if wanted is Target.UP else DownRequested(by))
