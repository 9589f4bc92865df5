"""What a new version of a site file means for the instances that run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ocsd.site.launch import Launch
from ocsd.site.supervision import LivenessKeys

_NO_MATTER: Final = {"site_file", "force_register", "instance.line", "router_socket"}
"""What a process is told that makes no difference to it."""

_NO_RESTART: Final = {
    "instance.manage",
    "instance.restart",
    "instance.after",
    "instance.retry_when",
    "instance.limits.memory",
    *(f"instance.liveness.{layer}" for layer in LivenessKeys.model_fields),
}
"""What concerns the daemon only."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How two versions of a host's entry differ.

    Attributes
    ----------
    added, removed : tuple of str
        Instances that only the new, or only the old one has.
    changed : mapping of str to tuple of str
        Instances whose processes have to be started anew, each with the keys that changed.
    kept : mapping of str to tuple of str
        Instances that go on, each with the keys that changed for the daemon only.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]
    kept: Mapping[str, tuple[str, ...]]

    @property
    def is_none(self) -> bool:
        """Whether nothing would change."""
        return not (self.added or self.removed or self.changed or any(self.kept.values()))

    def __str__(self) -> str:
        """Return it in words, e.g. for the journal."""
        kinds: tuple[tuple[str, Mapping[str, tuple[str, ...]]], ...] = (
            ("new", dict.fromkeys(self.added, ())),
            ("left the file", dict.fromkeys(self.removed, ())),
            ("restarted", self.changed),
            ("changed without a restart", {name: keys for name, keys in self.kept.items() if keys}),
        )
        parts = [f"{kind}: {', '.join(_with_keys(names))}" for kind, names in kinds if names]
        return "; ".join(parts) or "nothing changed"


def difference(before: Mapping[str, Launch], after: Mapping[str, Launch]) -> Difference:
    """Compare what processes were told with what they would be told now.

    Parameters
    ----------
    before, after : mapping of str to Launch
        By instance-id, in the order of the site file.
    """
    changed: dict[str, tuple[str, ...]] = {}
    kept: dict[str, tuple[str, ...]] = {}
    for name in (name for name in after if name in before):
        keys = tuple(_differing(before[name].model_dump(), after[name].model_dump()))
        if set(keys) <= _NO_RESTART:
            kept[name] = tuple(_of_file(key) for key in keys)
        else:
            changed[name] = tuple(_of_file(key) for key in keys)
    return Difference(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=changed,
        kept=kept,
    )


def _with_keys(names: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for name, keys in names.items():
        yield f"{name} ({', '.join(sorted(keys))})" if keys else name


def _differing(
    before: Mapping[str, Any], after: Mapping[str, Any], inside: str = ""
) -> Iterator[str]:
    for key in before.keys() | after.keys():
        one, other = before.get(key), after.get(key)
        name = f"{inside}{key}"
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _differing(one, other, f"{name}.")
        elif one != other and name not in _NO_MATTER:
            yield name


def _of_file(key: str) -> str:
    """Return a key as the site file spells it."""
    if key.startswith("instance.env."):
        return key.removeprefix("instance.env.")
    plain = key.rpartition(".")[2]
    return plain if key.startswith("hub.") else plain.replace("_", "-")
