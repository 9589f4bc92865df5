"""The agent as its author sees it: operations, feeds and the site's bus."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import blockingCallFromThread
from twisted.python.failure import Failure

from ocsd import access
from ocsd.agent.description import describe
from ocsd.agent.dispatch import Operations, Reply
from ocsd.agent.feed import Feed
from ocsd.agent.heartbeat import Heartbeat
from ocsd.agent.operation import AgentProcess, AgentTask, Operation
from ocsd.agent.subscriptions import Subscriptions
from ocsd.agent.threads import in_reactor_context, the_reactor
from ocsd.agent.wamp import ApplicationError, RoutedSession, RouterLink, TransportLost, txaio


class OCSAgent(RoutedSession):
    """Connects device code to the observatory.

    Clients reach the agent at ``{address}`` (what can it do?) and
    ``{address}.ops`` (do it). It publishes its feeds and, every second, a
    heartbeat. It lives on, with its operations and feeds, while there is no
    router.

    Parameters
    ----------
    config : autobahn.wamp.types.ComponentConfig
        Of the WAMP session.
    site_args : argparse.Namespace
        The parsed arguments (`ocsd.site_config.parse_args`).
    address : str, optional
        WAMP address, ``{address_root}.{instance_id}``.
    class_name : str, optional
        Name of the agent class, as the site file has it.

    Attributes
    ----------
    log
        Logger with ``debug``, ``info``, ``warn``, ``error``, ``critical``, each
        with a ``{}``-style format and its fields.
    tasks, processes, sessions, feeds : dict
        By name; a session is None as long as its operation never ran.
    startup_ops : list of (str, str, object)
        Type, name and params of what is launched once the agent has joined.
    """

    def __init__(
        self,
        config: Any,
        site_args: Any,
        address: str | None = None,
        class_name: str | None = None,
    ) -> None:
        super().__init__(config)
        self.log = txaio.make_logger()
        self.site_args = site_args
        self.agent_address = address
        self.instance_id = site_args.instance_id
        self.class_name = class_name
        self.agent_session_id = str(time.time())
        self.feeds: dict[str, Feed] = {}
        self.startup_ops: list[tuple[str, str, Any]] = []
        self.operations = Operations(self)
        self.tasks = self.operations.tasks
        self.processes = self.operations.processes
        self.sessions = self.operations.sessions
        self.heartbeat = Heartbeat(self)
        self.subscriptions = Subscriptions(self.log)
        self.access_data = {
            "version": access.AC_VERSION,
            "policy": access.policy_of(getattr(site_args, "access_policy", None)),
            "update_timestamp": time.time(),
            "update_count": 0,
            "step": 0,
        }
        self._joined_before = False

    # For authors: what the agent offers.

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
            Whether to launch the task once the agent has first joined; a dict
            is its params.
        min_privs : int
            Credential level that a client needs.
        """
        task = AgentTask(func, blocking, aborter, aborter_blocking, min_privs)
        self.operations.add(name, task)
        self._note_startup("task", name, startup)

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
            Name of the process.
        start_func : callable
            Called with session and params; returns (ok, message).
        stop_func : callable
            Called with session and params when a client asks to stop.
        blocking : bool
            True runs `start_func` in a worker thread, False in the reactor.
        stopper_blocking : bool, optional
            The same for `stop_func`; as `blocking` by default.
        startup : bool or dict
            Whether to launch the process once the agent has first joined; a
            dict is its params.
        min_privs : int
            Credential level that a client needs.
        """
        process = AgentProcess(start_func, stop_func, blocking, stopper_blocking, min_privs)
        self.operations.add(name, process)
        self._note_startup("process", name, startup)

    def register_feed(self, feed_name: str, **options: Any) -> Feed:
        """Make a feed; `options` are those of `Feed`."""
        self.feeds[feed_name] = Feed(self, feed_name, **options)
        return self.feeds[feed_name]

    def publish_to_feed(
        self, feed_name: str, message: Any, from_reactor: bool | None = None
    ) -> None:
        """Publish a message; from any thread.

        Parameters
        ----------
        feed_name : str
            A registered feed; an unknown one is an error in the log.
        message
            See `Feed.publish_message`.
        from_reactor : bool, optional
            Accepted for the sake of old agents; has no effect.

        Raises
        ------
        ValueError, TypeError
            If the message breaks a rule of the feed.
        """
        feed = self.feeds.get(feed_name)
        if feed is None:
            self.log.error(
                "feed {feed} is not registered; registered are {feeds}",
                feed=feed_name,
                feeds=sorted(self.feeds),
            )
            return
        feed.publish_message(message)

    # For authors: what others offer.

    def subscribe(
        self,
        handler: Callable[..., Any],
        topic: str,
        options: Any = None,
        force_subscribe: bool | None = False,
        **_more: Any,
    ) -> Any:
        """Subscribe to a topic, for the life of the agent.

        Parameters
        ----------
        handler : callable
            Called with what is published; for a feed a pair of message and
            feed_info.
        topic : str
            The topic or, with ``options={'match': 'wildcard'}``, a pattern.
        options : dict, optional
            Arguments of autobahn's SubscribeOptions.
        force_subscribe : bool
            Whether to subscribe even if the topic is subscribed already.

        Returns
        -------
        Deferred or False
            False if the topic is subscribed already.
        """
        if topic in self.subscriptions.topics and not force_subscribe:
            self.log.warn("topic {topic} is subscribed already", topic=topic)
            return False
        return self.subscriptions.add(handler, topic, options, self._link)

    def subscribe_to_feed(
        self,
        agent_addr: str,
        feed_name: str,
        handler: Callable[..., Any],
        options: Any = None,
        force_subscribe: bool = False,
    ) -> Any:
        """Subscribe to a feed of another agent; see `subscribe`."""
        topic = f"{agent_addr}.feeds.{feed_name}"
        return self.subscribe(handler, topic, options=options, force_subscribe=force_subscribe)

    def subscribe_on_start(
        self,
        handler: Callable[..., Any],
        topic: str,
        options: Any = None,
        force_subscribe: bool | None = None,
    ) -> None:
        """Subscribe to a topic as soon as the agent has joined; see `subscribe`."""
        self.subscribe(handler, topic, options=options, force_subscribe=force_subscribe)

    @property
    def subscribed_topics(self) -> set[str]:
        """What is subscribed, or will be as soon as the agent has joined."""
        return self.subscriptions.topics

    def call_op(
        self,
        agent_address: str,
        op_name: str,
        action: str,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Call an operation of another agent.

        Parameters
        ----------
        agent_address : str
            Its address, e.g. ``observatory.thermo1``.
        op_name, action : str
            The operation and what to do with it, e.g. ``start``.
        params : dict, optional
            Parameters of the operation.
        timeout : float, optional
            Time limit of ``wait`` [s].

        Returns
        -------
        Deferred of list
            The answer ``[code, message, session]``, or False if the call
            failed. In a worker thread the answer itself, after waiting for it.
        """
        if not in_reactor_context():
            return blockingCallFromThread(
                the_reactor(), self.call_op, agent_address, op_name, action, params, timeout
            )

        def failed(failure: Failure) -> bool:
            if not isinstance(failure.value, (ApplicationError, TransportLost)):
                failure.raiseException()
            self.log.warn(
                "cannot {action} {op} of {agent}: {why}",
                action=action,
                op=op_name,
                agent=agent_address,
                why=failure.value,
            )
            return False

        call = maybeDeferred(
            self.call, f"{agent_address}.ops", action, op_name, params=params, timeout=timeout
        )
        return call.addErrback(failed)

    # The calls on this agent's own operations.

    def start(self, op_name: str, params: Any = None, password: Any = None) -> Reply:
        """Start an operation; return (code, message, session)."""
        return self.operations.start(op_name, params)

    def wait(
        self, op_name: str, timeout: float | None = None, password: Any = None
    ) -> "Deferred[Reply]":
        """Wait until an operation has ended; a Deferred of (code, message, session)."""
        waiting: Deferred[Reply] = self.operations.wait(op_name, timeout)
        return waiting

    def stop(self, op_name: str, params: Any = None, password: Any = None) -> Reply:
        """Ask a process to stop; return (code, message, session)."""
        return self.operations.stop(op_name, params)

    def abort(self, op_name: str, params: Any = None, password: Any = None) -> Reply:
        """Ask a task to abort; return (code, message, session)."""
        return self.operations.abort(op_name, params)

    def status(self, op_name: str, params: Any = None, password: Any = None) -> Reply:
        """Return (code, message, session) of an operation."""
        return self.operations.status(op_name)

    def encoded(self) -> dict[str, Any]:
        """Return a description of the agent."""
        return {
            "agent_address": self.agent_address,
            "session_id": self.agent_session_id,
            "feeds": [feed.encoded() for feed in self.feeds.values()],
            "tasks": list(self.tasks),
            "processes": list(self.processes),
        }

    # What the router calls.

    def procedures(self) -> dict[str, Callable[..., Any]]:
        """Return what to register, by address."""
        return {
            f"{self.agent_address}.ops": self.operations.handle,
            f"{self.agent_address}": self._describe,
        }

    def _describe(self, q: str = "get_api", **_unknown: Any) -> Any:
        return describe(self, q)

    # What the connection calls.

    def attach(self, link: RouterLink) -> "Deferred[Any]":
        """Take a link into use on which the agent's addresses are registered.

        Returns
        -------
        Deferred
            Fires when all subscriptions have been made and, the first time, the
            startup operations have been launched.
        """
        self._link = link
        self.heartbeat.start()
        for feed in self.feeds.values():
            feed.send_backlog()
        return self.subscriptions.make_all(link).addCallback(lambda _: self._start_up())

    def detach(self) -> RouterLink | None:
        """Stop using the present link and return it."""
        link, self._link = self._link, None
        self.heartbeat.stop()
        return link

    def end_operations(self, timeout_s: float) -> "Deferred[Any]":
        """Ask everything that runs to end, wait for it, and flush the feeds.

        Returns
        -------
        Deferred
            Fires when that is done, or `timeout_s` is over [s].
        """

        def flush(_: Any) -> None:
            for feed in self.feeds.values():
                feed.finish()

        return self.operations.end_all(timeout_s).addBoth(flush)

    def _start_up(self) -> None:
        if self._joined_before:
            return
        self._joined_before = True
        for _, name, params in self.startup_ops:
            _, text, _ = self.start(name, {} if params is True else params)
            self.log.info("startup: {text}", text=text)

    def _note_startup(self, op_type: str, name: str, startup: Any) -> None:
        if startup is not False:
            self.startup_ops.append((op_type, name, startup))
