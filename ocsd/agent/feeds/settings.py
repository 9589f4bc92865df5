"""The settings of a feed, `agg_params`, as its author gives them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ocsd.agent.spool.limits import is_number
from ocsd.bus.encoding import json_safe
from ocsd.text.nearest import did_you_mean

KNOWN: Final = (
    "frame_length",
    "fresh_time",
    "exclude_aggregator",
    "exclude_influx",
    "spool_time",
    "spool_size",
)
"""The keys that ocsd or a publisher of OCS reads."""

DEFAULT_S: Final = {"frame_length": 300, "fresh_time": 180}
"""The times among them, and the values that the aggregator uses without them [s]."""

LONGEST_SETTINGS_BYTES: Final = 2**12
"""Size of all settings at most: they go with every message [bytes]."""


def checked_settings(
    agg_params: Mapping[str, Any], complain: Callable[[str], None]
) -> dict[str, Any]:
    """Return the settings as they are sent with every message.

    Parameters
    ----------
    agg_params : dict
        The author's settings. A key that ocsd does not know is kept, because other
        programs may read it.
    complain : callable
        Called with a text for each key and each value that has no effect.
    """
    settings: dict[str, Any] = (
        json_safe(dict(agg_params), complain, LONGEST_SETTINGS_BYTES, "agg_params") or {}
    )
    for key in settings:
        if key not in KNOWN:
            complain(f"{key!r} is none of {', '.join(KNOWN)}{did_you_mean(key, KNOWN)}")
    for key, default_s in DEFAULT_S.items():
        value = settings.get(key)
        if value is not None and not (is_number(value) and value > 0):
            complain(f"{key} {value!r} is not a time in seconds; {default_s} is used")
    return settings
