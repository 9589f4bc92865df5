"""Run a host's daemon: ``python -m ocsd.daemon``, which ``ocsd start`` does.

The fork server is forked off once the libraries that both need are loaded, and before
there is a reactor: each then loads what only it needs, at the same time.
"""

import argparse
import contextlib
import faulthandler
import gc
import importlib
import json
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocsd import __version__
from ocsd.daemon.lock import DaemonLock, handed_over
from ocsd.errors import ConfigurationError, OcsdError
from ocsd.forkserver import record
from ocsd.forkserver import start as forkserver
from ocsd.forkserver.protocol import SpawnRequest
from ocsd.forkserver.remains import kill_remains
from ocsd.router import program
from ocsd.site.values import guess
from ocsd.system import paths
from ocsd.system.whereabouts import Whereabouts
from ocsd.text.logins import without_logins

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

LOADED_LATE = (
    # All modules that a daemon loads in the course of its life.
    "ocsd.log.lines",
    "ocsd.daemon.assembly",
    "ocsd.daemon.api.control",
    "ocsd.daemon.ocs.host_manager_session",
    "ocsd.daemon.builtin.registry_session",
    "ocsd.forkserver.child",
    "ocsd.forkserver.server",
    "twisted.internet.reactor",
)

if TYPE_CHECKING:
    from ocsd.daemon.instances.plan import HostPlan
    from ocsd.daemon.planning.settings import Settings
    from ocsd.site.model import Site


