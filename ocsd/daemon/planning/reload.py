"""Taking a new version of the site file into use, touching only what it changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, assert_never

from ocsd import site_config
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import plan
from ocsd.daemon.planning.settings import Settings, liveness_of, policy_of
from ocsd.errors import ReloadRefusedError
from ocsd.site import load, plugins, recording
from ocsd.site.difference import Difference, difference
from ocsd.site.launch import Launch
from ocsd.site.model import Crossbar, Instance
from ocsd.site.recording import AGGREGATOR_CLASS
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
from ocsd.supervisor.wish import Cause, Wish
from ocsd.text.logins import without_logins

EDITED = "its entry in the site file changed"


@dataclass(frozen=True, slots=True)
class Change:
    """The changes that a new version of the site file would make."""

    settings: Settings
    """The settings by the new version."""
    difference: Difference
    """The entries that differ."""
    effects: Mapping[str, Effect] = field(default_factory=dict)
    """The effect on those instances, once it is foreseen."""
    new_hosts: tuple[str, ...] = ()
    """Other hosts that only the new version has."""

    def as_json(self) -> dict[str, Any]:
        """Return it for the control API (docs/reference/control-api.md)."""
        changes = self.difference
        return {
            "added": list(changes.added),
            "removed": list(changes.removed),
            "changed": {key: sorted(keys) for key, keys in changes.changed.items()},
            "kept": {key: sorted(keys) for key, keys in changes.kept.items() if keys},
            "values": {key: dict(pairs) for key, pairs in changes.values.items()},
            "hooks": dict(changes.hooks),
            "effects": {key: str(effect) for key, effect in self.effects.items()},
            "new_hosts": list(self.new_hosts),
            "unchanged": sum(not keys for keys in changes.kept.values()),
            "warnings": self.settings.warnings(),
        }


Reloaded = tuple[Change, dict[str, Target]]
"""The changes of a reload, and the target of each instance that is on its way since then."""


def compare(settings: Settings, text: str | None = None) -> Change:
    """Read the site file again, or a `text` in its place, and compare it with the settings in use.

    Raises
    ------
    SiteFileError
        If the file is broken; the message says where.
    ReloadRefusedError
        If it changes what only a new start of everything can change.
    """
    site = load.load(Path(settings.site.path or ""), text)
    host = load.own_host(site, settings.plan.host.name)
    planned = plan(site, host, str(settings.paths.state / "data"))
    after = replace(settings, site=site, plan=planned)
    if after.hub.tls_url is not None:
        from ocsd.daemon.builtin import keys

        after = replace(after, keys=keys.host_keys(after.hub, settings.paths))
    _refuse_changed_router(settings, after)
    if host.log_dir != settings.plan.host.log_dir:
        raise ReloadRefusedError("log-dir changed; it takes effect with: ocsd stop, ocsd start")
    moved = _moved(settings.plan.host.agent_paths, host.agent_paths)
    hooks = (settings.plan.host.hooks, host.hooks)
    found = difference(_launches(settings), _launches(after), moved, hooks)
    new_hosts = tuple(name for name in site.hosts if name not in settings.site.hosts)
    return Change(after, found, new_hosts=new_hosts)


def _refuse_changed_router(before: Settings, after: Settings) -> None:
    if not (before.router.command or after.plan.host.has_own_router):
        return
    name = after.plan.host.name
    if before.plan.runs_router and not after.plan.runs_router:
        raise ReloadRefusedError(
            "of several hosts, the one that runs the router has to say so, and this file would "
            f"leave the site without one; write 'crossbar: {{}}' below {name!r}, or where it "
            "is to run"
        )
    for key, old, new in (
        (
            "the router's address",
            without_logins(before.hub.wamp_server),
            without_logins(after.hub.wamp_server),
        ),
        ("access", before.hub.access, after.hub.access),
        ("listen", before.hub.listen, after.hub.listen),
        ("wamp_tls", before.hub.wamp_tls, after.hub.wamp_tls),
        ("the realm", before.hub.wamp_realm, after.hub.wamp_realm),
        ("address_root", before.hub.address_root, after.hub.address_root),
        ("crossbar", _crossbar(before), _crossbar(after)),
        ("router", before.plan.host.router, after.plan.host.router),
    ):
        if old != new:
            raise ReloadRefusedError(
                f"{key} changed, and with it the router, without which nothing runs; "
                "put the file in its place by hand, and when the observatory can spare it: ocsd "
                "stop, then ocsd start"
            )


def _crossbar(settings: Settings) -> Crossbar | None:
    """Return the router's keys; a host alone in its file may leave them out."""
    host = settings.plan.host
    return host.crossbar or (Crossbar() if settings.plan.runs_router else None)


