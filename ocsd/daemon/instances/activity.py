"""The activity of an instance by its last reports: operations, samples, a recording."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from ocsd.system.runs import (
    ADDRESS_KEY,
    ALARMS_KEY,
    BRIDGE_KEY,
    CHANGED_CODE_KEY,
    RECORDING_KEY,
    RUNS_KEY,
    SAMPLE_KEY,
    WRITING_KEY,
    decode_runs,
)

_KEYS: Final = {
    RUNS_KEY,
    SAMPLE_KEY,
    RECORDING_KEY,
    CHANGED_CODE_KEY,
    ADDRESS_KEY,
    ALARMS_KEY,
    WRITING_KEY,
    BRIDGE_KEY,
}


@dataclass(frozen=True, slots=True)
class Activity:
    """The last word of an instance on what it does, as it came."""

    heard_at_s: float | None = None
    """When a report came last [s, monotonic]; None if none did."""
    runs: str | None = None
    """The text of ``X_RUNS``; None if it never reported any, as agents of the published OCS."""
    sample_age: str = ""
    """The text of ``X_SAMPLE_AGE``."""
    recording: str = ""
    """The text of ``X_RECORDING``."""
    writing: str = ""
    """The text of ``X_WRITING``."""
    changed_code: str = ""
    """The text of ``X_CHANGED_CODE``."""
    address: str = ""
    """The text of ``X_ADDRESS``."""
    alarms: str = ""
    """The text of ``X_ALARMS``."""
    bridge: str = ""
    """The text of ``X_BRIDGE``."""

    def after(self, fields: Mapping[str, str], now_s: float) -> "Activity":
        """Return the activity that follows a notification at `now_s` [s, monotonic]."""
        if not fields.keys() & _KEYS:
            return self
        return Activity(
            heard_at_s=now_s,
            runs=fields.get(RUNS_KEY, self.runs),
            sample_age=fields.get(SAMPLE_KEY, self._aged(now_s)),
            recording=fields.get(RECORDING_KEY, self.recording),
            writing=fields.get(WRITING_KEY, self.writing),
            changed_code=fields.get(CHANGED_CODE_KEY, self.changed_code),
            address=fields.get(ADDRESS_KEY, self.address),
            alarms=fields.get(ALARMS_KEY, self.alarms),
            bridge=fields.get(BRIDGE_KEY, self.bridge),
        )

    def as_json(self, now_s: float) -> dict[str, Any]:
        """Return the activity at `now_s` [s, monotonic] for the status; None means not known."""
        told: dict[str, Any] = {"operations": None, "sample_age_s": None}
        if self.runs is not None:
            told["operations"] = [run._asdict() for run in decode_runs(self.runs)]
        if aged := self._aged(now_s):
            told["sample_age_s"] = float(aged)
        if self.changed_code:
            told["changed_code"] = self.changed_code
        if self.address:
            told["address"] = self.address
        if recording := _object(self.recording):
            told["recording"] = self._aged_in(recording, now_s, "age_s")
        if writing := _object(self.writing):
            told["writing"] = self._aged_in(writing, now_s, "lag_s", "newest_s")
        if bridge := _object(self.bridge):
            told["bridge"] = bridge
        return told

    def alarms_told(self) -> dict[str, Any]:
        """Return the summary of alarms as it came last; empty if none came."""
        return _object(self.alarms)

    def _aged(self, now_s: float) -> str:
        """Return the age of the newest sample, which has grown since the report [s]."""
        try:
            age_s = float(self.sample_age) + self._since(now_s)
        except ValueError:
            return ""
        if not isfinite(age_s):
            return ""
        return f"{age_s:.1f}"

    def _aged_in(self, told: dict[str, Any], now_s: float, *names: str) -> dict[str, Any]:
        """Return what was told, with ages [s] that have grown since; others are left out."""
        ages = {name: told.pop(name, None) for name in names}
        for name, age_s in ages.items():
            if isinstance(age_s, (int, float)):
                told[name] = round(age_s + self._since(now_s), 1)
        return told

    def _since(self, now_s: float) -> float:
        if self.heard_at_s is None:
            return 0.0
        return max(0.0, now_s - self.heard_at_s)


def _object(text: str) -> dict[str, Any]:
    """Return the JSON object of a text; empty if it is none."""
    try:
        return dict(json.loads(text or "{}", parse_constant=_refuse))
    except (ValueError, TypeError):
        return {}


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
