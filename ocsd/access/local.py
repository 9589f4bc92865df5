"""The roles of people who use the Unix sockets of a closed site: the kernel vouches for them.

The socket is open to its owner and its group only. The owner and root are admins; the others
are operators, unless ``access/unix.json`` of the host's state folder names another role for them,
as in ``{"alice": "expert", "bob": "viewer"}``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

UNIX_USERS: Final = "unix.json"
"""The file, in the folder ``access``."""

ADMIN: Final = "admin"
OPERATOR: Final = "operator"
"""Roles of the owner, and of the others."""


def role_of_local(uid: int, name: str, owner_uid: int, roles: Mapping[str, str]) -> str:
    """Return the role of a user of this machine."""
    if uid in {0, owner_uid}:
        return ADMIN
    return roles.get(name, OPERATOR)


def local_roles(folder: Path, known: frozenset[str]) -> dict[str, str]:
    """Return the roles that ``unix.json`` in a folder gives; a role that is not `known` is none.

    Raises
    ------
    ValueError
        If the file is there and cannot be used; says why.
    """
    path = folder / UNIX_USERS
    try:
        roles = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ValueError(f'{path} cannot be used: {error}; write {{"NAME": "ROLE"}}') from error
    if not isinstance(roles, dict):
        raise ValueError(f'{path} is no object of JSON; write {{"NAME": "ROLE"}}')
    for name, role in roles.items():
        if role not in known:
            raise ValueError(
                f"{path} gives {name!r} the role {role!r}; there are {', '.join(sorted(known))}"
            )
    return {str(name): str(role) for name, role in roles.items()}
