"""The state of the host as the page shows it: the verdict, and what is wrong."""

from typing import Any

from ocsd.web.settings import Settings
from ocsd.web.sources.states import HostState


def state_of(settings: Settings, state: HostState, now_at: float) -> dict[str, Any]:
    """Return the state at a time [Unix s], as `GET state` answers."""
    return {
        "schema": "ocsd.page/1",
        "at": now_at,
        "site": {"name": settings.name or settings.host, "colour": settings.colour or None},
        "hosts": [_host(settings, state)],
    }


def _host(settings: Settings, state: HostState) -> dict[str, Any]:
    return {
        "host": settings.host,
        "answers": state.answers,
        "reason": state.reason,
        "asked_at": state.asked_at,
        "level": "bad",
        "verdict": settings.host,
        "wrong": [],
        "status": state.status,
    }
