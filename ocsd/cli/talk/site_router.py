"""The site's router: where it is, and what an error of a call through it means."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocsd.cli.talk import control
from ocsd.client.http import CONNECTION_ERROR, REQUEST_ERROR, ControlClient, ControlClientError
from ocsd.errors import (
    NoSuchInstanceError,
    OcsdError,
    SeveralDaemonsError,
    SiteFileError,
    UnreachableError,
)

_DAEMON_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class SiteRouter:
    """Where a site's router is.

    Parameters
    ----------
    wamp_server, wamp_http : str
        Its addresses for WebSockets and for calls over HTTP.
    wamp_realm, address_root : str
        The realm, and the first part of all addresses.
    listed : tuple of str
        Instance-ids that are known to belong to the site.
    site_file : str or None
        Where more of them stand.
    """

    wamp_server: str
    wamp_http: str
    wamp_realm: str
    address_root: str
    listed: tuple[str, ...] = field(default=(), compare=False)
    site_file: str | None = field(default=None, compare=False)

    def address(self, name: str) -> str:
        """Return the address of an agent given by its instance-id or its address."""
        return name if "." in name else f"{self.address_root}.{name}"

    def client(self, name: str, **options: Any) -> ControlClient:
        """Return a client of an agent."""
        return ControlClient(self.address(name), self.wamp_http, self.wamp_realm, **options)

    def instance_ids(self) -> set[str]:
        """Return every instance-id of the site that is known here."""
        from ocsd.site import load

        known = set(self.listed)
        if self.site_file:
            try:
                hosts = load.load(self.site_file).hosts.values()
            except OcsdError:
                return known
            known |= {one.instance_id for host in hosts for one in host.instances}
        return known

    @contextmanager
    def explaining(self, name: str) -> Iterator[None]:
        """Turn what goes wrong with calls to an agent into errors for an operator.

        Raises
        ------
        UnreachableError
            If there is no router, or the agent does not answer.
        NoSuchInstanceError
            If the router knows no such agent, and nor does the site.
        OcsdError
            If the router refuses the call.
        """
        try:
            yield
        except ControlClientError as error:
            raise self.explained(error, name) from error

    def explained(self, error: ControlClientError, name: str) -> OcsdError:
        """Return the error that tells an operator what `error` of a call to `name` means."""
        own = name in self.listed
        see = f"see: ocsd status {name}; ocsd logs {name}" if own else "see: ocsd status"
        if error.error == "wamp.error.no_such_procedure":
            return self._not_there(name, see)
        if error.error == "wamp.error.canceled":
            return UnreachableError(f"'{name}' left the router before it had answered; {see}")
        if error.error in {CONNECTION_ERROR, REQUEST_ERROR}:
            return UnreachableError(f"{error.reason}; {see}")
        return OcsdError(f"'{name}' cannot be called: {error.error} {error.reason}".rstrip())

    def _not_there(self, name: str, see: str) -> OcsdError:
        from ocsd.text.nearest import did_you_mean

        known = self.instance_ids()
        if name in known:
            return UnreachableError(f"'{name}' is not connected to the router; {see}")
        near = did_you_mean(name, known) or "; `ocsd status` lists those of this host"
        return NoSuchInstanceError(
            f"no agent '{name}' is connected to the router at {self.wamp_http}{near}"
        )


def find(site_file: str | None, host: str | None, limit_s: float = _DAEMON_LIMIT_S) -> SiteRouter:
    """Return the router of the site that a command is meant for.

    That is the site of the site file given, else of ``$OCS_CONFIG_DIR``, else of
    the daemon that runs here, else of the site file in the usual places.

    Parameters
    ----------
    site_file : str, optional
        The site file.
    host : str, optional
        Which host's entry or daemon; matters where hosts have routers of their own.
    limit_s : float
        How long to wait for a daemon [s].

    Raises
    ------
    SiteFileError
        If the site file is missing or wrong, or no daemon runs and there is none.
    SeveralDaemonsError
        If daemons of several sites run and `host` is not given.
    NoDaemonError, TimedOutError, NotPermittedError
        If the daemon of `host` cannot be asked.
    """
    configured = os.environ.get("OCS_CONFIG_DIR")
    if site_file or (configured and (Path(configured).expanduser() / "default.yaml").is_file()):
        return _of_file(site_file, host)
    daemons = control.find_all(limit_s)
    if host and any(daemon.host == host for daemon in daemons):
        daemons = [control.find(host, limit_s)]
    routers = {_of_status(daemon.status(limit_s)): daemon.host for daemon in daemons}
    if len(routers) == 1:
        return next(iter(routers))
    if routers:
        names = ", ".join(routers.values())
        raise SeveralDaemonsError(f"daemons of several sites run here ({names}); add --host")
    try:
        return _of_file(None, host)
    except SiteFileError as error:
        raise SiteFileError(f"no daemon is running here, and {error}") from error


def _of_status(answer: dict[str, Any]) -> SiteRouter:
    hub = answer.get("hub")
    file = answer.get("site_file")
    if not hub:  # the daemon of an older release
        return _of_file(file, answer.get("host"))
    listed = tuple(str(one.get("instance_id")) for one in answer.get("instances", ()))
    return SiteRouter(**hub, listed=listed, site_file=file)


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
    listed = tuple(one.instance_id for each in site.hosts.values() for one in each.instances)
    return SiteRouter(
        hub.wamp_server, hub.wamp_http, hub.wamp_realm, hub.address_root, listed, str(path)
    )
