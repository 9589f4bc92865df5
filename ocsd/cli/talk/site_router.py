"""The site's router: its addresses, and the meaning of errors of calls through it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocsd.access.entrance import LOGIN_FILE, USER_VARIABLE
from ocsd.cli.talk import control
from ocsd.client.http import CONNECTION_ERROR, REQUEST_ERROR, ControlClient, ControlClientError
from ocsd.errors import (
    ForeignDaemonError,
    NoDaemonError,
    NoSuchInstanceError,
    NotPermittedError,
    OcsdError,
    SeveralDaemonsError,
    SiteFileError,
    UnreachableError,
)
from ocsd.status import replies

if TYPE_CHECKING:
    from ocsd.site.model import Site

_DAEMON_LIMIT_S = 2.0
_NOT_AUTHORIZED = "wamp.error.not_authorized"


@dataclass(frozen=True, slots=True)
class SiteRouter:
    """The addresses of a site's router."""

    wamp_server: str
    wamp_http: str
    """Its addresses for WebSockets and for calls over HTTP."""
    wamp_realm: str
    address_root: str
    """The realm, and the first part of all addresses."""
    listed: tuple[str, ...] = field(default=(), compare=False)
    """Instance-ids that are known to belong to the site."""
    site_file: str | None = field(default=None, compare=False)
    """The file that lists more of them."""

    def address(self, name: str) -> str:
        """Return the address of an agent given by its instance-id or its address."""
        if "." in name:
            return name
        return f"{self.address_root}.{name}"

    def client(self, name: str, **options: Any) -> ControlClient:
        """Return a client of an agent."""
        return ControlClient(self.address(name), self.wamp_http, self.wamp_realm, **options)

    def instance_ids(self) -> set[str]:
        """Return every instance-id of the site that is known here."""
        from ocsd.site import load

        found = set(self.listed)
        if self.site_file:
            with suppress(OcsdError):
                found.update(_listed_in(load.load(self.site_file)))
        return found

    @contextmanager
    def explaining(self, name: str) -> Iterator[None]:
        """Turn the errors of calls to an agent into errors for an operator.

        Raises
        ------
        UnreachableError
            If there is no router, or the agent does not answer.
        NoSuchInstanceError
            If the router knows no such agent, and nor does the site.
        NotPermittedError
            If the router refuses the caller.
        OcsdError
            If it refuses the call.
        """
        try:
            yield
        except ControlClientError as error:
            raise self.explained(error, name) from error

    def explained(self, error: ControlClientError, name: str) -> OcsdError:
        """Return the error for an operator that `error` of a call to the agent `name` means."""
        see = "see: ocsd status"
        if name in self.listed:
            see = f"see: ocsd status {name}; ocsd logs {name}"
        if error.error == "wamp.error.no_such_procedure":
            return self._not_there(name, see)
        if error.error == "wamp.error.canceled":
            return UnreachableError(f"'{name}' left the router before it had answered; {see}")
        if error.error == CONNECTION_ERROR:
            return _no_connection(error.reason)
        if error.error == REQUEST_ERROR:
            who = ""
            if "has not answered" in error.reason:
                who = f": '{name}' or its router hangs"
            return UnreachableError(f"{error.reason}{who}; {see}")
        return _refused(error, name)

    def _not_there(self, name: str, see: str) -> OcsdError:
        from ocsd.text.nearest import did_you_mean

        instance_ids = self.instance_ids()
        if name in instance_ids:
            return UnreachableError(f"'{name}' is not connected to the router; {see}")
        near = did_you_mean(name, instance_ids) or "; `ocsd status` lists those of this host"
        return NoSuchInstanceError(
            f"no agent '{name}' is connected to the router at {self.wamp_http}{near}"
        )


def _no_connection(reason: str) -> UnreachableError:
    if "certificate" in reason:
        return UnreachableError(reason)
    return UnreachableError(f"{reason}: the router is away; see: ocsd why router")


def _refused(error: ControlClientError, name: str) -> OcsdError:
    if error.error != _NOT_AUTHORIZED:
        return OcsdError(f"'{name}' cannot be called: {error.error} {error.reason}".rstrip())
    login = ""
    if "password" in error.reason:
        login = f"; your login is that of {USER_VARIABLE}, else of {LOGIN_FILE}"
    return NotPermittedError(f"the router refuses to call '{name}': {error.reason}{login}")


def find(site_file: str | None, host: str | None, limit_s: float = _DAEMON_LIMIT_S) -> SiteRouter:
    """Return the router of the site that a command is meant for.

    That is the site of the site file given, else of ``$OCS_CONFIG_DIR``, else of
    the daemon that runs here, else of the site file in the usual places.

    The `host` matters where hosts have routers of their own. A daemon has to answer within
    `limit_s`.

    Raises
    ------
    SiteFileError
        If the site file is missing or wrong, or no daemon runs and there is none.
    SeveralDaemonsError
        If daemons with several routers run and `host` is not given.
    NoDaemonError, TimedOutError, NotPermittedError
        If the daemon of `host` cannot be asked.
    """
    if site_file or _is_configured():
        return _of_file(site_file, host)
    routers = {_of_status(each.status(limit_s)): each.host for each in _daemons(host, limit_s)}
    if len(routers) > 1:
        names = ", ".join(routers.values())
        raise SeveralDaemonsError(
            f"the daemons here have different routers ({names}); say which is meant with --host"
        )
    for router in routers:
        return router
    try:
        return _of_file(None, host)
    except SiteFileError as error:
        why = "no daemon is running here"
        try:
            # It raises the NotPermittedError of a daemon that this user may not ask.
            control.find(host, limit_s)
        except NoDaemonError as missing:
            if isinstance(missing, ForeignDaemonError):
                why = str(missing)
        raise SiteFileError(f"{why}, and {error}") from error


def _is_configured() -> bool:
    folder = os.environ.get("OCS_CONFIG_DIR", "")
    return folder != "" and (Path(folder).expanduser() / "default.yaml").is_file()


def _daemons(host: str | None, limit_s: float) -> list[control.DaemonClient]:
    """Return the daemon of `host` if it runs; else all, whose site may have that host."""
    daemons = control.find_all(limit_s)
    return [each for each in daemons if each.host == host] or daemons


def _of_status(answer: dict[str, Any]) -> SiteRouter:
    hub = answer.get("hub")
    file = answer.get("site_file")
    # An older release tells no addresses, and none tells a login that is part of them.
    if not hub or answer.get("hub_needs_login"):
        return _of_file(file, answer.get("host"))
    return SiteRouter(**hub, listed=replies.instance_ids(answer), site_file=file)


def _of_file(site_file: str | None, host: str | None) -> SiteRouter:
    # pydantic and yaml cost more than the rest of a call.
    from ocsd.errors import UnknownHostError
    from ocsd.site import load

    path = load.find(site_file)
    site = load.load(path)
    try:
        hub = load.pick_host(site, host).hub(site.hub)
    except UnknownHostError:
        if host:
            raise
        hub = site.hub
    addresses = (hub.wamp_server, hub.wamp_http, hub.wamp_realm, hub.address_root)
    return SiteRouter(*addresses, listed=_listed_in(site), site_file=str(path))


def _listed_in(site: "Site") -> tuple[str, ...]:
    return tuple(each.instance_id for host in site.hosts.values() for each in host.instances)
