"""The process of a feed viewer: from its start to its end."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

from twisted.internet.defer import inlineCallbacks
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

from ocsd.bus.endpoint import RouterAddress
from ocsd.bus.wamp import ApplicationError, ComponentConfig, LoggedInSession
from ocsd.client.joining import Joining
from ocsd.client.listen import complain
from ocsd.errors import OcsdError
from ocsd.log import logs
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.ticker import Ticker
from ocsd.web.feedview.buffer import FeedBuffer
from ocsd.web.feedview.feed_state import FeedState
from ocsd.web.feedview.pages import ViewPages
from ocsd.web.feedview.settings import ViewSettings, of_words
from ocsd.web.server.site import PageSite
from ocsd.web.sources.views import View, ViewNotice, folders_of

PERIOD_S: Final = 1.0
FEED_ASK_PERIOD_S: Final = 5.0
REFUSED_RETRY_S: Final = 5.0


class CannotListenHereError(OcsdError):
    """The address of the page is taken or not this machine's; choose another one with --listen."""


class FeedView:
    """Subscribes to a feed over all its connections, and serves what has come."""

    log = Logger()

    def __init__(self, settings: ViewSettings) -> None:
        self.settings = settings
        self.buffer = FeedBuffer(settings.buffer_time_s)
        self.state = FeedState(settings.target, settings.feed, settings.hub)
        self.joining = Joining(
            RouterAddress.for_client(settings.hub, settings.realm),
            lambda: _ViewSession(settings.realm, self),
            lambda: self.lost("the connection was lost"),
            self.refused,
        )
        self.session: _ViewSession | None = None
        self._told, self._seen = "nothing yet", ""
        self._asked_s = 0.0
        self._site = PageSite(ViewPages(settings, self.buffer, self.missing))
        self._notice: ViewNotice | None = None

    def begin(self) -> None:
        """Listen, and join the router for as long as it takes.

        Raises
        ------
        CannotListenHereError
            If it cannot listen at its address.
        """
        address = self.settings.listen
        try:
            port = the_reactor().listenTCP(address.port, self._site, interface=address.host)
        except CannotListenError as error:
            raise CannotListenHereError(
                f"cannot listen at {address}: {error.socketError}; choose another one with --listen"
            ) from error
        shown = address._replace(port=port.getHost().port)
        url = self.settings.url or f"http://{shown}/"
        own = self.settings
        view = View(own.name, own.description, url, f"{own.target}.{own.feed}")
        self._notice = ViewNotice(lambda: folders_of(own.host), view, os.getpid())
        self.log.info(
            "{feed} is shown at {url}", feed=f"{self.settings.target}.{self.settings.feed}", url=url
        )
        self.joining.start(None)
        Ticker(PERIOD_S, self.tick).start()

    def end(self) -> None:
        """End this process."""
        if self._notice is not None:
            self._notice.withdraw()
        sys.stdout.flush()
        os._exit(0)

    def joined(self, session: "_ViewSession") -> None:
        """Take a connection."""
        self.session = session
        self.state = self.state.joined()
        self._asked_s = 0.0

    def lost(self, reason: str) -> None:
        """Try again for ever."""
        self.session = None
        self.state = self.state.lost(reason)
        self.joining.start(None)

    def refused(self, reason: str) -> None:
        """Try again later, because the router refuses."""
        self.session = None
        self.state = self.state.lost(reason)
        the_reactor().callLater(REFUSED_RETRY_S, self.joining.start, None)

    def take(self, pair: Any, *_rest: Any) -> None:
        """Take in a message of the feed, a pair of message and feed_info."""
        match pair:
            case [message, Mapping() as feed_info]:
                self.state = self.state.heard(time.time())
                self.buffer.take(message, feed_info)

    def missing(self) -> str:
        """Return what is missing, for people."""
        return self.state.words(time.time())

    def tick(self) -> None:
        """Ask, forget, log and tell."""
        now_s = time.monotonic()
        due = now_s - self._asked_s >= FEED_ASK_PERIOD_S and self.state.is_silent(time.time())
        if due and self.session is not None:
            self._asked_s = now_s
            self.session.ask()
        self.buffer.trim()
        told = self.missing().partition(" for ")[0]
        # For two seconds at least: it takes one to join the router.
        if told == self._seen and told != self._told:
            self.log.info("{what}", what=told or "messages come")
            self._told = told
        self._seen = told
        if self._notice is not None:
            self._notice.renew(time.time())


class _ViewSession(LoggedInSession):
    """One connection of a feed viewer."""

    def __init__(self, realm: str, view: FeedView) -> None:
        super().__init__(ComponentConfig(realm))
        self._view = view

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        """Subscribe to the feed, which may not exist yet."""
        self._view.joining.session_joined()
        try:
            yield self.subscribe(self._view.take, self._view.settings.topic)
        except ApplicationError as error:
            self._view.joining.session_refused(f"it refuses to subscribe: {error.error}")
            return
        self._view.joined(self)

    @inlineCallbacks
    def ask(self) -> Any:
        """Ask the agent for its feeds."""
        view = self._view
        try:
            feeds = yield self.call(view.settings.agent_address, "get_feeds")
            view.state = view.state.answered([str(name) for name, _ in feeds])
        except ApplicationError as error:
            view.state = view.state.unanswered(str(error.error))
        except Exception as error:  # noqa: BLE001 # an answer of any form, or the connection ends
            view.state = view.state.unanswered(type(error).__name__)

    def onLeave(self, details: Any) -> None:
        """Take a refusal of the router, and close the connection."""
        if details.reason.startswith("wamp.error."):
            self._view.joining.session_refused(f"{details.reason} {details.message or ''}".strip())
        self.disconnect()


def main(words: list[str] | None = None) -> int:
    """Serve the page until SIGINT or SIGTERM."""
    logs.start()
    view = FeedView(of_words(words))
    reactor = the_reactor()
    failed: list[OcsdError] = []

    def begin() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: reactor.callFromThread(view.end))
        # `ocsd view-feed` has blocked them until here.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            view.begin()
        except OcsdError as error:
            failed.append(error)
            reactor.stop()

    reactor.callWhenRunning(begin)
    reactor.run()
    for error in failed:
        complain(str(error))
        return error.exit_code
    return 0
