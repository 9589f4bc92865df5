"""The way to the daemons of the site where none runs on this machine: through its router."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ocsd.cli.talk import site_router
from ocsd.client.http import ControlClientError
from ocsd.errors import DaemonRefusedError, NoDaemonError, OcsdError
from ocsd.site import load
from ocsd.status.site import control_uri


class ThroughRouter(NamedTuple):
    """A way to the site's daemons (`ocsd.cli.site.far.Way`)."""

    router: site_router.SiteRouter
    hosts: tuple[str, ...]
    """The hosts of the site file, that of the router first."""

    def ask(self, host: str, body: Mapping[str, Any], limit_s: float) -> dict[str, Any]:
        """Return a host's answer; see `ocsd.cli.site.far.ThroughDaemon.ask`."""
        uri = control_uri(self.router.address_root, host)
        client = self.router.client(uri, timeout_s=limit_s)
        try:
            answer = client.call(uri, **body)
        except ControlClientError as error:
            raise self._explained(host, error) from error
        if not isinstance(answer, dict):
            raise OcsdError(f"host '{host}' answered something that is not an object")
        if "error" in answer:
            told = answer["error"]
            raise DaemonRefusedError(str(told.get("message")), int(told.get("exit_code", 1)))
        return answer

    def asked_for_all(self) -> Iterator[str]:
        """Yield the hosts of the site file."""
        yield from self.hosts

    def _explained(self, host: str, error: ControlClientError) -> OcsdError:
        if error.error in {"wamp.error.no_such_procedure", "wamp.error.canceled"}:
            url = self.router.wamp_http
            return NoDaemonError(
                f"no daemon of host '{host}' is connected to the site's router at {url}"
            )
        return self.router.explained(error, f"the daemon of {host}")


def way_of(site_file: str | None) -> ThroughRouter:
    """Return the way through the router of a site file, by default of the usual one.

    Raises
    ------
    OcsdError
        If there is no such file, or it cannot be used.
    """
    site = load.load(load.find(site_file))
    names = sorted(site.hosts, key=lambda name: site.hosts[name].crossbar is None)
    return ThroughRouter(site_router.find(site_file or site.path, None), tuple(names))
