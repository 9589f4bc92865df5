"""The checks of `alarms:` that need more than one value: errors, and warnings."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ocsd.alarms.conditions import (
    AlarmRule,
    OperationCondition,
    SilenceCondition,
    StateCondition,
    instance_of,
)
from ocsd.site.alarms.keys import AlarmsKeys
from ocsd.site.document import Document, Location, Problem
from ocsd.text.nearest import did_you_mean, nearest_or_all

_FILES = frozenset({"url-file", "token-file", "password-file"})
_OF_ENTRIES = frozenset({"rules", "receivers", "heartbeats"})


def absolute_files(value: Any, folder: Path) -> Any:
    """Return the value of ``alarms`` in which the files of secrets are absolute paths."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: _path(inner, folder) if name in _FILES else absolute_files(inner, folder)
        for name, inner in value.items()
    }


def with_empty_entries(value: Any) -> Any:
    """Return the value of ``alarms`` in which entries without anything are empty mappings.

    Elsewhere a key without a value means the same as none; here it is half an entry.
    """
    if not isinstance(value, Mapping):
        return value
    return {
        key: {name: {} if entry is None else entry for name, entry in inner.items()}
        if key in _OF_ENTRIES and isinstance(inner, Mapping)
        else inner
        for key, inner in value.items()
    }


def unknown_receivers(value: Any, document: Document, place: Location) -> Iterator[Problem]:
    """Yield each name in ``tell`` that is no receiver, of the value of ``alarms`` at a place.

    It looks at the file as it is, so that these are told beside what is wrong with single values.
    """
    receivers = _mapping(value.get("receivers"))
    for name, rule in _mapping(value.get("rules")).items():
        tell = _mapping(rule).get("tell")
        if isinstance(tell, str):
            tell = [tell]
        if isinstance(tell, list):
            for index, told in enumerate(tell):
                if isinstance(told, str) and told not in receivers:
                    line = document.line((*place, "rules", name, "tell", index))
                    yield Problem(line, _no_receiver(name, told, receivers))


def _no_receiver(name: str, told: str, receivers: Collection[str]) -> str:
    remedy = "; there are no receivers: add it to receivers"
    if receivers:
        remedy = nearest_or_all(told, receivers)
    return f"alarm {name!r} tells {told!r}, which is no receiver{remedy}"


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    return {}


def unknown_instances(
    value: Any, document: Document, place: Location, known: Collection[str]
) -> Iterator[Problem]:
    """Yield a warning for each alarm on an instance that the file does not have.

    Raises
    ------
    pydantic.ValidationError
        If a single value is wrong.
    """
    keys = AlarmsKeys.model_validate(value)
    for name, entry in keys.rules.items():
        instance_id = _instance(entry.rule)
        if instance_id and instance_id not in known:
            line = document.line((*place, "rules", name, "when"))
            yield Problem(
                line,
                f"alarm {name!r} is about {instance_id!r}, which the site file does not have"
                f"{did_you_mean(instance_id, known)}; it stays unseen until such an agent comes",
            )


def _instance(rule: AlarmRule) -> str:
    """Return the instance that a rule is about; empty if it is about none."""
    match rule.condition:
        case StateCondition(name) | OperationCondition(instance_id=name):
            return name
        case SilenceCondition(name):
            return instance_of(name)
        case condition:
            return instance_of(getattr(condition, "field", ""))


def _path(value: Any, folder: Path) -> Any:
    if isinstance(value, str):
        return str(folder / Path(value).expanduser())
    return value
