"""The roles of people who use the Unix sockets of a closed site: the kernel vouches for them.

The socket is open to its owner and its group only. The owner and root are admins; the others
are operators, unless ``access/unix.json`` of the host's state folder names another role for them,
as in ``{"alice": "expert", "bob": "viewer"}``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ocsd.access.roles import PERSONS, Role
from ocsd.errors import AccessFilesError

UNIX_USERS: Final = "unix.json"
"""The file, in the folder ``access``."""
_EXAMPLE: Final = '{"NAME": "ROLE"}'


def role_of_local(uid: int, name: str, owner_uid: int, roles: Mapping[str, str]) -> str:
    """Return the role of a user of this machine."""
    if uid in {0, owner_uid}:
        return Role.ADMIN
    return roles.get(name, Role.OPERATOR)


def local_roles(folder: Path) -> dict[str, str]:
    """Return the roles that ``unix.json`` in a folder gives, by the names of users.

    Raises
    ------
    AccessFilesError, NotPermittedError
        If the file is there and cannot be used.
    """
    from ocsd.access import private_files  # an open site has no such file

    path = folder / UNIX_USERS
    if not path.exists():
        return {}
    try:
        roles = json.loads(private_files.read(path))
    except (ValueError, RecursionError) as error:
        raise AccessFilesError(f"{path} is not JSON: {error}; write {_EXAMPLE}") from error
    if not isinstance(roles, dict):
        raise AccessFilesError(f"{path} is no object of JSON; write {_EXAMPLE}")
    for name, role in roles.items():
        if role not in PERSONS:
            raise AccessFilesError(
                f"{path} gives {name!r} the role {role!r}; there are {', '.join(PERSONS)}"
            )
    return {str(name): str(role) for name, role in roles.items()}
