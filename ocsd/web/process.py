"""The process that serves the page: from its start to its end."""

import gc
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from twisted.logger import Logger

from ocsd.access.store import AccessStore
from ocsd.agent.wellbeing.own_code import OWN_CODE
from ocsd.log import logs
from ocsd.reactor.lookout import LOOKOUT
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.ticker import Ticker
from ocsd.site.values import told as launches
from ocsd.system.notify import notify, receiver_finder
from ocsd.system.runs import ADDRESS_KEY, CHANGED_CODE_KEY
from ocsd.web import settings
from ocsd.web.api.handlers import Handlers
from ocsd.web.api.openapi import document
from ocsd.web.api.table import routes
from ocsd.web.login.assembly import doors_of, enter_as_host
from ocsd.web.login.doors import ClosedDoors
from ocsd.web.server.files import PageFiles
from ocsd.web.server.ports import Listening, NoPlaceError, listen, listen_at_socket
from ocsd.web.server.site import Pages, PageSite
from ocsd.web.server.tls import CertificateFiles
from ocsd.web.settings import PageSettings

REPORT_PERIOD_S: Final = 1.0
TOLD_EVERY_S: Final = 3.0
"""Time after which a report is repeated although nothing has changed [s]."""
PLACE_RETRY_S: Final = 2.0
"""Delay before it is tried again to listen somewhere [s]."""
MOST_DESCRIPTORS: Final = 8192
"""Each viewer has a few connections."""


def main() -> None:
    """Serve the page until SIGINT or SIGTERM."""
    logs.start()
    _raise_limit()
    own = settings.of_this_process()
    if (launch := launches.current()) is not None:
        enter_as_host(own, launch)
    WebProcess(own, the_reactor()).run()


class WebProcess:
    """Serves the page, and reports that it does."""

    log = Logger()

    def __init__(self, own: PageSettings, reactor: Any) -> None:
        self._settings = own
        self._reactor = reactor
        self._place: Listening | None = None
        self._trouble = "it does not listen yet"
        self._ticker = Ticker(REPORT_PERIOD_S, self.report)
        self._find_receiver = receiver_finder()
        self._told: object = None
        self._told_at_s = 0.0
        self._doors = doors_of(own, reactor)
        self._handlers = Handlers(own, reactor, lambda: self.address, self._doors)
        table = routes(self._handlers)
        self._handlers.document = document(table)
        self._pages = Pages(table, PageFiles(), self._doors, own.host_names, own.path_prefix)
        self._site = PageSite(self._pages)

    @property
    def address(self) -> str:
        """The URL of the page; empty while there is none."""
        if self._place is None:
            return ""
        return self._place.url

    def run(self) -> None:
        """Run the reactor to its end."""
        # Now, because the reactor swallows a KeyboardInterrupt while it starts.
        self._catch_signals()
        self._reactor.callWhenRunning(self._begin)
        self._reactor.run()

    def report(self) -> None:
        """Report to the daemon how this process does, and who has logged in."""
        LOOKOUT.vouch(2 * REPORT_PERIOD_S)
        fields = self._fields()
        told = self._find_receiver(), fields
        now_s = self._reactor.seconds()
        if told != self._told or now_s - self._told_at_s > TOLD_EVERY_S - REPORT_PERIOD_S / 2:
            self._told, self._told_at_s = told, now_s
            notify(**fields)
        if isinstance(self._doors, ClosedDoors):
            self._doors.notes.send()
            self._pages.end_streams()

    def _fields(self) -> Mapping[str, str | int]:
        fields: dict[str, str | int] = {"WATCHDOG": 1, CHANGED_CODE_KEY: OWN_CODE.changed}
        if self._place is None:
            return {**fields, "STATUS": self._trouble}
        trouble = self._handlers.trouble()
        if isinstance(self._doors, ClosedDoors):
            trouble = "; ".join(filter(None, (trouble, self._doors.sessions.trouble)))
        return {**fields, "READY": 1, "STATUS": trouble, ADDRESS_KEY: self.address}

    def _begin(self) -> None:
        gc.freeze()  # Code is no garbage, and searching it takes longer than an answer.
        self._catch_signals()  # again, because the reactor has set handlers of its own
        self._listen()
        self._ticker.start()
        self._handlers.start()

    def _listen(self) -> None:
        own = self._settings
        try:
            if own.socket is not None:
                place = listen_at_socket(self._reactor, self._site, own.socket)
            else:
                place = listen(
                    self._reactor,
                    self._site,
                    own.listen,
                    own.path_prefix,
                    own.ports_of_router,
                    self._certificate(),
                )
        except NoPlaceError as error:
            if str(error) != self._trouble:
                self.log.error("{error}", error=error)
            self._trouble = str(error)
            self._reactor.callLater(PLACE_RETRY_S, self._listen)
            return
        self._place = place
        self.log.info("the page: {url} {notice}", url=place.url, notice=place.notice)
        self.report()

    def _certificate(self) -> CertificateFiles | None:
        """Return the files for TLS; None if the page is served without."""
        own = self._settings
        if not own.uses_tls:
            return None
        if own.certificate is not None and own.key is not None:
            return CertificateFiles(own.certificate, own.key)
        folder = own.paths.access
        own_files = CertificateFiles(folder / "web.pem", folder / "web.key")
        if own_files.certificate.exists():
            return own_files
        return CertificateFiles(*AccessStore(folder).router_files)

    def _catch_signals(self) -> None:
        def on_signal(number: int, _frame: object) -> None:
            self._reactor.callFromThread(self._end, signal.Signals(number).name)

        signal.signal(signal.SIGINT, on_signal)
        signal.signal(signal.SIGTERM, on_signal)

    def _end(self, why: str) -> NoReturn:
        """End at once: nothing here has to be kept, and no viewer or thread is waited for.

        Only the files of exports would stay behind.
        """
        self.log.info("{signal}: ending", signal=why)
        notify(STOPPING=1, STATUS="ending")
        self._handlers.end()
        if self._settings.socket is not None and self._place is not None:
            Path(self._settings.socket).unlink(missing_ok=True)
        for stream in (sys.stdout, sys.stderr, sys.__stdout__):
            if stream is not None:
                stream.flush()
        os._exit(0)


def _raise_limit() -> None:
    """Let this process open as many files as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
