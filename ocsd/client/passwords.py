"""The password that a client sends: its own, or one from the user's file of passwords.

The file is ``~/.ocs-passwords.yaml``, or that of ``$OCS_PASSWORDS_FILE``: a list of rows, each
with a scope (``default``, ``agent_class``, ``instance_id``) and ``password_2`` or ``password_3``.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ocsd.access.scope import SCOPE_KEYS, AccessTarget, Scope
from ocsd.client.http import ControlClient, ControlClientError
from ocsd.errors import PasswordsFileError
from ocsd.text.nearest import nearest_or_all

PASSWORDS_VARIABLE: Final = "OCS_PASSWORDS_FILE"
PASSWORDS_FILE: Final = "~/.ocs-passwords.yaml"
_LEVELS: Final = ("password_2", "password_3")
_KEYS: Final = (*SCOPE_KEYS, "password_1", *_LEVELS, "password_4")


def client_get_password(
    privs: str | int | None, agent_class: str | None, instance_id: str | None
) -> str:
    """Return the password to send to an agent.

    Parameters
    ----------
    privs : str or int, optional
        A password, which is returned; or the level that is wanted, 1 to 3, for which the file
        is searched. None is level 1, which needs no password.
    agent_class, instance_id : str
        The agent.

    Returns
    -------
    str
        Empty if the level needs none or the file has none for it.

    Raises
    ------
    ValueError
        If `privs` is neither.
    PasswordsFileError
        If the file is missing, open to others, or wrong.
    """
    if isinstance(privs, str):
        return privs
    level = privs
    if level is None:
        level = 1
    if isinstance(level, bool) or not isinstance(level, int) or not 1 <= level <= 3:
        raise ValueError(f"privs is {privs!r}; it can be a password or a level from 1 to 3")
    if level == 1:
        return ""
    path = Path(os.environ.get(PASSWORDS_VARIABLE) or PASSWORDS_FILE).expanduser()
    target = AccessTarget(agent_class or "", instance_id or "")
    return best_password(rows_of(path), target, level)


def best_password(rows: Sequence[Mapping[str, Any]], target: AccessTarget, level: int) -> str:
    """Return the password of the most special row for an agent that gives a level or more.

    Of two rows that are equally special the later one counts.
    """
    found = (-2, "")
    for row in rows:
        scope = Scope.of(row)
        passwords = [row[key] for key in _LEVELS[level - 2 :] if key in row]
        if passwords and scope.covers(target) and scope.specificity >= found[0]:
            found = (scope.specificity, passwords[0])
    return found[1]


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of passwords.

    Raises
    ------
    PasswordsFileError
        If it is missing, open to others, or wrong; the message shows no password.
    """
    import yaml

    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = yaml.safe_load(file)
    except OSError as error:
        raise PasswordsFileError(
            f"cannot read the file of passwords {path}: {error.strerror}; write one, or give the "
            f"password itself as privs"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise PasswordsFileError(f"{path} is no YAML; see its line {line}") from None
    if mode & 0o026:
        raise PasswordsFileError(
            f"{path} has mode {stat.S_IMODE(mode):04o}, so others may read its passwords; "
            f"chmod 600 {path}"
        )
    if not isinstance(content, list):
        raise PasswordsFileError(f"{path} is not a list of rows; each has agents and passwords")
    for number, row in enumerate(content, 1):
        if fault := _fault(row):
            raise PasswordsFileError(f"{path}: row {number} {fault}")
    return content


def _fault(row: object) -> str:
    """Return what is wrong with a row; empty if nothing is."""
    if not isinstance(row, dict):
        return "is not a mapping"
    for key in row:
        if key not in _KEYS:
            return f"has the unknown key {key!r}{nearest_or_all(str(key), _KEYS)}"
    for key in _LEVELS:
        if not isinstance(row.get(key, ""), str):
            return f"has a {key} that is not text; write it in quotation marks"
    try:
        Scope.of(row)
    except ValueError as error:
        return f"is wrong: {error}"
    return ""


def credentials_for(
    client: ControlClient, api: Mapping[str, Any], privs: str | int | None, instance_id: str
) -> dict[str, Any]:
    """Return the further arguments of each request to an agent: a password, if there is one.

    Parameters
    ----------
    client : ControlClient
        The client of the agent.
    api : dict
        The agent's description (get_api).
    privs : str or int, optional
        See `client_get_password`.
    instance_id : str
        The agent, or its whole address.

    Raises
    ------
    ValueError, PasswordsFileError
        As for `client_get_password`.
    """
    control = api.get("access_control")
    # Agents without access control do not know the argument.
    if privs in (None, 1, "") or not isinstance(control, Mapping):
        return {}
    name, agent_class = instance_id.rpartition(".")[2], api.get("agent_class")
    password = client_get_password(privs, agent_class, name)
    if not password:
        return {}
    if control.get("director"):
        root = client.agent_addr.rpartition(".")[0]
        who = {"instance_id": name, "agent_class": agent_class}
        password = _token(client, f"{root}.{control['director']}", password, who) or password
    return {"password": password}


def _token(
    client: ControlClient, director: str, password: str, who: Mapping[str, Any]
) -> str | None:
    """Return the token for a password of which the director knows a strong hash only."""
    try:
        answer = client.call(f"{director}.request_token", password=password, **who)
    except ControlClientError:
        return None  # OCS's director has no tokens.
    if not isinstance(answer, Mapping):
        return None
    return answer.get("token")
