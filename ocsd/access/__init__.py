"""Access control: levels, policies and rules of agents, roles and rules of a closed site.

`ocsd.access` is a public name (``ocs.access`` of OCS): it offers what agents and their authors
use, and loads nothing else. It imports the layers below it only. `levels` and `policy` are cheap,
and all that an agent without access control imports. Begin with `level_rules` for a client's
level at an agent, with `rules` for the router, with `store` for the files.
"""

from ocsd.access.levels import AC_VERSION, CredLevel

__all__ = ["AC_VERSION", "CredLevel"]
