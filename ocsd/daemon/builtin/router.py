"""The router as an instance: its plan, its readiness, and its last words."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from twisted.internet.protocol import ClientFactory

from ocsd.daemon.children.asking import Asking
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import ROUTER_NAME, HostPlan
from ocsd.daemon.instances.transition import Transition
from ocsd.daemon.watching.instance_log import end_of, last_line
from ocsd.errors import AccessFilesError, NotPermittedError, RouterError
from ocsd.forkserver.protocol import Spawned, SpawnRequest
from ocsd.reactor.repeating import repeating
from ocsd.router import config, local, probe
from ocsd.router.guard.facts import GuardFacts
from ocsd.router.probe import Answering
from ocsd.router.transports import SOCKETS_ONLY, Secured
from ocsd.site import machine
from ocsd.site.model import Crossbar, Hub, Site
from ocsd.supervisor.events import BecameReady, State
from ocsd.system.address import port_of
from ocsd.system.paths import HTTP_SOCKET, HostPaths, is_listening
from ocsd.text.logins import without_logins

ROUTER_POLL_S = 0.02

EXTERNAL_SILENCE_LIMIT_S: Final = 10.0
"""A router elsewhere that has not answered for this long is not reachable [s]."""

SOCKET_LIMIT_S = 30.0
"""After this long, a router has opened all its sockets [s]."""

PROBE: Final = "wamp.session.count"
"""A procedure of the router's own."""

REFUSED = "ddress already in use"
"""Part of the message of strerror(3), which crossbar logs some way before its last line."""

ROUTER_LOG_TAIL_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class RouterPlan:
    """The router that this host runs or uses."""

    command: tuple[str, ...] = ()
    """The command that runs it; empty if this daemon does not run it."""
    socket: Path | None = None
    """The raw socket for the agents, if the router is on this machine."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables to set for it."""
    http_socket: Path | None = None
    """Its socket for calls over HTTP, if it takes logins and is on this machine."""
    refusal: str = ""
    """Why it must not be started: the site is closed, and its keys cannot be used."""
    bridge_socket: Path | None = None
    """Its socket for the bridge, if it is an open router beside that of the site."""
    is_bridged: bool = False
    """Whether it is this host's own, beside that of the site."""


def plan_router(
    site: Site, plan: HostPlan, paths: HostPaths, runs_already: bool, trouble: str = ""
) -> RouterPlan:
    """Decide how this host gets its router, and write crossbar's configuration.

    Parameters
    ----------
    runs_already : bool
        Whether the fork server runs the router of an earlier daemon.
    trouble : str
        Why the keys of this host cannot be used; empty if they can, or none are needed.

    Returns
    -------
    RouterPlan
        A router that already listens at the hub's address is used as it is.

    Raises
    ------
    RouterError
        If another program listens there, or crossbar is not installed.
    """
    hub = plan.host.hub(site.hub)
    if not plan.runs_router:
        return RouterPlan(socket=local.find(hub))
    has_port = not (plan.host.has_own_router and hub.is_closed)
    if has_port and not runs_already and (found := _found(hub)):
        if plan.host.has_own_router:
            raise _in_use("wamp_server", hub.wamp_server)
        return found
    settings = plan.host.crossbar or Crossbar()
    crossbar = config.find_crossbar(settings.bin)
    if settings.config_dir:
        return _configured(plan, hub, paths, crossbar, settings.config_dir)
    return _own(site, hub, paths, crossbar, trouble, bridged=plan.host.has_own_router)


def _found(hub: Hub) -> RouterPlan | None:
    """Return the router that listens at the hub's address already; None if nothing does."""
    answering = probe.probe(hub.wamp_server)
    # Whatever has TLS could be anything: only the router of a daemon of this machine is used.
    found = local.find(hub)
    if answering is Answering.ROUTER and (found or not hub.is_closed):
        return RouterPlan(socket=found)
    if answering is not Answering.NOTHING:
        raise _in_use("wamp_server", hub.wamp_server)
    if probe.is_open(hub.wamp_http):
        raise _in_use("wamp_http", hub.wamp_http)
    return None


