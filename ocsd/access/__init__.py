"""Access control: the levels of clients, the policies of agents, and the rules of a director.

Agent, client, router, director and daemon all ask it, so it stands low: it imports neither
twisted nor any of these. `levels` and `policy` are cheap; an agent without access control
imports nothing else. Begin with `level_rules`, which decides about a client's level.
"""

from ocsd.access.levels import AC_VERSION, CredLevel

__all__ = ["AC_VERSION", "CredLevel"]