class Interruption:
    """Ends the start at a signal, even if what is being loaded swallows the exception.

    A library that tries an import and goes on after a bare ``except`` would
    otherwise make the user's Ctrl-C disappear.
    """

    def __init__(self) -> None:
        self._asked = False

    def __call__(self, *_: object) -> None:
        """Be the signal's handler."""
        self._asked = True
        self.check()

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal has come."""
        if self._asked:
            raise KeyboardInterrupt


def _unraisable(what: Any) -> None:
    """Say nothing of an interruption where it cannot be raised: it ends the start all the same."""
    if not issubclass(what.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(what)


def main() -> int:
    """Run the daemon; return the exit code of the process."""
    # Should systemd's watchdog end it (SIGABRT), the system's journal shows where it was stuck.
    faulthandler.enable()
    # Until the reactor runs: nearly all that is loaded stays, and to search it takes time.
    gc.disable()
    sys.unraisablehook = _unraisable
    # Both signals simply end the start until there is something to stop in order.
    interruption = Interruption()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interruption)
    server: forkserver.PreparedServer | None = None
    descriptor = handed_over()
    try:
        # `ocsd start`, and the daemon of an upgrade, held them back until here.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        arguments = _parser().parse_args()
        if arguments.check:
            return _check(arguments)
        # A daemon that succeeds another one finds router and agents running.
        expected = (None, 0) if descriptor is not None else _to_expect(arguments)
        server = forkserver.PreparedServer(partial(forkserver.forked, *expected))
        settings, lock = _prepare(arguments, descriptor)
        return _run(settings, server, arguments, lock, interruption)
    except OcsdError as error:
        _print_error(without_logins(str(error)))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        if server is not None:
            server.discard()


def _print_error(text: str) -> None:
    line = f"ocsd: {text}"
    if _parser().parse_args().log_format == "json":
        from ocsd.log.outward import said

        line = json.dumps(said(None, "critical", text, time.time()), ensure_ascii=False)
    print(line, file=sys.stderr)  # noqa: T201 - the foreground's terminal


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ocsd.daemon", description=__doc__)
    parser.add_argument("--host", help="host entry of the site file")
    parser.add_argument("--site-file", help="the site file")
    parser.add_argument("--colour", choices=("auto", "always", "never"), default="auto")
    parser.add_argument(
        "--detached", action="store_true", help="let go of stdout and stderr once all is settled"
    )
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    parser.add_argument(
        "--check",
        action="store_true",
        help="only check whether this could start: load everything, read the site file",
    )
    return parser


def _to_expect(arguments: argparse.Namespace) -> tuple[SpawnRequest | None, int]:
    """Return a request like that for the router, and how many agents will probably be started.

    The request is None unless the host probably runs an open router. pydantic and yaml, which are
    needed to read the site, are not loaded yet.
    """
    hosts = {arguments.host} if arguments.host else guess.names_of_this_machine()
    text = guess.text_of(arguments.site_file)
    agents = guess.agents_of(text, hosts)
    if not guess.runs_open_router(text, hosts):
        return None, agents
    request = SpawnRequest("router", os.devnull, "/", program.environment(), program.COMMAND)
    return request, agents


def _read(arguments: argparse.Namespace) -> tuple["Site", "HostPlan", paths.HostPaths]:
    """Read the site."""
    # Imported here, because the fork server gets going while the site is read.
    from ocsd.daemon.instances.plan import plan
    from ocsd.site import load

    site = load.load(load.find(arguments.site_file))
    host = load.own_host(site, arguments.host)
    places = paths.of_host(host.name, host.log_dir)
    return site, plan(site, host, str(places.state / "data")), places


def _check(arguments: argparse.Namespace) -> int:
    """See whether a daemon of this version could start; print its version."""
    for name in LOADED_LATE:
        importlib.import_module(name)
    gc.freeze()  # the end of the interpreter would search all of it
    _, plan, _ = _read(arguments)
    print(json.dumps({"version": __version__, "host": plan.host.name}))  # noqa: T201 - the answer
    return 0


def _prepare(
    arguments: argparse.Namespace, descriptor: int | None
) -> tuple["Settings", DaemonLock]:
    """Read the site, take the lock and find the processes that run already."""
    from ocsd.daemon import takeover
    from ocsd.daemon.builtin.router import plan_router
    from ocsd.daemon.instances.plan import ROUTER_NAME
    from ocsd.daemon.planning.settings import Settings
    from ocsd.system import entrance

    site, host_plan, places = _read(arguments)
    host = host_plan.host
    places.create()
    try:
        lock = DaemonLock(places.daemon_lock, host.name, descriptor)
        hub = host.hub(site.hub)
        places = takeover.in_use(places)
        takeover.refuse_second_copy(places, hub)
        places.create()
        # Daemons of earlier versions know this one only.
        DaemonLock(places.pid_file, host.name)
        served = forkserver.running(places.forkserver_socket)
        fork_server_runs = served is not None
        left = record.read(record.beside(places.forkserver_socket))
        if served is None:
            # A worker of a router that has ended must not hold the port.
            for each in left.gone:
                kill_remains(each)
            served = frozenset(each.instance_id for each in left.living)
        own_keys, trouble = None, ""
        if hub.tls_url is not None:
            from ocsd.daemon.builtin import keys

            own_keys, trouble = keys.usable_keys(hub, places)
        router = plan_router(site, host_plan, places, ROUTER_NAME in served, trouble)
        log = places.daemon_log.open("a", encoding="utf-8")
        places.forkserver_log.open("a").close()
        working_dir = Path.cwd()
        # On a full disk, the kernel's list of sockets still names the runtime folder.
        with contextlib.suppress(OSError):
            addresses = {key: without_logins(text) for key, text in hub.addresses.items()}
            Whereabouts(places, takeover.named(hub), addresses).write()
    except OSError as error:
        raise ConfigurationError(
            f"cannot use {error.filename or 'the working directory'}: {error.strerror}; "
            "put that right and start again"
        ) from error
    settings = Settings(
        site, host_plan, router, places, working_dir, log, fork_server_runs, own_keys
    )
    if own_keys is not None:
        entrance.set_own(settings.entrance)
    return settings, lock


def _run(
    settings: "Settings",
    server: forkserver.PreparedServer,
    arguments: argparse.Namespace,
    lock: DaemonLock,
    interruption: Interruption,
) -> int:
    from ocsd.daemon.builtin.router import request_to_expect

    if settings.fork_server_runs:
        server.discard()
    else:
        places, agents = settings.paths, len(settings.plan.instances)
        # Now, because it gets the router ready while the rest of the daemon is loaded.
        program = request_to_expect(settings.router, places)
        server.listen(places.forkserver_socket, places.forkserver_log, agents, program)
    from twisted.logger import globalLogBeginner

    from ocsd.daemon.assembly import assemble
    from ocsd.daemon.progress import StartReport
    from ocsd.daemon.settling import attempt
    from ocsd.log.lines import LineObserver
    from ocsd.reactor.threads import the_reactor

    reactor = the_reactor()
    observer: Any = LineObserver(settings.log)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    progress, sender = StartReport(sys.stdout, arguments.colour), None
    if arguments.log_format == "json":
        from ocsd.daemon.progress import LoggedReport
        from ocsd.daemon.surroundings.log_sender import LogSender

        progress, sender = LoggedReport(), LogSender(settings.paths, reactor)
    progress.say(f"ocsd (pid {os.getpid()}), host {settings.plan.host.name}, {settings.site.path}")
    if settings.paths.runtime != (named := paths.of_host(settings.paths.host).runtime):
        used = f"{settings.paths.runtime} in place of {named}"
        progress.say(f"  what runs already uses the runtime folder {used}")
    daemon = assemble(settings, server, progress, arguments.detached, reactor, lock)
    if sender is not None:
        daemon.finish_output = sender.finish
    reactor.callWhenRunning(attempt, daemon.start, daemon.give_up)
    for number in (signal.SIGINT, signal.SIGTERM):
        by = f"the signal {number.name} to the daemon"
        signal.signal(number, partial(_stop, reactor, daemon, by))
    interruption.check()
    # All processes are left to the next daemon, as after a kill, for `ocsd stop --unit`.
    signal.signal(signal.SIGQUIT, lambda *_: os._exit(0))
    # A terminal that is closed must not stop the telescope.
    signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(progress.hush))
    if not settings.fork_server_runs:
        server.keep()
    gc.freeze()
    gc.enable()
    reactor.run(installSignalHandlers=False)
    daemon.finish_output()
    if daemon.failure is not None:
        raise daemon.failure
    return 0


def _stop(reactor: Any, daemon: Any, by: str, *_: object) -> None:
    reactor.callFromThread(daemon.stop, by=by)


if __name__ == "__main__":
    sys.exit(main())
