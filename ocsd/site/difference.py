"""Compares two versions of a site file and says which instances have to restart."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ocsd.site.launch import Launch
from ocsd.site.model import IN_CONTAINERS
from ocsd.site.supervision import LivenessKeys

_NO_MATTER: Final = {
    "site_file",
    "force_register",
    "instance.line",
    "router_socket",
    "http_socket",
    "ca_file",
    "hub.listen",
    "hub.wamp_tls",
    "hub.take_files",
}
"""Keys of a `Launch` that change nothing for the process."""

_NO_RESTART: Final = {
    "instance.manage",
    "instance.restart",
    "instance.after",
    "instance.retry_when",
    "instance.limits.memory",
    *(f"instance.liveness.{layer}" for layer in LivenessKeys.model_fields),
}
"""Keys of a `Launch` that only the daemon uses."""

_TICKET: Final = "ticket"
"""The key of a `Launch` that is nobody else's business; that it changed is all that is told."""

_AGENT_PATHS: Final = "agent_paths"
"""The key of a `Launch` that matters only to an agent whose code it finds."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The differences between two versions of a host's entry."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    """Instances that only the new version has, or only the old one."""
    changed: Mapping[str, tuple[str, ...]]
    """Instances whose processes have to be restarted, each with its changed keys."""
    kept: Mapping[str, tuple[str, ...]]
    """Instances that run on, each with the changed keys that only the daemon uses."""
    values: Mapping[str, Mapping[str, tuple[Any, Any]]] = field(default_factory=dict)
    """The old and the new value of each changed key, by instance and key."""
    hooks: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """The old and the new command of each hook of the host that changed, by occasion."""

    def __str__(self) -> str:
        """Return the difference in words, e.g. for the history."""
        kinds: tuple[tuple[str, Mapping[str, tuple[str, ...]]], ...] = (
            ("new", dict.fromkeys(self.added, ())),
            ("left the file", dict.fromkeys(self.removed, ())),
            ("restarted", self.changed),
            ("changed without a restart", {name: keys for name, keys in self.kept.items() if keys}),
        )
        parts = [f"{kind}: {', '.join(_with_keys(names))}" for kind, names in kinds if names]
        if self.hooks:
            parts.append(f"hooks: {', '.join(self.hooks)}")
        return "; ".join(parts) or "nothing changed"


def difference(
    before: Mapping[str, Launch],
    after: Mapping[str, Launch],
    moved: Collection[str] = (),
    hooks: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}),
) -> Difference:
    """Compare the launches of running processes with those of the new site file, by instance-id.

    `moved` has the agent classes whose code the new agent-paths find in another place, `hooks`
    the old and the new commands by occasion.
    """
    changed: dict[str, tuple[str, ...]] = {}
    kept: dict[str, tuple[str, ...]] = {}
    values: dict[str, Mapping[str, tuple[Any, Any]]] = {}
    for instance_id in (name for name in after if name in before):
        pairs = _changes(before[instance_id], after[instance_id], moved)
        group = kept
        if pairs.keys() - _NO_RESTART or _changes_hands(before[instance_id], after[instance_id]):
            group = changed
        group[instance_id] = tuple(map(_of_file, pairs))
        if pairs:
            shown = {key: pair for key, pair in pairs.items() if key != _TICKET}
            values[instance_id] = {_of_file(key): pair for key, pair in shown.items()}
    return Difference(
        added=_only_in(after, before),
        removed=_only_in(before, after),
        changed=changed,
        kept=kept,
        values=values,
        hooks=dict(sorted(_differing(*hooks))),
    )


def _only_in(names: Mapping[str, Launch], others: Mapping[str, Launch]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in others)


def _changes(before: Launch, after: Launch, moved: Collection[str]) -> dict[str, tuple[Any, Any]]:
    """Return the old and the new value of each key that makes a difference."""
    pairs = dict(_differing(before.model_dump(mode="json"), after.model_dump(mode="json")))
    if after.instance.agent_class not in moved:
        pairs.pop(_AGENT_PATHS, None)
    return pairs


def _changes_hands(before: Launch, after: Launch) -> bool:
    """Return whether Docker is to run what ocsd has run itself, or the other way round."""
    by_docker = [each.instance.manage in IN_CONTAINERS for each in (before, after)]
    return by_docker[0] is not by_docker[1]


def _with_keys(names: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for name, keys in names.items():
        if keys:
            yield f"{name} ({', '.join(sorted(keys))})"
        else:
            yield name


def _differing(
    before: Mapping[str, Any], after: Mapping[str, Any], inside: str = ""
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield each key that differs, with the old and the new value."""
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        name = f"{inside}{key}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differing(old, new, f"{name}.")
        elif old != new and name not in _NO_MATTER:
            yield name, (old, new)


def _of_file(key: str) -> str:
    """Return a key as the site file spells it."""
    if key.startswith("instance.env."):
        return key.removeprefix("instance.env.")
    if key.startswith("alarms."):
        return key.removeprefix("alarms.")
    plain = key.rpartition(".")[2]
    if key.startswith("hub."):
        return plain
    return plain.replace("_", "-")
