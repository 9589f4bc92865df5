"""The agent as its author sees it: operations, feeds and the site's bus."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred

from ocsd.agent.description import describe
from ocsd.agent.feeds.feed import Feed
from ocsd.agent.feeds.heartbeat import HEARTBEAT, Heartbeat
from ocsd.agent.guard.guard import LevelGuard
from ocsd.agent.operations.dispatch import Operations, Reply
from ocsd.agent.operations.operation import AgentProcess, AgentTask, Operation
from ocsd.agent.spool.service import SpoolService, folder_of
from ocsd.bus.bus import BusSession
from ocsd.bus.wamp import CloseDetails, RouterLink
from ocsd.reactor.threads import in_reactor, soon_in_reactor
from ocsd.site.values import told as launches


class OCSAgent(BusSession):
    """Connects device code to the observatory.

    Clients call ``{address}`` for its description and ``{address}.ops`` for its
    operations. It publishes its feeds and, every second, a heartbeat. Operations and
    feeds go on while there is no router.

    Parameters
    ----------
    config : autobahn.wamp.types.ComponentConfig
        Configuration of its connections.
    site_args : argparse.Namespace
        The parsed arguments (`ocsd.site_config.parse_args`).
    address : str, optional
        WAMP address, ``{address_root}.{instance_id}``.
    class_name : str, optional
        Name of the agent class in the site file.

    Attributes
    ----------
    log
        Logger with ``debug``, ``info``, ``warn``, ``error``, ``critical``, each
        with a ``{}``-style format and its fields. The habits of the standard library's
        loggers (``%`` and arguments, ``warning``, ``exception``) work as well, and no call raises.
    tasks, processes, sessions, feeds : dict
        By name; the session of an operation that never ran is None.
    startup_ops : list of (str, str, object)
        Type, name and params of the operations that start once the agent has joined.
    subscribed_topics : set of str
        Topics that are subscribed, or will be as soon as the agent has joined.
    trouble : str
        Fault of the agent beside its operations; empty if there is none.
    blocked : str
        Code that has blocked the reactor lately; empty if none has.
    facts : dict of callable
        Further assignments of the agent's reports to its supervisor: each returns the text.
    unix_time : callable
        Returns the Unix time [s], for the check of the times of samples.
    """

    unix_time: Callable[[], float] = staticmethod(time.time)

    def __init__(
        self, config: Any, site_args: Any, address: str | None = None, class_name: str | None = None
    ) -> None:
        super().__init__(config)
        self.site_args = site_args
        self.agent_address = address
        self.instance_id = site_args.instance_id
        self.class_name = class_name
        self.agent_session_id = str(time.time())
        self.feeds: dict[str, Feed] = {}
        folder = folder_of(launches.current(), str(self.instance_id))
        self.spools = SpoolService(folder, self.agent_session_id, self.log)
        self.startup_ops: list[tuple[str, str, Any]] = []
        self.operations = Operations(self)
        self.tasks = self.operations.tasks
        self.processes = self.operations.processes
        self.sessions = self.operations.sessions
        self.heartbeat = Heartbeat(self)
        self.trouble = ""
        self.blocked = ""
        self.facts: dict[str, Callable[[], str]] = {}
        self.guard = LevelGuard(self, launches.current(), folder)
        self._joined_before = False

    @property
    def _heartbeat_on(self) -> bool:
        """OCS's name of ``heartbeat.on``, which agents set."""
        return self.heartbeat.on

    @_heartbeat_on.setter
    def _heartbeat_on(self, on: object) -> None:
        self.heartbeat.on = bool(on)

    @property
    def access_data(self) -> dict[str, Any]:
        """Report of access control for clients (``access_control`` of get_api)."""
        return self.guard.data

    # For authors: operations and feeds.

    def register_task(
        self,
        name: str,
        func: Operation,
        aborter: Operation | None = None,
        blocking: bool = True,
        aborter_blocking: bool | None = None,
        startup: bool | Mapping[str, Any] = False,
        min_privs: int = 0,
    ) -> None:
        """Offer an operation that ends by itself.

        Parameters
        ----------
        name : str
            Name of the task.
        func : callable
            Called with session and params; returns (ok, message).
        aborter : callable, optional
            Called with session and params when a client asks to abort; without
            it the task cannot be aborted.
        blocking : bool
            True runs `func` in a worker thread, False in the reactor.
        aborter_blocking : bool, optional
            The same for `aborter`; as `blocking` by default.
        startup : bool or dict
            Whether to start the task once the agent has first joined; a dict is its params.
        min_privs : int
            Credential level that a client needs.
        """
        task = AgentTask(func, blocking, aborter, aborter_blocking, min_privs)
        self._register(name, task, startup)

    def register_process(
        self,
        name: str,
        start_func: Operation,
        stop_func: Operation | None,
        blocking: bool = True,
        stopper_blocking: bool | None = None,
        startup: bool | Mapping[str, Any] = False,
        min_privs: int = 0,
    ) -> None:
        """Offer an operation that runs until it is stopped.

        Parameters
        ----------
        name : str
            Name of the process operation.
        start_func : callable
            Called with session and params; returns (ok, message).
        stop_func : callable
            Called with session and params when a client asks to stop.
        blocking, stopper_blocking, startup, min_privs
            As in `register_task`, for `start_func` and `stop_func`.
        """
        process = AgentProcess(start_func, stop_func, blocking, stopper_blocking, min_privs)
        self._register(name, process, startup)

    def _register(
        self, name: str, op: AgentTask | AgentProcess, startup: bool | Mapping[str, Any]
    ) -> None:
        if self.operations.add(name, op) and startup is not False:
            self.startup_ops.append((op.op_type, name, startup))

    def register_feed(
        self,
        feed_name: str,
        record: bool = False,
        agg_params: Mapping[str, Any] | None = None,
        buffer_time: float = 0,
        max_messages: int = 0,
        *,
        units: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Feed:
        """Make a feed.

        If two different feeds have one name, publishing to either raises.

        Parameters
        ----------
        feed_name : str
            Name of the feed.
        record, agg_params, buffer_time, max_messages, units, labels
            See `Feed`.

        Raises
        ------
        ValueError, TypeError
            If a unit or a label breaks a rule.
        """
        feed = Feed(
            self,
            feed_name,
            record,
            agg_params,
            buffer_time,
            max_messages,
            units=units,
            labels=labels,
            unix_time=lambda: self.unix_time(),
        )
        if feed_name == HEARTBEAT:
            feed.refuse(f"feed {feed_name!r} is the agent's own; give yours another name")
            return feed
        first = self.feeds.setdefault(feed_name, feed)
        if first.options != feed.options:
            first.refuse(
                f"feed {feed_name!r} is registered twice, with {first.options} and with "
                f"{feed.options}; give one of them another name"
            )
        return first

    def publish_to_feed(
        self, feed_name: str, message: Any, from_reactor: bool | None = None
    ) -> None:
        """Publish a message; from any thread.

        Parameters
        ----------
        feed_name : str
            A registered feed.
        message
            See `Feed.publish_message`.
        from_reactor : bool, optional
            Accepted for the sake of old agents; has no effect.

        Raises
        ------
        ValueError, TypeError
            If there is no such feed, or the message breaks a rule of it.
        """
        feed = self.feeds.get(feed_name)
        if feed is None:
            raise ValueError(
                f"feed {feed_name!r} is not registered; registered are {sorted(self.feeds)}"
            )
        feed.publish_message(message)

    # For authors: calls of the agent's own operations.

    def start(self, op_name: str, params: Any = None, password: Any = None) -> Reply:
        """Start an operation; return (code, message, session).

        Parameters
        ----------
        op_name : str
            The operation.
        params : dict, optional
            Its parameters.
        password : str or OCSAgent, optional
            The password of the client on whose behalf this is. The agent object itself may
            start everything, e.g. ``agent.start('acq', password=agent)``.
        """
        return in_reactor(self.operations.start, op_name, params, None, password)

    def wait(
        self, op_name: str, timeout: float | None = None, password: Any = None
    ) -> "Deferred[Reply]":
        """Wait until an operation has ended; a Deferred of (code, message, session)."""
        return soon_in_reactor(self.operations.wait, op_name, timeout)

    def stop(self, op_name: str, params: Any = None, password: Any = None) -> Reply:
        """Ask a process operation to stop; see `start`."""
        return self._ask_to_end("stop", op_name, params, password)

    def abort(self, op_name: str, params: Any = None, password: Any = None) -> Reply:
        """Ask a task to abort; see `start`."""
        return self._ask_to_end("abort", op_name, params, password)

    def _ask_to_end(self, action: str, op_name: str, params: Any, password: Any) -> Reply:
        return in_reactor(self.operations.ask_to_end, action, op_name, params, None, password)

    def status(self, op_name: str, params: Any = None, password: Any = None) -> Reply:
        """Return (code, message, session) of an operation."""
        return in_reactor(self.operations.status, op_name)

    def encoded(self) -> dict[str, Any]:
        """Return a description of the agent."""
        return {
            "agent_address": self.agent_address,
            "session_id": self.agent_session_id,
            "feeds": [feed.encoded() for feed in self.feeds.values()],
            "tasks": list(self.tasks),
            "processes": list(self.processes),
        }

    # For the router.

    def procedures(self) -> dict[str, Callable[..., Any]]:
        """Return the functions to register, by address."""
        return {
            f"{self.agent_address}.ops": self.operations.handle,
            f"{self.agent_address}": self._describe,
            f"{self.agent_address}.spool": self.spools.answer,
        }

    def _describe(self, q: str = "get_api", **_unknown: Any) -> Any:
        return describe(self, q)

    # For the connection and the reports of health.

    def reply_fault(self) -> str:
        """Return why a caller got no reply lately; empty if all got theirs."""
        return "" if self._link is None else self._link.complaint(time.monotonic())

    def attach(self, link: RouterLink) -> "Deferred[Any]":
        """Use a link on which the agent's addresses are registered.

        The Deferred fires when all subscriptions have been made and, the first time, the
        startup operations have been launched.
        """
        self._link = link
        self.heartbeat.start()
        for feed in self.feeds.values():
            feed.send_backlog()
        return self.ask_again(link).addCallback(lambda _: self._joined(link))

    def detach(self) -> RouterLink | None:
        """Stop using the present link and return it."""
        link, self._link = self._link, None
        self.heartbeat.stop()
        if link is not None:
            gone = CloseDetails(CloseDetails.REASON_TRANSPORT_LOST, None)
            self.run_hook("leave", self.onLeave, gone)
            self.run_hook("disconnect", self.onDisconnect)
        return link

    def end_operations(self, timeout_s: float) -> "Deferred[Any]":
        """Ask all operations to end, wait for them at most `timeout_s` [s], flush the feeds."""

        def flush(_: Any) -> None:
            for feed in self.feeds.values():
                feed.finish()

        return self.operations.end_all(timeout_s).addBoth(flush)

    def _joined(self, link: RouterLink) -> None:
        self._start_up()
        self.guard.poll(link)
        self.run_hook("join", self.onJoin, link.session_details)
        self.run_hook("ready", lambda: None)

    def _start_up(self) -> None:
        if self._joined_before:
            return
        self._joined_before = True
        for _, name, params in self.startup_ops:
            _, text, _ = self.start(name, {} if params is True else params, password=self)
            self.log.info("startup: {text}", text=text)
