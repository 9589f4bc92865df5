"""The router as an instance: when it is ready, and what runs when it is not ours."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.task import LoopingCall

from ocsd.daemon.keeper import Keeper
from ocsd.daemon.plan import ROUTER_NAME, HostPlan
from ocsd.errors import RouterError
from ocsd.forkserver.protocol import Spawn
from ocsd.paths import HostPaths, is_listening
from ocsd.router import config, local, probe
from ocsd.router.probe import Listener
from ocsd.site.model import Hub
from ocsd.supervisor.events import BecameReady, State

LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class RouterPlan:
    """How this host gets its router.

    Attributes
    ----------
    command : tuple of str
        What runs it; empty if the router is not this daemon's business.
    socket : Path or None
        The raw socket of a router on this machine, whosever it is, for the agents.
    """

    command: tuple[str, ...] = ()
    socket: Path | None = None


def plan_router(plan: HostPlan, hub: Hub, paths: HostPaths, runs_already: bool) -> RouterPlan:
    """Decide how this host gets its router, and write crossbar's configuration.

    Parameters
    ----------
    plan : HostPlan
        What the host runs.
    hub : Hub
        Where the router listens or shall listen.
    paths : HostPaths
        Where its files go.
    runs_already : bool
        Whether the fork server runs one of an earlier daemon.

    Returns
    -------
    RouterPlan
        A router that already listens at the hub's address is used as it is.

    Raises
    ------
    RouterError
        If something else listens there, or crossbar is not installed.
    """
    if not plan.runs_router:
        return RouterPlan(socket=local.find(hub))
    if not runs_already:
        found = probe.probe(hub.wamp_server)
        if found is Listener.ROUTER:
            return RouterPlan(socket=local.find(hub))
        if found is Listener.STRANGER:
            raise _in_use("wamp_server", hub.wamp_server)
        if probe.is_open(hub.wamp_http):
            raise _in_use("wamp_http", hub.wamp_http)
    settings = plan.host.crossbar
    crossbar = config.find_crossbar(settings.bin if settings else None)
    if settings and settings.config_dir:
        return RouterPlan((crossbar, "start", "--cbdir", settings.config_dir))
    config.write(paths.router_config, hub, paths.router_socket)
    local.announce(paths.runtime, hub)
    command = (crossbar, "start", "--cbdir", str(paths.router_config), "--loglevel", "warn")
    return RouterPlan(command, paths.router_socket)


def _in_use(key: str, url: str) -> RouterError:
    return RouterError(
        f"the hub's address {url} is in use by {probe.holder(url)}, which is no WAMP router; "
        f"end that program, or change {key} in the site file"
    )


def request(plan: RouterPlan, paths: HostPaths) -> Spawn:
    """Return the request that starts the router."""
    if plan.socket is not None:
        # A router that was killed leaves its socket, on which the next one cannot listen.
        plan.socket.unlink(missing_ok=True)
    return Spawn(
        name=ROUTER_NAME,
        log_path=str(paths.instance_log(ROUTER_NAME)),
        working_dir=str(paths.state),
        environment=config.environment(),
        command=plan.command,
    )


class RouterWatch:
    """Tells the router's keeper when the router can be reached.

    Parameters
    ----------
    keeper : Keeper
        The router's.
    plan : RouterPlan
        Where to look.
    hub : Hub
        Where to look if it has no socket of its own.
    clock : IReactorTime
        The time.
    """

    def __init__(self, keeper: Keeper, plan: RouterPlan, hub: Hub, clock: Any) -> None:
        self._keeper = keeper
        self._reachable = _reachable(plan, hub)
        self._looking: Any = LoopingCall(self._look)
        self._looking.clock = clock

    def start(self) -> None:
        """Look until it is ready; call this whenever it is being started."""
        if not self._looking.running:
            self._looking.start(LOOK_EVERY_S, now=False)

    def _look(self) -> None:
        if self._keeper.life.state is not State.STARTING:
            self._looking.stop()
        elif self._keeper.pid is not None and self._reachable():
            self._keeper.deliver(BecameReady())


def _reachable(plan: RouterPlan, hub: Hub) -> Callable[[], bool]:
    if plan.socket is not None:
        return partial(is_listening, plan.socket)
    return partial(probe.is_open, hub.wamp_server)
