"""Looks after the keys of a closed site: certificates are renewed in time, and trouble is told.

A site without keys costs nothing: nothing of access control is loaded.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from ocsd.daemon.instances.ports import Clock
from ocsd.errors import AccessFilesError, OcsdError
from ocsd.reactor.repeating import repeating
from ocsd.site.model import Hub
from ocsd.site.supervision import Web
from ocsd.system.paths import HostPaths

if TYPE_CHECKING:
    from ocsd.access.upkeep import KeyReport

UPKEEP_PERIOD_S: Final = 3600.0

_NO_KEYS: Final = (
    "this host has no keys for {url}; on the router's host: ocsd access init; on another one: "
    "ocsd access join BUNDLE"
)


class KeyWatch:
    """Has a thread look after the keys now and then, and remembers what it told."""

    log = Logger()

    def __init__(self, hub: Hub, paths: HostPaths, web: Web, clock: Clock) -> None:
        self._hub = hub
        self._paths = paths
        self._web = web
        self._warnings: tuple[str, ...] = ()
        self._asking = repeating(self._ask_in_thread, clock)

    def start(self) -> None:
        """Begin, if this host has keys, or should have."""
        if self._hub.tls_url is None and not self._paths.access.exists():
            return
        self._asking.start(UPKEEP_PERIOD_S)

    def as_json(self, openness: Sequence[str]) -> dict[str, Any]:
        """Return the state for the control API, with warnings of an open router."""
        return {"hub": self._hub.access, "warnings": [*openness, *self._warnings]}

    def _ask_in_thread(self) -> Any:
        return deferToThread(self._look).addCallbacks(self._told, self._failed)

    def _look(self) -> "KeyReport":
        from ocsd.access.store import AccessStore
        from ocsd.access.upkeep import KeyReport, page_names, upkeep

        store, url = AccessStore(self._paths.access), self._hub.tls_url
        if store.exists:
            return upkeep(store, url or self._hub.wamp_server, page_names(self._web))
        if url is None:
            return KeyReport()
        return KeyReport(warnings=(_NO_KEYS.format(url=url),))

    def _told(self, found: "KeyReport") -> None:
        self._warnings = found.warnings
        if found.renewed:
            self.log.info("router has a new certificate: {reason}", reason=found.renewed)

    def _failed(self, failure: Any) -> None:
        failure.trap(OcsdError, OSError)
        self._warnings = (f"the keys cannot be looked after: {failure.value}",)


def refuse_without_keys(hub: Hub, paths: HostPaths, *, is_leaf: bool = False) -> None:
    """Let no router of a closed site start that has no keys: it would be open, or of no use.

    `is_leaf` says whether it is a host's own beside that of the site.

    Raises
    ------
    AccessFilesError
        With the reason.
    """
    if not hub.is_closed:
        return
    from ocsd.access.store import AccessStore
    from ocsd.access.upkeep import router_trouble

    if trouble := router_trouble(AccessStore(paths.access), paths.host, is_leaf=is_leaf):
        raise AccessFilesError(trouble)
