"""The process of a bridge: from its start to its end."""

import gc
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

from twisted.logger import Logger

from ocsd.bridge.bridge import RouterBridge
from ocsd.bus.endpoint import RouterAddress
from ocsd.errors import ConfigurationError
from ocsd.log import logs
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.ticker import Ticker
from ocsd.site.values import told as launches
from ocsd.site.values.told import ToldLaunch
from ocsd.system import paths
from ocsd.system.notify import notify
from ocsd.system.paths import HostPaths
from ocsd.system.runs import BRIDGE_KEY

REPORT_S: Final = 1.0


def main() -> None:
    """Be the bridge until SIGINT or SIGTERM.

    Raises
    ------
    ConfigurationError
        If no daemon has started this process.
    """
    logs.start()
    launch = launches.current()
    if launch is None or launch.site_hub is None:
        raise ConfigurationError("the bridge is the daemon's own child; use `ocsd start`")
    host_paths = paths.of_host(launch.host, launch.log_dir)
    if address := os.environ.get("NOTIFY_SOCKET"):
        host_paths = host_paths._replace(runtime=Path(address).parent)
    BridgeProcess(launch, host_paths).run()


def bridge_of(launch: ToldLaunch, host_paths: HostPaths) -> RouterBridge:
    """Return the bridge of a host."""
    hub = launch.site_hub or launch.hub
    credentials = launch.entrance.credentials
    socket = str(host_paths.bridge_socket)
    if launch.hub.is_closed:
        socket = str(host_paths.router_socket)
    local = RouterAddress(launch.hub.wamp_server, launch.hub.wamp_realm, socket, credentials)
    site = RouterAddress(
        hub.wamp_server, hub.wamp_realm, credentials=credentials, ca_file=launch.ca_file
    )
    root = launch.hub.address_root
    return RouterBridge(
        launch.host,
        local,
        site,
        root,
        names_callers=credentials is not None,
        recorded=lambda: recorded_agents(host_paths),
    )


def recorded_agents(host_paths: HostPaths) -> frozenset[str] | None:
    """Return the agents whose feeds this host's aggregator records; None if the site's does."""
    with suppress(OSError):  # they are replaced as a whole, and missing where nothing is recorded
        if host_paths.recorded_by.read_text(encoding="utf-8").strip():
            return frozenset(host_paths.recorded_agents.read_text(encoding="utf-8").split())
    return None


class BridgeProcess:
    """Runs a bridge, and reports to the daemon how it does."""

    log = Logger()

    def __init__(self, launch: ToldLaunch, host_paths: HostPaths) -> None:
        self._bridge = bridge_of(launch, host_paths)
        self._reports = Ticker(REPORT_S, self._report)

    def run(self) -> None:
        """Run the reactor to its end."""
        reactor: Any = the_reactor()
        self._catch_signals()
        reactor.callWhenRunning(self._begin)
        reactor.run()

    def _begin(self) -> None:
        gc.freeze()
        self._catch_signals()  # again, because the reactor has set handlers of its own
        self._bridge.start()
        self._reports.start()

    def _report(self) -> None:
        condition = self._bridge.condition()
        told: dict[str, str | int] = {"WATCHDOG": 1, BRIDGE_KEY: json.dumps(condition.as_json())}
        status = condition.of_addresses()
        if self._bridge.is_ready:
            told["READY"] = 1
        else:
            status = f"not at this host's router: {self._bridge.local.connector.reason}"
        notify(**told, STATUS=status, X_CALL=condition.of_link(), X_FEEDS=condition.of_feeds())

    def _catch_signals(self) -> None:
        def on_signal(number: int, _frame: object) -> None:
            the_reactor().callFromThread(self._end, signal.Signals(number).name)

        signal.signal(signal.SIGINT, on_signal)
        signal.signal(signal.SIGTERM, on_signal)

    def _end(self, why: str) -> NoReturn:
        """End at once: what is not confirmed is in the spools of the agents, or lost."""
        self.log.info("{signal}: ending", signal=why)
        notify(STOPPING=1, STATUS="ending")
        for stream in (sys.stdout, sys.stderr, sys.__stdout__):
            if stream is not None:
                stream.flush()
        os._exit(0)
