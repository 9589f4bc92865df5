"""Scripts that are WAMP clients, written with Twisted."""

import argparse
import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, inlineCallbacks, maybeDeferred
from twisted.internet.error import ReactorNotRunning
from twisted.python.failure import Failure

from ocsd.bus.endpoint import RouterAddress
from ocsd.bus.wamp import ApplicationError, ComponentConfig, LoggedInSession, txaio
from ocsd.client.joining import CLIENT_WAIT_LIMIT_S, Joining
from ocsd.client.waiting import CALL_LIMIT_S, Reply, waiting
from ocsd.errors import UnreachableError
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.time_limit import within
from ocsd.site.arguments import parse_args
from ocsd.site.values import told as launches
from ocsd.site.values.told import CONTROL

_GOODBYE_LIMIT_S = 1.0
"""Time that a closing handshake may take [s]."""

Script = Callable[..., Any]


class ControlClientSession(LoggedInSession):
    """A WAMP session that runs a function when it has joined, and then leaves.

    Parameters
    ----------
    config : autobahn.wamp.types.ComponentConfig
        Has the realm.
    script : callable
        Called with this session, `script_args` and `script_kwargs`. May be a
        generator function that yields Deferreds, decorated with
        ``inlineCallbacks`` or not, or a coroutine function.

    Attributes
    ----------
    failure : Failure or None
        The error of the function.
    finished : bool
        Whether it has returned or raised.
    refusal : str
        The router's reason for ending the session, if it did.
    """

    def __init__(
        self, config: Any, script: Script, script_args: Any = (), script_kwargs: Any = None
    ) -> None:
        super().__init__(config)
        self.script = (script, tuple(script_args), dict(script_kwargs or {}))
        self.failure: Failure | None = None
        self.finished = False
        self.refusal = ""

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        """Run the function, then leave."""
        function, args, kwargs = self.script
        try:
            yield _running(function, self, *args, **kwargs)
        except Exception:  # noqa: BLE001 - any error of the script ends it
            self.failure = Failure()  # type: ignore[no-untyped-call] # Twisted's
        self.finished = True
        if self.is_attached():
            self.leave()

    def onLeave(self, details: Any) -> None:
        """Fail all outstanding requests and close the connection."""
        if details.reason != "wamp.close.normal":
            self.refusal = f"{details.reason} {details.message or ''}".strip()
        else:
            self.finished = True  # The script has left by itself.
        self._errback_outstanding_requests(ApplicationError(details.reason, details.message))
        self.disconnect()

    def onDisconnect(self) -> None:
        """End the reactor."""
        _stop_reactor()


class _ScriptSession(ControlClientSession):
    """The session of `run_control_script`, which stops the reactor itself."""

    joining: Joining

    def onJoin(self, details: Any) -> Any:
        self.joining.session_joined()
        return super().onJoin(details).addCallback(self._limit_goodbye)

    def onLeave(self, details: Any) -> None:
        super().onLeave(details)
        if not self.finished:
            self.joining.session_refused(self.refusal)

    def onDisconnect(self) -> None:
        """Leave the next attempt to `Joining`."""

    def _limit_goodbye(self, _result: Any) -> None:
        the_reactor().callLater(_GOODBYE_LIMIT_S, _stop_reactor)


def run_control_script(
    function: Script, parser: argparse.ArgumentParser | None = None, *args: Any, **kwargs: Any
) -> None:
    """Join the site's router, run a function, and leave.

    It runs the reactor, so a program can call it once.

    Parameters
    ----------
    function : callable
        Called as ``function(app, parsed_args, *args, **kwargs)``; `app` is the
        `ControlClientSession`.
    parser : argparse.ArgumentParser, optional
        Has the script's own options; ``parsed_args`` has these and those of
        `ocsd.site_config.parse_args`, e.g. ``address_root``.
    *args, **kwargs
        Passed on to `function`.

    Raises
    ------
    SystemExit
        With code 1 if `function` raises, whose traceback is printed; with 69 if
        there is no router for 10 s (``--crossbar-timeout``), or it goes away.
    ConfigurationError
        If the site file is missing or wrong.
    """
    parser = parser or argparse.ArgumentParser()
    parsed = parse_args(agent_class=CONTROL, parser=parser)
    _start_logging()
    config = ComponentConfig(parsed.site_realm, {})
    session = _ScriptSession(config, function, [parsed, *args], kwargs)
    complaints: list[str] = []

    def lost() -> None:
        if not session.finished:
            complaints.append(f"the connection to the router at {session.joining.address} was lost")
        _stop_reactor()

    def failed(reason: str) -> None:
        complaints.append(reason)
        _stop_reactor()

    address = RouterAddress.of(parsed, launches.current())
    session.joining = Joining(address, lambda: session, lost, failed)
    reactor = the_reactor()
    reactor.callWhenRunning(session.joining.start, parsed.crossbar_timeout or CLIENT_WAIT_LIMIT_S)
    reactor.run()
    if complaints:
        parser.exit(UnreachableError.exit_code, f"{parser.prog}: error: {complaints[0]}\n")
    if session.failure is not None:
        parser.exit(1, session.failure.getTraceback())


