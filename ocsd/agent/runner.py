"""Running an agent as a process of its own."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from twisted.internet.defer import Deferred, inlineCallbacks

from ocsd.agent.agent import OCSAgent
from ocsd.agent.operations import thread_deaths
from ocsd.agent.wellbeing.reactor_watch import ReactorWatch
from ocsd.agent.wellbeing.readiness import Readiness
from ocsd.bus.connection import Connection
from ocsd.bus.wamp import ComponentConfig
from ocsd.log import logs
from ocsd.reactor.threads import the_reactor
from ocsd.site import launch

# How long operations have to end when the agent has to.
OPERATIONS_LIMIT_S = 10.0
# How long worker threads have to end when nothing runs any more.
THREADS_LIMIT_S = 2.0
# Every blocking operation and every blocking stopper needs a thread.
WORKER_THREADS = 64


def init_site_agent(args: Any, address: str | None = None) -> tuple[OCSAgent, "Runner"]:
    """Make an agent and what runs it.

    Parameters
    ----------
    args : argparse.Namespace
        The parsed arguments (`ocsd.site_config.parse_args`).
    address : str, optional
        The agent's WAMP address, if not ``{address_root}.{instance_id}``.

    Returns
    -------
    agent : OCSAgent
        Register operations and feeds with it.
    runner : Runner
        Call its `run` last.
    """
    logs.start()
    address = address or f"{args.address_root}.{args.instance_id}"
    if launch.current() is None and getattr(args, "log_dir", None):
        # What the daemon starts logs to the daemon's own file.
        logs.also_to(Path(getattr(args, "working_dir", None) or "", args.log_dir), f"{address}.log")
    agent = OCSAgent(
        ComponentConfig(args.site_realm, {}),
        args,
        address=address,
        class_name=getattr(args, "agent_class", None),
    )
    return agent, Runner(args)


class Runner:
    """Runs an agent until it is told to end.

    Parameters
    ----------
    args : argparse.Namespace
        The agent's parsed arguments.
    """

    def __init__(self, args: Any) -> None:
        self._args = args
        self._exit_code = 0
        self._ending: Deferred[Any] | None = None

    def run(self, agent: OCSAgent, auto_reconnect: bool = True, **_unused: Any) -> None:
        """Join the site and stay until SIGINT or SIGTERM.

        Parameters
        ----------
        agent : OCSAgent
            The agent.
        auto_reconnect : bool
            False ends the agent when it loses the router.

        Raises
        ------
        SystemExit
            With code 1, if there was no router for as long as
            ``--crossbar-timeout`` allows.
        """
        reactor = the_reactor()
        reactor.suggestThreadPoolSize(WORKER_THREADS)
        readiness = Readiness(agent)
        watch = ReactorWatch(agent)
        limit_s = float(getattr(self._args, "crossbar_timeout", None) or 0)
        connection = Connection(
            agent,
            self._args,
            on_change=readiness.report,
            give_up_s=limit_s if auto_reconnect else 1e-3,
            on_give_up=lambda: self._end(agent, connection, readiness, exit_code=1),
        )

        def on_signal(number: int, _frame: object) -> None:
            name = signal.Signals(number).name
            reactor.callFromThread(self._signalled, name, agent, connection, readiness)

        def listen() -> None:
            signal.signal(signal.SIGINT, on_signal)
            signal.signal(signal.SIGTERM, on_signal)

        def begin() -> None:
            listen()  # again, because the reactor has set handlers of its own
            watch.start()
            readiness.start(connection)
            connection.start()

        # Now, because the reactor swallows a KeyboardInterrupt while it starts.
        listen()
        thread_deaths.watch(agent)
        reactor.callWhenRunning(begin)
        reactor.run()
        watch.stop()
        if self._exit_code:
            sys.exit(self._exit_code)

    def _signalled(
        self, name: str, agent: OCSAgent, connection: Connection, readiness: Readiness
    ) -> None:
        if self._ending is None:
            agent.log.info("{signal}: ending", signal=name)
            self._end(agent, connection, readiness)
        else:
            agent.log.warn("{signal} again: no longer waiting for operations", signal=name)
            self._ending.cancel()

    @inlineCallbacks
    def _end(
        self, agent: OCSAgent, connection: Connection, readiness: Readiness, exit_code: int = 0
    ) -> Any:
        if self._ending is not None:
            return
        self._exit_code = exit_code
        readiness.stop()
        self._ending = agent.end_operations(OPERATIONS_LIMIT_S)
        try:
            yield self._ending
            yield connection.stop()
        except Exception:  # noqa: BLE001 - whatever went wrong, the process has to end
            agent.log.failure("while ending")
        unfinished = [session.op_name for session in agent.operations.active()]
        if unfinished:
            agent.log.warn("ending although {ops} did not end", ops=unfinished)
            _exit_now(exit_code)
        # The reactor waits for its worker threads, and a stopper may hang in one.
        limit = threading.Timer(THREADS_LIMIT_S, _leave_threads, [agent, exit_code])
        limit.daemon = True
        limit.start()
        the_reactor().stop()


def _leave_threads(agent: OCSAgent, code: int) -> NoReturn:
    left = [each.name for each in threading.enumerate() if not each.daemon]
    names = [name for name in left if name != threading.main_thread().name]
    agent.log.warn("ending although threads {names} did not end", names=names)
    _exit_now(code)


def _exit_now(code: int) -> NoReturn:
    """End without waiting for threads, some of which do not end."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__):
        if stream is not None:
            stream.flush()
    os._exit(code)
