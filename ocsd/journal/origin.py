"""The sender of a message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

DEFAULT_FRAME_LENGTH_S: Final = 300.0
DEFAULT_FRESH_TIME_S: Final = 180.0


@dataclass(frozen=True, slots=True)
class Origin:
    """The sender of a message, from its feed_info."""

    address: str
    """Address of the feed."""
    session_id: str
    """The life of the agent; with the address it names a provider."""
    sender: str
    """Address of the agent, for people."""
    numbered: bool
    """Whether the agent numbers its messages; the published OCS does not."""
    frame_length_s: float = DEFAULT_FRAME_LENGTH_S
    fresh_time_s: float = DEFAULT_FRESH_TIME_S
    """Time for which data are collected for a frame, and for which a provider is kept without data
    [s].
    """
    wanted: bool = True
    """False if the feed asks not to be recorded here."""
    units: Mapping[str, str] = field(default_factory=dict, hash=False)
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Unit of a field, and its name for people, where they are declared."""
    agent_class: str = ""
    exclude_influx: bool = False
    """Class of the agent, and whether writers to databases leave the feed out."""
