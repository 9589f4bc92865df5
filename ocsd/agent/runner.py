"""Start, run and end of an agent in a process of its own."""

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
from ocsd.log import logs, printed
from ocsd.reactor.threads import the_reactor
from ocsd.site.values import told as launches

# Time that operations get to end when the agent has to [s].
OPERATIONS_LIMIT_S = 10.0
# Time that worker threads get to end when no operation runs any more [s].
THREADS_LIMIT_S = 2.0
# Number of worker threads: each blocking operation and each blocking stopper needs one.
WORKER_THREADS = 64


def init_site_agent(args: Any, address: str | None = None) -> tuple[OCSAgent, "Runner"]:
    """Make an agent and its runner.

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
    if launches.current() is None and getattr(args, "log_dir", None):
        # The log of an agent that the daemon starts is a file of the daemon.
        logs.also_to(Path(getattr(args, "working_dir", None) or "", args.log_dir), f"{address}.log")
    config = ComponentConfig(args.site_realm, {})
    return OCSAgent(config, args, address, getattr(args, "agent_class", None)), Runner(args)


class Runner:
    """Runs the agent with these parsed arguments until SIGINT or SIGTERM."""

    def __init__(self, args: Any) -> None:
        self._args = args

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
            With code 1, if there was no router for as long as ``--crossbar-timeout`` allows.
        """
        give_up_s = 1e-3
        if auto_reconnect:
            give_up_s = float(getattr(self._args, "crossbar_timeout", None) or 0)
        the_reactor().suggestThreadPoolSize(WORKER_THREADS)
        exit_code = _AgentLife(agent, self._args, give_up_s).run()
        if exit_code:
            sys.exit(exit_code)


class _AgentLife:
    """One life of an agent, from the start of the reactor to its end."""

    def __init__(self, agent: OCSAgent, args: Any, give_up_s: float) -> None:
        self._agent = agent
        self._exit_code = 0
        self._ending: Deferred[Any] | None = None
        self._watch = ReactorWatch(agent)
        self._readiness = Readiness(agent)
        self._connection = Connection(
            agent,
            args,
            on_change=self._readiness.report,
            give_up_s=give_up_s,
            on_give_up=lambda: self._end(exit_code=1),
        )

    def run(self) -> int:
        """Run the reactor to its end and return the exit code."""
        # Now, because the reactor swallows a KeyboardInterrupt while it starts.
        self._catch_signals()
        thread_deaths.watch(self._agent)
        the_reactor().callWhenRunning(self._begin)
        the_reactor().run()
        self._watch.stop()
        return self._exit_code

    def _begin(self) -> None:
        self._catch_signals()  # again, because the reactor has set handlers of its own
        self._watch.start()
        self._readiness.start(self._connection)
        self._connection.start()

    def _catch_signals(self) -> None:
        def on_signal(number: int, _frame: object) -> None:
            the_reactor().callFromThread(self._signalled, signal.Signals(number).name)

        signal.signal(signal.SIGINT, on_signal)
        signal.signal(signal.SIGTERM, on_signal)

    def _signalled(self, name: str) -> None:
        if self._ending is None:
            self._agent.log.info("{signal}: ending", signal=name)
            self._end()
        else:
            self._agent.log.warn("{signal} again: no longer waiting for operations", signal=name)
            self._ending.cancel()

    @inlineCallbacks
    def _end(self, exit_code: int = 0) -> Any:
        if self._ending is not None:
            return
        agent = self._agent
        self._exit_code = exit_code
        self._readiness.stop()
        self._ending = agent.end_operations(OPERATIONS_LIMIT_S)
        try:
            yield self._ending
            yield self._connection.stop()
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
    left = [thread for thread in threading.enumerate() if not thread.daemon]
    names = [thread.name for thread in left if thread is not threading.main_thread()]
    agent.log.warn("ending although threads {names} did not end", names=names)
    _exit_now(code)


def _exit_now(code: int) -> NoReturn:
    """End this process without waiting for threads that do not end."""
    printed.finish(sys.stdout, sys.stderr)
    for stream in (sys.stdout, sys.stderr, sys.__stdout__):
        if stream is not None:
            stream.flush()
    os._exit(code)
