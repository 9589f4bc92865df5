"""Access control: the levels of clients, and the policy of an agent towards them.

`ocsd.access` is a public name (``ocs.access`` of OCS): it offers what agents and their
authors use. It may import `ocsd.errors` and `ocsd.base`, nothing else of ocsd.
Begin with `levels`.
"""

from ocsd.access.levels import AC_VERSION, CredLevel, policy_of

__all__ = ["AC_VERSION", "CredLevel", "policy_of"]
