"""The names of classes that site file, daemon and command line know; imports nothing."""

from typing import Final

WEB_CLASS: Final = "Web"
"""The class of the process that serves the page in the browser."""
BRIDGE_CLASS: Final = "Bridge"
"""The class of the process that joins a host's own router to the hub."""
ALARMS_CLASS: Final = "Alarms"
"""The class of the process that evaluates the alarms of a host."""
