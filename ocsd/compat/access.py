"""``ocs.access``: the levels, and clients of access control, under the names that OCS gives them.

`ocsd.access` and `ocsd.client` hold the parts.
"""

from ocsd.access.levels import AC_VERSION, CredLevel
from ocsd.access.scope import Pattern
from ocsd.client.exclusive import ExclusiveAccessClient
from ocsd.client.passwords import client_get_password

__all__ = [
    "AC_VERSION",
    "CRED_KEYS",
    "CredLevel",
    "ExclusiveAccessClient",
    "client_get_password",
    "pattern_match",
]

CRED_KEYS = [(f"password_{level}", CredLevel(level)) for level in (1, 2, 3, 4)]
"""The keys of passwords in files, and the level of each."""


def pattern_match(target: str, pattern: str) -> bool:
    """Return whether a name fits a pattern such as ``"Fake*,!FakeDataAgent"``."""
    return Pattern.of(pattern).fits(target)
