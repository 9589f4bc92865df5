"""Turns the findings of pydantic in a site file into messages for the operator."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ocsd.site.document import Document, Location, Problem
from ocsd.site.model import Crossbar, Host, Hub, Instance, Site
from ocsd.site.supervision import LivenessKeys, ResourceLimits, Web
from ocsd.text.nearest import did_you_mean, nearest

# Fields that are not keys of the file.
_NOT_WRITTEN: Mapping[type[BaseModel], frozenset[str]] = {
    Host: frozenset({"name", "lines"}),
    Instance: frozenset({"line"}),
    Site: frozenset({"path", "warnings", "lines", "digest"}),
}
_OF_OLD_OCS = frozenset({"registry_agent"})
"""Keys in the documentation of OCS that no version still in use reads."""
_PLACES: Mapping[type[BaseModel], str] = {
    Site: "the top level",
    Hub: "hub",
    Host: "a host",
    Crossbar: "crossbar",
    Web: "web",
    Instance: "an entry of agent-instances",
    LivenessKeys: "liveness",
    ResourceLimits: "limits",
}
_OF_OCSD = frozenset({LivenessKeys, ResourceLimits, Web})
_UNKNOWN = "extra_forbidden"
_MISSING = "missing"
_EXPECTED = {
    "string_type": "text",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "tuple_type": "a list",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "greater_than_equal": "{ge:g} or more",
    "less_than_equal": "{le:g} or less",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "string_too_short": "a name",
}


def keys_of(model: type[BaseModel]) -> frozenset[str]:
    """Return the keys that `model` has in a site file."""
    fields = model.model_fields.items()
    keys = frozenset(field.serialization_alias or name for name, field in fields)
    return keys - _NOT_WRITTEN.get(model, frozenset())


def keys_at(location: Location) -> frozenset[str]:
    """Return the keys that a mapping at `location` has in a site file."""
    return keys_of(_model_at(location))


def spellings() -> dict[str, str]:
    """Return the other spellings of all keys, ``-`` for ``_`` and the reverse."""
    keys = {key for model in _PLACES for key in keys_of(model)}
    return {
        other: key
        for key in keys
        for other in (key.replace("_", "-"), key.replace("-", "_"))
        if other != key
    }


def problems_of(
    error: ValidationError, document: Document, place: Location = ()
) -> Iterator[Problem]:
    """Translate the findings of pydantic in the value at a place into problems of the file."""
    found = error.errors(include_url=False)
    details = [ErrorDetails(**{**each, "loc": (*place, *each["loc"])}) for each in found]
    misspelled = {
        (*location[:-1], nearest(str(location[-1]), keys_of(_model_at(location[:-1]))))
        for location in (detail["loc"] for detail in details if detail["type"] == _UNKNOWN)
    }
    for detail in details:
        location: Location = detail["loc"]
        if detail["type"] == _UNKNOWN:
            yield Problem(document.key_line(location), unknown_key(location))
        elif detail["type"] != _MISSING:
            yield Problem(document.line(location), _wrong_value(detail, location))
        elif location not in misspelled:
            key = str(location[-1])
            text = f"{_owner(location[:-1])} has no {key!r}{_example(key)}"
            yield Problem(document.line(location[:-1]), text)


def unused_key(location: Location) -> str | None:
    """Return the warning of an unknown key that is left out, as OCS does; None if it is refused.

    A key that is near a right one, or that belongs elsewhere, may be a slip that changes what
    runs. So may any unknown key among those that only ocsd has.
    """
    key = str(location[-1])
    model, owner = _model_at(location[:-1]), _owner(location[:-1])
    if key in _OF_OLD_OCS:
        return f"nothing reads {key!r} in {owner} any more; remove it"
    elsewhere = any(key in keys_of(other) for other in _PLACES)
    if model in _OF_OCSD or elsewhere or nearest(key, keys_of(model)) is not None:
        return None
    return f"nothing reads {key!r} in {owner}; remove it, or write x-{key} for a note of your own"


def unknown_key(location: Location) -> str:
    """Report the unknown key at `location`, and which key may be meant."""
    key = str(location[-1])
    model = _model_at(location[:-1])
    known = keys_of(model)
    text = f"unknown key {key!r} in {_owner(location[:-1])}"
    near = did_you_mean(key, known)
    if near:
        return text + near
    elsewhere = [_PLACES[other] for other in _PLACES if key in keys_of(other)]
    if elsewhere:
        return f"{text}; it belongs to {' or '.join(elsewhere)}"
    return f"{text}; there are {', '.join(sorted(known))} (and x-… for your own)"


def _wrong_value(detail: ErrorDetails, location: Location) -> str:
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, ValueError):
        return str(cause)
    what = _named(location)
    shown = _shown(detail["input"])
    if detail["type"] == "literal_error":
        allowed = get_args(_model_at(location[:-1]).model_fields[what].annotation)
        near = did_you_mean(str(detail["input"]), allowed)
        return f"{what} must be one of {', '.join(allowed)}, not {shown}{near}"
    expected = _EXPECTED.get(detail["type"])
    if expected is None:
        return f"{what}: {detail['msg']}"
    if expected == "a list" and ("hooks" in location or what == "retry-when"):
        expected = "text or a list"
    text = f"{what} must be {expected.format_map(detail.get('ctx', {}))}, not {shown}"
    if expected == "text" and isinstance(detail["input"], bool | int | float):
        text += "; put it in quotes"
    return text


def _shown(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return f"the YAML word for {str(value).lower()}"
        case int() | float():
            return f"the number {value!r}"
        case str():
            return repr(value)
        case dict():
            return "a mapping"
        case _:
            return "a list"


def _model_at(location: Location) -> type[BaseModel]:
    match location:
        case ("hub",):
            return Hub
        case ("hosts", _):
            return Host
        case ("hosts", _, "crossbar" | "web" | "alarms" as key, *inner):
            return _model_in_host(key, tuple(inner))
        case ("hosts", _, "agent-instances", _):
            return Instance
        case ("hosts", _, "agent-instances", _, "liveness"):
            return LivenessKeys
        case ("hosts", _, "agent-instances", _, "limits"):
            return ResourceLimits
        case _:
            return Site


def _model_in_host(key: str, location: Location) -> type[BaseModel]:
    if key == "alarms":
        return _model_in_alarms(location)
    if key == "web":
        return Web
    return Crossbar


def _model_in_alarms(location: Location) -> type[BaseModel]:
    from ocsd.site.alarms import keys  # few sites have alarms

    match location:
        case ("rules", _):
            return keys.AlarmRuleKeys
        case ("receivers", _):
            return keys.ReceiverKeys
        case ("receivers", _, "mail"):
            return keys.MailKeys
        case ("receivers", _, "webhook"):
            return keys.WebhookKeys
        case ("receivers", _, "ntfy"):
            return keys.NtfyKeys
        case ("heartbeats", _):
            return keys.HeartbeatKeys
        case _:
            return keys.AlarmsKeys


def _owner(location: Location) -> str:
    match location:
        case ("hosts", host):
            return f"host {host!r}"
        case ("hosts", host, "crossbar" | "web" | "alarms" as key):
            return f"{key} of host {host!r}"
        case ("hosts", host, "agent-instances", int(index)):
            return f"entry {index + 1} of agent-instances of host {host!r}"
        case (*entry, "liveness" | "limits" as key):
            return f"{key} of {_owner(tuple(entry))}"
        case ("hosts", _, "alarms", str(kind), str(name), *way):
            kind = {"rules": "alarm"}.get(kind, kind.removesuffix("s"))
            return " of ".join((*map(str, way), f"{kind} {name!r}"))
        case ("hub",):
            return "hub"
        case _:
            return "the site file"


def _named(location: Location) -> str:
    match location:
        case () | ("hub",) | ("hosts", _) | ("hosts", _, "agent-instances", int()):
            return _owner(location)
        case (*_, "agent-paths" | "arguments" | "after" | "retry-when" as key, int(index)):
            return f"item {index + 1} of {key}"
        case (*_, "hooks", str(occasion), int(index)):
            return f"word {index + 1} of hook {occasion}"
        case (*_, "hooks", str(occasion)):
            return f"hook {occasion}"
        case (*_, "env", str(name)):
            return f"env {name}"
        case _:
            return str(location[-1])


def _example(key: str) -> str:
    examples = {
        "hub": "; write e.g. hub: {wamp_server: ws://localhost:8001/ws}",
        "wamp_server": "; write e.g. wamp_server: ws://localhost:8001/ws",
        "when": "; write e.g. when: thermo1.temps.stage > 5 for 30s",
        "to": "; write e.g. to: night@example.org",
        "agent-class": "; write e.g. agent-class: FakeDataAgent",
        "instance-id": "; write e.g. instance-id: fake-data1",
    }
    return examples.get(key, "")