def _configured(
    plan: HostPlan, hub: Hub, paths: HostPaths, crossbar: str, folder: str
) -> RouterPlan:
    """Return a router with the operator's own configuration."""
    refusal = machine.router_refusal(plan.host, paths.state)
    if hub.is_closed:
        refusal = (
            f"crossbar: config-dir {folder} holds a configuration that ocsd does not know, and "
            "the site is closed (access: closed); take config-dir out"
        )
    if refusal:
        raise RouterError(refusal)
    return RouterPlan((crossbar, "start", "--cbdir", folder))


def _own(
    site: Site, hub: Hub, paths: HostPaths, crossbar: str, trouble: str, bridged: bool
) -> RouterPlan:
    """Write the configuration of a router that this daemon runs."""
    secured = facts = http_socket = None
    try:
        if hub.tls_url is not None and not trouble and (found := _secured(site, hub, paths)):
            (secured, facts), http_socket = found, paths.router_http_socket
    except (AccessFilesError, NotPermittedError, RouterError) as error:
        trouble = str(error)
    is_guarded = hub.is_closed or secured is not None
    start = config.start(crossbar, paths.router_config, is_guarded=is_guarded)
    if hub.is_closed and trouble:
        refusal = f"{trouble}; mend that, then: ocsd stop, ocsd start -d"
        return RouterPlan(start.command, paths.router_socket, start.environment, refusal=refusal)
    # Where everybody logs in, the bridge uses the socket of all others.
    bridge_socket = paths.bridge_socket if bridged and not is_guarded else None
    has_port = secured is not SOCKETS_ONLY
    config.write(paths.router_config, hub, paths.router_socket, secured, facts, bridge_socket)
    local.announce(paths.runtime, hub, is_guarded=is_guarded, has_port=has_port)
    plan = RouterPlan(start.command, paths.router_socket, start.environment, http_socket)
    return replace(plan, bridge_socket=bridge_socket, is_bridged=bridged)


def _secured(site: Site, hub: Hub, paths: HostPaths) -> tuple[Secured, GuardFacts] | None:
    """Return what a router with logins needs; None if this host has no keys."""
    # Not for other sites: it loads what only a site with keys needs.
    from ocsd.daemon.builtin import keys

    return keys.secured(site, hub, paths) if keys.has_keys(hub, paths) else None


def last_words(log: Path, hub: Hub, since: Spawned | None) -> str:
    """Return why a router ended, as far as its log since its start, or its port, shows."""
    if REFUSED in end_of(log, ROUTER_LOG_TAIL_BYTES, since):
        for key, url in (("wamp_server", hub.wamp_server), ("wamp_http", hub.wamp_http)):
            if probe.is_open(url):
                return str(_in_use(key, url))
    return last_line(log, since)


def _in_use(key: str, url: str) -> RouterError:
    return RouterError(
        f"the hub's address {without_logins(url)} is in use by {probe.holder(url)}, which is not a "
        f"WAMP router; end that program, or change {key} in the site file"
    )


def request_to_expect(plan: RouterPlan, paths: HostPaths) -> SpawnRequest | None:
    """Return the request that will start the router, if this daemon runs one."""
    if not plan.command or plan.refusal:
        return None
    return _request(plan, paths)


def request(plan: RouterPlan, paths: HostPaths) -> SpawnRequest:
    """Return the request that starts the router."""
    if plan.socket is not None:
        # A router that was killed leaves its socket, on which the next one cannot listen.
        plan.socket.unlink(missing_ok=True)
        (plan.socket.parent / HTTP_SOCKET).unlink(missing_ok=True)
    if plan.bridge_socket is not None:
        plan.bridge_socket.unlink(missing_ok=True)
    return _request(plan, paths)


def _request(plan: RouterPlan, paths: HostPaths) -> SpawnRequest:
    return SpawnRequest(
        instance_id=ROUTER_NAME,
        log_path=str(paths.instance_log(ROUTER_NAME)),
        working_dir=str(paths.state),
        environment=dict(plan.environment),
        command=plan.command,
    )


