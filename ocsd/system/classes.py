"""Names that several programs of ocsd know: of classes, of topics; imports nothing."""

from typing import Final

WEB_CLASS: Final = "Web"
"""The class of the process that serves the page in the browser."""
BRIDGE_CLASS: Final = "Bridge"
"""The class of the process that joins a host's own router to the hub."""
ALARMS_CLASS: Final = "Alarms"
"""The class of the process that evaluates the alarms of a host."""
DUPLICATES_TOPIC: Final = "ocsd.duplicates"
"""Where a bridge tells of names that two hosts use, below the address root."""
CALM_TOPIC: Final = "ocsd.calm"
"""Below the address root: whoever subscribes to it needs no heartbeat that says nothing new within
2 s of the one before."""
OWN_SHARE_TOPIC: Final = "ocsd.own-share"
"""Below the address root: whoever subscribes to it leaves out what hosts record themselves."""
