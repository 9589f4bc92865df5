"""The facts with which a hook is tried, although nothing has happened."""

from typing import Any, Final

_BEFORE: Final = {
    "down": "stopping",
    "starting": "down",
    "up": "starting",
    "stopping": "up",
    "backoff": "up",
    "failed": "starting",
}
"""A state that may come before each."""


def facts_of_trial(occasion: str, instance_id: str, by: str) -> dict[str, Any]:
    """Return facts as a hook gets them on `occasion`, of the same keys.

    Two more tell that nothing has happened: ``test``, and ``reason`` if it has none.
    """
    reason = f"a test by {by}: nothing has happened"
    told: dict[str, Any] = {"test": True, "reason": reason}
    kind = occasion.removeprefix("on-")
    match kind:
        case "ok":
            return {**told, "health": kind, "after": "on-failed"}
        case "degraded" | "hung":
            return {**told, "health": kind}
        case "incident":
            return {**told, "names": [instance_id]}
    target = "up"
    if kind in {"stopping", "down"}:
        target = "down"
    states = {"before": _BEFORE[kind], "after": kind, "target": target}
    return {**told, **states, "pid": None, "restarts": 0}
