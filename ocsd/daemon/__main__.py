"""Run a host's daemon: ``python -m ocsd.daemon``, which ``ocsd start`` does.

The fork server is started before Twisted is imported, so that both load their
libraries at the same time.
"""

import argparse
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocsd import paths
from ocsd.daemon.lock import DaemonLock
from ocsd.errors import OcsdError
from ocsd.forkserver import start as forkserver

if TYPE_CHECKING:
    from ocsd.daemon.settings import Settings


def main() -> int:
    """Run the daemon; return the exit code of the process."""
    arguments = _parser().parse_args()
    server = forkserver.PreparedServer()
    try:
        settings, _lock = _prepare(arguments, server)
    except OcsdError as error:
        server.discard()
        print(f"ocsd: {error}", file=sys.stderr)  # noqa: T201 - the foreground's terminal
        return error.exit_code
    return _run(settings, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ocsd.daemon", description=__doc__)
    parser.add_argument("--host", help="host entry of the site file")
    parser.add_argument("--site-file", help="the site file")
    parser.add_argument("--colour", choices=("auto", "always", "never"), default="auto")
    parser.add_argument(
        "--detached", action="store_true", help="let go of stdout and stderr once all is settled"
    )
    return parser


def _prepare(
    arguments: argparse.Namespace, server: forkserver.PreparedServer
) -> tuple["Settings", DaemonLock]:
    """Read the site, take the lock and have a fork server."""
    # Here, for reading the site takes as long as the fork server needs to get going.
    from ocsd.daemon.plan import ROUTER_NAME, plan
    from ocsd.daemon.router import plan_router
    from ocsd.daemon.settings import Settings
    from ocsd.site import load

    site = load.load(load.find(arguments.site_file))
    host = load.pick_host(site, arguments.host)
    places = paths.of_host(host.name, host.log_dir)
    places.create()
    lock = DaemonLock(places.pid_file, host.name)
    runs = forkserver.running(places.forkserver_socket)
    host_plan = plan(site, host, str(places.state / "data"))
    router = plan_router(host_plan, host.hub(site.hub), places, ROUTER_NAME in (runs or ()))
    if runs is None:
        server.listen(places.forkserver_socket, places.forkserver_log)
    else:
        server.discard()
    return Settings(site, host_plan, router, places, Path.cwd()), lock


def _run(settings: "Settings", arguments: argparse.Namespace) -> int:
    from twisted.logger import globalLogBeginner

    from ocsd.agent.log_lines import LineObserver
    from ocsd.daemon.assembly import Daemon
    from ocsd.daemon.progress import Progress

    # Any: the interfaces of Twisted's reactor are zope's, which mypy cannot read.
    reactor: Any = importlib.import_module("twisted.internet.reactor")
    log = settings.paths.daemon_log.open("a", encoding="utf-8")
    observer: Any = LineObserver(log)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    progress = Progress(sys.stdout, arguments.colour)
    progress.say(f"ocsd (pid {os.getpid()}), host {settings.plan.host.name}, {settings.site.path}")
    daemon = Daemon(settings, progress, arguments.detached, reactor)
    reactor.callWhenRunning(daemon.start)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: reactor.callFromThread(daemon.stop))
    reactor.run(installSignalHandlers=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
