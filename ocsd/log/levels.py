"""The levels of logs, as commands name them."""

from typing import Final

LEVELS: Final = ("trace", "debug", "info", "warn", "error", "critical")
"""The levels of log lines, in ascending order."""

USUAL: Final = "usual"
"""The word for the level with which an agent was started."""