def refuse_unfinished(before: Settings, change: Change, fleet: Fleet) -> None:
    """Refuse to take ``record: local`` away while the host's aggregator cannot record the rest.

    Raises
    ------
    ReloadRefusedError
        If it is not up: nobody else would record the last messages that name its host.
    """
    host = before.plan.host
    if not recording.records_itself(before.site, host):
        return
    after = change.settings
    if recording.records_itself(after.site, after.plan.host):
        return
    names = [each.instance_id for each in before.plan.instances if _is_recorder(each)]
    for keeper in filter(None, map(fleet.keeper, names)):
        if keeper.life.state is not State.UP:
            name = keeper.instance_id
            raise ReloadRefusedError(
                f"record: local is taken away, but {name!r} is {keeper.life.state} and has not "
                f"recorded all that its host's agents have published; bring it up first: ocsd why "
                f"{name}, ocsd up {name}. If that cannot be, ocsd stop and ocsd start take the "
                "file, and those messages are lost"
            )


def _is_recorder(instance: Instance) -> bool:
    return instance.agent_class == AGGREGATOR_CLASS


def _moved(before: tuple[str, ...], after: tuple[str, ...]) -> frozenset[str]:
    """Return the agent classes that other agent-paths find elsewhere."""
    if before == after:
        return frozenset()
    return plugins.moved(site_config.agent_classes(before), site_config.agent_classes(after))


def _launches(settings: Settings) -> dict[str, Launch]:
    return {each.instance_id: settings.launch(each) for each in settings.plan.instances}


class Reload:
    """Puts a change of the site file into effect; `add` takes an instance that is new."""

    def __init__(self, fleet: Fleet, add: Callable[[Instance], object]) -> None:
        self._fleet = fleet
        self._add = add

    def foresee(self, change: Change) -> Change:
        """Return a change with its effects on the instances."""
        changes = change.difference
        entries = _entries(change)
        fresh = dict.fromkeys((*changes.added, *changes.changed), True)
        kept = {key: False for key, keys in changes.kept.items() if keys}
        effects = {key: self._effect(entries[key], value) for key, value in (fresh | kept).items()}
        return replace(change, effects=effects | dict.fromkeys(changes.removed, Effect.ENDS))

    def _effect(self, entry: Instance, fresh: bool) -> Effect:
        keeper = self._fleet.keeper(entry.instance_id)
        life = keeper.life if keeper else Lifecycle()
        return effect(life, self._fleet.wish(entry.instance_id, entry), fresh)

    def apply(self, change: Change, by: str) -> dict[str, Target]:
        """Start new instances, end those that are gone, restart those that changed.

        The change is as foreseen, for the person `by`; the daemon uses its settings already.
        Return the instances that are on their way now, or cannot get there, with their targets.
        """
        entries = _entries(change)
        for instance_id in change.difference.removed:
            self._fleet.end(instance_id, by)
        for instance_id, foreseen in change.effects.items():
            if instance_id in entries:
                self._bring_about(foreseen, entries[instance_id], by)
        moves = {Effect.STARTS, Effect.ENDS, Effect.RESTARTS}
        moved = [key for key, value in change.effects.items() if value in moves]
        lives = {each.instance_id: each.life for each in map(self._fleet.keeper, moved) if each}
        return {
            key: life.target
            for key, life in lives.items()
            if outcome(life.target, life) is not Outcome.REACHED
        }

    def _bring_about(self, foreseen: Effect, entry: Instance, by: str) -> None:
        # An instance that left the file a moment ago may have a process that still ends.
        if self._fleet.keeper(entry.instance_id) is None:
            self._add(entry)
        else:
            self._fleet.replace(entry)
        keeper = self._fleet.keeper(entry.instance_id)
        if keeper is None:
            return
        keeper.configure(policy_of(entry), liveness_of(entry))
        event = _event(foreseen, keeper, self._fleet.wish(entry.instance_id), by)
        if event is not None:
            keeper.deliver(event)


def _entries(change: Change) -> dict[str, Instance]:
    return {each.instance_id: each for each in change.settings.plan.instances}


def _event(foreseen: Effect, keeper: Keeper, wish: Wish, by: str) -> Event | None:
    match foreseen:
        case Effect.STARTS if keeper.life.state in {State.BACKOFF, State.FAILED}:
            return CauseCleared(EDITED, by)
        case Effect.STARTS:
            return UpRequested(by)
        case Effect.RESTARTS:
            return RestartRequested(by)
        case Effect.ENDS | Effect.STAYS_DOWN if wish.cause is not Cause.ENDED:
            return DownRequested(by, wish.reason)
        case Effect.GOES_ON | Effect.ENDS | Effect.STAYS_DOWN:
            return None
        case other:
            assert_never(other)
