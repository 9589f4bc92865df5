"""Signs of life for others, who tell people when they stay away: of daemon, recorder, evaluator."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocsd.evaluator.deliveries import Tries
from ocsd.site.alarms.keys import AlarmsKeys, HeartbeatKeys


@dataclass(slots=True)
class _Beat:
    """One heartbeat."""

    receiver: Mapping[str, Any]
    every_s: float
    due_at: float = 0.0
    under_way: bool = False
    sent_at: float | None = None
    """When one was taken last [s, Unix time]."""
    failure: str = ""


class Heartbeats:
    """Sends heartbeats, each at its own rate, for as long as all is well."""

    def __init__(self, host: str, keys: AlarmsKeys, tries: Tries) -> None:
        self._host = host
        self._tries = tries
        self._beats = {
            name: _Beat(_receiver(each), each.every) for name, each in keys.heartbeats.items()
        }

    @property
    def trouble(self) -> str:
        """Why a heartbeat was not taken; empty if all were."""
        failed = (
            f"heartbeat {name}: {each.failure}"
            for name, each in self._beats.items()
            if each.failure
        )
        return "; ".join(failed)

    def round(self, unwell: str, at: float) -> None:
        """Send what is due at a time [s, Unix time]; nothing while something is `unwell`."""
        for name, beat in self._beats.items():
            attempt = f"heartbeat.{name}"
            if beat.under_way and not self._tries.runs(attempt):
                beat.under_way = False
                beat.failure = self._tries.end(attempt).reason
                if not beat.failure:
                    beat.sent_at = at
                self._tries.forget(attempt)
            # A clock that was set back must not keep it waiting.
            waits = 0 <= beat.due_at - at <= beat.every_s and at < beat.due_at
            if not (beat.under_way or waits or unwell):
                beat.due_at = at + beat.every_s
                self._begin(attempt, beat, at)

    def as_json(self) -> dict[str, Any]:
        """Return them for ``GET /v1/alarms``, by name."""
        return {
            name: {"every_s": each.every_s, "sent_at": each.sent_at, "failure": each.failure}
            for name, each in self._beats.items()
        }

    def _begin(self, attempt: str, beat: _Beat, at: float) -> None:
        content = {"host": self._host, "kind": "heartbeat", "at": at}
        try:
            self._tries.begin(
                attempt, {"key": attempt, "receiver": beat.receiver, "content": content}
            )
        except OSError as error:
            beat.failure = f"it cannot be started: {error}"
        else:
            beat.under_way = True


def _receiver(keys: HeartbeatKeys) -> dict[str, Any]:
    told = keys.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"every"})
    if keys.command is not None:
        return {"command": told["command"]}
    return {"ping": told}
