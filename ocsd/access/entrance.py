"""The way of a client into a closed router: its login, its user, or the key of its host.

The first that fits is taken: what the daemon has told this process; the login of ``OCSD_USER`` or
of ``~/.config/ocsd/login.yaml``, unless the router is one of a host's own, which knows no people;
the router's Unix socket on this machine, if this user may use it; the key of this host, for whoever
may read it.
"""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ocsd.access.store import AccessStore
from ocsd.access.tickets import Login, ticket_of
from ocsd.errors import ConfigurationError, OcsdError
from ocsd.system.entrance import Credentials, Entrance, own
from ocsd.system.paths import HTTP_SOCKET, ROUTER_FACTS, ROUTER_SOCKET, runtime_base, state_base

USER_VARIABLE: Final = "OCSD_USER"
PASSWORD_VARIABLE: Final = "OCSD_PASSWORD_FILE"
CA_VARIABLE: Final = "OCSD_CA_FILE"
LOGIN_FILE: Final = "~/.config/ocsd/login.yaml"

_KEYS: Final = ("user", "password", "password_file", "ca_file")
_PRIVATE: Final = 0o077


def of_url(url: str) -> Entrance:
    """Return the way into the router at a URL; that into an open one is empty.

    Raises
    ------
    ConfigurationError
        If the login of this user is incomplete, or others may read its password.
    """
    if urlsplit(url).scheme not in {"wss", "https"}:
        return Entrance()
    told = own()
    if told is not None:
        return told
    given = _login()
    ca_file = given.get("ca_file") or _authority_file()
    folders = list(_folders_of(url))
    if "user" in given and all(has_port for _, has_port in folders):
        credentials = Credentials(given["user"], _password(given))
        return Entrance(credentials, ca_file)
    for folder, _ in folders:
        sockets = str(folder / ROUTER_SOCKET), str(folder / HTTP_SOCKET)
        if all(map(_is_usable, sockets)):
            return Entrance(None, ca_file, *sockets)
    return Entrance(_of_host(), ca_file)


def of_program(store: AccessStore, login: Login) -> Credentials:
    """Return the credentials of a program of this host.

    Raises
    ------
    AccessFilesError, NotPermittedError
        If the host's key is missing, or this user may not read it.
    """
    return Credentials(str(login), ticket_of(store.host_key(), login))


def _login() -> Mapping[str, str]:
    """Return the login of this user: that of the environment, else that of the file."""
    environment = {
        "user": os.environ.get(USER_VARIABLE),
        "password_file": os.environ.get(PASSWORD_VARIABLE),
        "ca_file": os.environ.get(CA_VARIABLE),
    }
    given = {name: value for name, value in environment.items() if value}
    if "user" in given:
        return given
    return {**_of_file(Path(LOGIN_FILE).expanduser()), **given}


def _of_file(file: Path) -> Mapping[str, str]:
    if not file.is_file():
        return {}
    import yaml

    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}; correct or remove it") from error
    if not isinstance(found, dict):
        raise _no_login(file, "")
    for key, value in found.items():
        if key not in _KEYS or not isinstance(value, str):
            raise _no_login(file, f": {key!r} does not fit")
    if "password" in found:
        _check_private(file)
    return dict(found)


def _no_login(file: Path, why: str) -> ConfigurationError:
    keys = ", ".join(_KEYS)
    return ConfigurationError(
        f"{file} is not a login{why}; it has the keys {keys}, each with a text"
    )


def _password(given: Mapping[str, str]) -> str:
    if "password" in given:
        return given["password"]
    if "password_file" not in given:
        raise ConfigurationError(
            f"there is a login for {given['user']!r} but no password; write the path of a file "
            f"with it into {PASSWORD_VARIABLE}, or password_file into {LOGIN_FILE}"
        )
    file = Path(given["password_file"]).expanduser()
    _check_private(file)
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the password file {file} cannot be read: {error}") from error


def _check_private(file: Path) -> None:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        text = f"the password file {file} cannot be read: {error.strerror}"
        raise ConfigurationError(text) from error
    if mode & _PRIVATE:
        raise ConfigurationError(
            f"{file} holds a password and others may read it; run: chmod 600 {file}"
        )


def _authority_file() -> str | None:
    """Return the certificate of the site's authority on this machine, if there is one."""
    mine = Path(LOGIN_FILE).expanduser().parent / "ca.pem"
    found = [mine, *sorted(runtime_base().glob("*/ca.pem"))]
    return next((str(file) for file in found if os.access(file, os.R_OK)), None)


def _folders_of(url: str) -> Iterator[tuple[Path, bool]]:
    """Yield the runtime folders of guarded routers of this machine that serve a URL.

    With each, whether the router has a port for that URL, too.
    """
    for file in sorted(runtime_base().glob(f"*/{ROUTER_FACTS}")):
        with suppress(OSError, ValueError):
            facts: Any = json.loads(file.read_text(encoding="utf-8"))
            if url in (facts.get("url"), facts.get("http")) and facts.get("guarded"):
                yield file.parent, bool(facts.get("port", True))


def _is_usable(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _of_host() -> Credentials | None:
    """Return the credentials of this host's daemon, for whoever may read its key."""
    for folder in sorted(state_base().glob("*/access")):
        store = AccessStore(folder)
        with suppress(OcsdError, OSError):
            return of_program(store, Login("", store.identity().host))
    return None