class OperationClient:
    """Requests to one operation, over a session that has joined.

    Parameters
    ----------
    app : ControlClientSession
        The session; anything with autobahn's ``call``.
    root_address : str
        The agent's address.
    op_name : str
        The operation.
    """

    def __init__(self, app: Any, root_address: str, op_name: str) -> None:
        self.app = app
        self.root = root_address
        self.op_name = op_name

    def request(
        self, action: str, params: Any = None, timeout: float | None = None
    ) -> "Deferred[Reply]":
        """Send a request.

        Parameters
        ----------
        action : str
            ``start stop abort wait status``.
        params : dict, optional
            Parameters for ``start``.
        timeout : float, optional
            Of a ``wait`` [s]: None waits for ever, negative not at all.

        Returns
        -------
        Deferred
            Fires with response code, text and session; fails with
            ``ApplicationError`` if the call was not carried out, with TimeoutError
            if there is no answer in time, with autobahn's PayloadExceededError if
            `params` do not fit into a message.
        """
        if action == "wait":
            waited: Deferred[Reply] = self._wait(params, timeout)
            return waited
        return self._asked(action, params, timeout)

    def status(self, params: Any = None) -> "Deferred[Reply]":
        """Ask for the latest session."""
        return self.request("status", params=params)

    def start(self, params: Any = None) -> "Deferred[Reply]":
        """Start the operation."""
        return self.request("start", params=params)

    def wait(self, params: Any = None, timeout: float | None = None) -> "Deferred[Reply]":
        """Wait until the operation has ended."""
        return self.request("wait", params=params, timeout=timeout)

    @inlineCallbacks
    def _wait(self, params: Any, timeout: float | None) -> Any:
        steps = waiting(self.op_name, timeout)
        limit_s = next(steps)
        while True:
            answer = yield self._asked("wait", params, limit_s)
            try:
                limit_s = steps.send(answer)
            except StopIteration as end:
                return end.value

    def _asked(self, action: str, params: Any, timeout: float | None) -> "Deferred[Any]":
        limit_s = CALL_LIMIT_S + max(0.0, timeout or 0.0)
        address = f"{self.root}.ops"
        # Params that are too large for a message raise at once.
        asked = maybeDeferred(
            self.app.call, address, action, self.op_name, params=params, timeout=timeout
        )
        return within(asked, limit_s).addCallback(self._answered, action, limit_s)

    def _answered(self, answer: Any, action: str, limit_s: float) -> Any:
        if answer is None:
            raise TimeoutError(
                f"{self.root} has not answered '{action} {self.op_name}' within {limit_s:g} s"
            )
        return answer


class TaskClient(OperationClient):
    """Requests to a task."""

    def abort(self, params: Any = None) -> "Deferred[Reply]":
        """Ask it to end early."""
        return self.request("abort", params=params)


class ProcessClient(OperationClient):
    """Requests to a process."""

    def stop(self, params: Any = None) -> "Deferred[Reply]":
        """Ask it to end."""
        return self.request("stop", params=params)


@inlineCallbacks
def _running(function: Script, *args: Any, **kwargs: Any) -> Any:
    result = function(*args, **kwargs)
    if inspect.isgenerator(result):
        return (yield from result)
    if inspect.iscoroutine(result):
        result = ensureDeferred(result)
    return (yield result)


def _start_logging() -> None:
    """Send log lines, and only them, to standard error."""
    streams = sys.stdout, sys.stderr
    txaio.start_logging(out=sys.stderr, level="info")
    # Twisted makes log lines of printed text.
    sys.stdout, sys.stderr = streams


def _stop_reactor() -> None:
    with suppress(ReactorNotRunning):
        the_reactor().stop()
