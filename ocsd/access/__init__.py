"""Access control: levels, roles, the rules of a closed router, and the secrets of a site.

`ocsd.access` is a public name (``ocs.access`` of OCS): it offers what agents and their authors
use, and loads nothing else. It imports the layers below it only.
Begin with `levels` for agents, with `rules` for the router, with `store` for the files.
"""

from ocsd.access.levels import AC_VERSION, CredLevel, policy_of

__all__ = ["AC_VERSION", "CredLevel", "policy_of"]
