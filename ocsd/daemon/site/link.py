"""The daemon's own connection to the site's router.

Apart from `ocsd.daemon.site.face`, because it loads autobahn, and agents must not wait for that.
"""

import os
import socket
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import Logger

from ocsd.bus.caller import caller_of
from ocsd.bus.connection import HOLDER_LIMIT_S, TAKEN, Connection
from ocsd.bus.endpoint import RouterAddress
from ocsd.bus.reconnection import LinkEvent
from ocsd.bus.wamp import ApplicationError, RouterLink, TransportLost
from ocsd.daemon.planning.settings import Settings
from ocsd.errors import UnreachableError
from ocsd.reactor.time_limit import within

_NOBODY = frozenset({"wamp.error.no_such_procedure", "wamp.error.canceled"})


class _Registrant:
    """The part of an agent that a `Connection` needs."""

    log = Logger()

    def __init__(self, uri: str, endpoint: Callable[..., Any]) -> None:
        self.agent_address = uri
        self.link: RouterLink | None = None
        self._endpoint = endpoint

    def procedures(self) -> dict[str, Callable[..., Any]]:
        return {self.agent_address: self._endpoint}

    def attach(self, link: RouterLink) -> None:
        self.link = link

    def detach(self) -> RouterLink | None:
        link, self.link = self.link, None
        return link


class SiteLink(Connection):
    """Keeps the address of a host's daemon registered, and calls the daemons of other hosts.

    Parameters
    ----------
    settings : Settings
        Those of the daemon.
    uri : str
        Its address.
    answer : callable
        Answers a request: takes its caller and its arguments.
    """

    def __init__(
        self, settings: Settings, uri: str, answer: Callable[[Any, dict[str, Any]], Any]
    ) -> None:
        def endpoint(*_words: Any, details: Any = None, **body: Any) -> Any:
            return answer(caller_of(details), body)

        self._host = settings.plan.host.name
        self._registrant = _Registrant(uri, endpoint)
        args = Namespace(instance_id="ocsd")
        super().__init__(self._registrant, args, address=_address(settings))

    def call(self, uri: str, host: str, body: Mapping[str, Any], limit_s: float) -> "Deferred[Any]":
        """Call the daemon of `host`; the Deferred fails with UnreachableError without an answer."""
        link = self._registrant.link
        if link is None:
            raise UnreachableError(
                f"host {self._host!r} is not connected to the site's router: {self.reason}"
            )

        def failed(failure: Any) -> Any:
            failure.trap(ApplicationError, TransportLost)
            raise UnreachableError(self._why(host, failure.value)) from failure.value

        def answered(answer: Any) -> dict[str, Any]:
            if isinstance(answer, dict):
                return answer
            raise UnreachableError(f"host {host!r} has not answered within {limit_s:g} s")

        called = within(link.call(uri, **body), limit_s)
        return called.addErrback(failed).addCallback(answered)

    def _why(self, host: str, error: Exception) -> str:
        uri = getattr(error, "error", "")
        if uri in _NOBODY:
            return f"no daemon of host {host!r} is connected to the site's router at {self.address}"
        return f"host {host!r} cannot be asked through the site's router: {error}"

    @inlineCallbacks
    def _report_refusal(self, link: RouterLink, error: Exception) -> Any:
        """Tell the daemon that holds our address that there is another one."""
        own = self._registrant.agent_address
        if getattr(error, "error", "") != TAKEN:
            self.fire(
                LinkEvent.REFUSED, f"cannot register {self._registrant.agent_address!r}: {error}"
            )
            return
        own = self._registrant.agent_address
        claim = {"request": "claim", "machine": socket.gethostname(), "pid": os.getpid()}
        try:
            holder = yield within(link.call(own, **claim), HOLDER_LIMIT_S)
        except (ApplicationError, TransportLost):
            holder = None
        if not link.is_connected():
            return
        if isinstance(holder, dict) and "pid" in holder:
            self.fire(LinkEvent.REFUSED, rival_text(self._host, holder))
        else:
            text = f"the address of host {self._host!r} is held by a daemon that does not answer"
            self.fire(LinkEvent.HELD, text)


def rival_text(host: str, other: Mapping[str, Any]) -> str:
    """Return the words for another daemon of the same host."""
    return (
        f"another daemon says that it is host {host!r}, too: pid {other.get('pid')} on machine "
        f"{other.get('machine')}; stop one of them, or give it another host with --host"
    )


def _address(settings: Settings) -> RouterAddress:
    hub, entrance, path = settings.hub, settings.entrance, settings.router.socket
    return RouterAddress(
        hub.wamp_server,
        hub.wamp_realm,
        None if path is None else str(path),
        entrance.credentials,
        entrance.ca_file,
    )