class RouterWatch:
    """Reports to the router's keeper when the router can be reached, and that it still answers.

    A router without a socket of its own is reached at the hub's addresses.
    """

    def __init__(self, keeper: Keeper, plan: RouterPlan, hub: Hub, reactor: Any) -> None:
        self._keeper = keeper
        self._reachable = _reachable(plan, hub)
        self._polling = repeating(self._poll, reactor)
        # A router with a configuration of its own may have no call bridge to ask.
        self._asking: Asking | None = None
        if plan.socket is not None:
            self._asking = _asking(hub, plan, self._answered, reactor)

    def transition(self, transition: Transition) -> None:
        """Poll the router until it is ready, whenever it is being started."""
        if transition.instance_id != self._keeper.instance_id:
            return
        state = transition.after.state
        if state is State.STARTING and not self._polling.running:
            self._polling.start(ROUTER_POLL_S, now=False)
        if state is State.UP and self._asking is not None:
            # With a notify socket crossbar reports by itself that it is ready, and may be first.
            self._asking.start()

    def _poll(self) -> None:
        if self._keeper.life.state is not State.STARTING:
            self._polling.stop()
        elif self._keeper.pid is not None and self._reachable(self._keeper.uptime_s):
            if self._asking is None:
                self._keeper.deliver(BecameReady())
                return
            # From here on its silence counts.
            self._asking.start()
            self._keeper.notified({"READY": "1"})

    def _answered(self) -> None:
        if self._keeper.life.state is State.UP:
            self._keeper.notified({"READY": "1", "WATCHDOG": "1"})


class ExternalRouter:
    """Polls a router that another daemon or program runs."""

    def __init__(self, hub: Hub, reactor: Any) -> None:
        url = urlsplit(hub.wamp_server)
        address = url.hostname or "localhost", port_of(url)

        def connect(factory: ClientFactory) -> Any:
            if url.scheme != "wss":
                return reactor.connectTCP(*address, factory)
            from twisted.internet.ssl import CertificateOptions

            # Whom to trust is not the question here: nothing secret is told, and agents check.
            return reactor.connectSSL(*address, factory, CertificateOptions(verify=False))

        self._asking = Asking(connect, probe.upgrade_request(url), lambda: None, reactor)

    def start(self) -> None:
        """Begin."""
        self._asking.start()

    @property
    def away_s(self) -> float:
        """Time for which it has answered nothing [s]; 0 if that is no cause for concern."""
        if self._asking.waited_s < EXTERNAL_SILENCE_LIMIT_S:
            return 0.0
        return self._asking.waited_s


def _reachable(plan: RouterPlan, hub: Hub) -> Callable[[float | None], bool]:
    """Return a function of the router's age [s]: whether it can be reached."""

    def is_reachable(age_s: float | None) -> bool:
        socket = plan.socket
        # A router that is still without its socket had one, which was removed.
        if socket is None or ((age_s or 0.0) > SOCKET_LIMIT_S and not socket.exists()):
            return probe.is_open(hub.wamp_server)
        return is_listening(socket)

    return is_reachable


def _asking(hub: Hub, plan: RouterPlan, on_answer: Callable[[], None], reactor: Any) -> Asking:
    """Probe the call bridge with a call of an unregistered procedure.

    The router can only answer "no such procedure" if all of it works.
    """
    url = urlsplit(hub.wamp_http)
    procedure = f"{hub.address_root}.{ROUTER_NAME}"
    if plan.is_bridged:
        procedure = PROBE  # the other one would go on to the hub
    body = json.dumps({"procedure": procedure})
    question = (
        f"POST {url.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )

    def connect(factory: ClientFactory) -> Any:
        if plan.http_socket is not None:
            return reactor.connectUNIX(str(plan.http_socket), factory)
        return reactor.connectTCP("127.0.0.1", port_of(url), factory)

    return Asking(connect, question.encode(), on_answer, reactor)
