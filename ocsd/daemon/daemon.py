"""One host's daemon: what it does at its start, at each event and at its end."""

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from twisted.logger import Logger

from ocsd.daemon.api.control_port import ControlPort
from ocsd.daemon.api.evaluator import AlarmDesk
from ocsd.daemon.api.status import StatusReport
from ocsd.daemon.api.systemd import SystemdLink
from ocsd.daemon.children.forkserver_link import ForkServerLink
from ocsd.daemon.children.notifications import NotifySocket
from ocsd.daemon.children.processes import Processes
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.launch_window import LaunchWindow
from ocsd.daemon.instances.plan import ROUTER_NAME
from ocsd.daemon.instances.transition import Transition
from ocsd.daemon.keepers import Keepers
from ocsd.daemon.lock import DaemonLock
from ocsd.daemon.ocs.duplicates import DuplicateNames
from ocsd.daemon.oversight import Oversight
from ocsd.daemon.planning.classes import refuse_lost_classes
from ocsd.daemon.planning.reload import Reload, Reloaded, compare, refuse_unfinished
from ocsd.daemon.planning.settings import Settings
from ocsd.daemon.progress import StartReport
from ocsd.daemon.settling import Settling, attempt
from ocsd.daemon.shutdown import Shutdown, Write
from ocsd.daemon.site.face import SiteFace
from ocsd.daemon.surroundings.clock import ClockWatch
from ocsd.daemon.surroundings.keys import KeyWatch
from ocsd.daemon.upgrade import Upgrade
from ocsd.daemon.watching.chronicle import DAEMON
from ocsd.daemon.watching.lost_files import LostFiles
from ocsd.errors import OcsdError
from ocsd.forkserver.protocol import EndRequest, Hello
from ocsd.supervisor.events import State, UpRequested
from ocsd.system.classes import DUPLICATES_TOPIC, WEB_CLASS

HOST_MANAGER_SESSION: Final = "ocsd.daemon.ocs.host_manager_session"
"""The module that loads autobahn, which the registry needs as well."""

LAUNCH_WITHOUT_ROUTER_S = 15.0
"""Time after which agents are started without the router [s]."""


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts of a daemon, built by `ocsd.daemon.assembly`."""

    fleet: Fleet
    window: LaunchWindow
    keepers: Keepers
    processes: Processes
    forkserver: ForkServerLink
    notify: NotifySocket
    oversight: Oversight
    lost_files: LostFiles
    reload: Reload
    settling: Settling
    shutdown: Shutdown
    upgrade: Upgrade
    face: SiteFace
    clock: ClockWatch
    keys: KeyWatch
    duplicates: DuplicateNames
    status: StatusReport
    systemd: SystemdLink


def _nothing() -> None:
    pass


@dataclass(eq=False)
class Daemon:
    """One host's daemon."""

    log = Logger()
    _parts: Parts = field(init=False)

    settings: Settings
    """The site, and where things are kept."""
    progress: StartReport
    """The terminal from which it was started."""
    detached: bool
    """Whether to let go of the terminal once all is settled."""
    reactor: Any
    """Twisted's reactor: time, sockets and descriptors."""
    lock: DaemonLock
    """Keeps other daemons away."""
    failure: OcsdError | None = field(default=None, init=False)
    """Why the daemon had to give up."""

    finish_output: Callable[[], None] = field(default_factory=lambda: _nothing, init=False)
    """Gives what reads the output of this process the last lines."""
    _host_manager: Any = field(default=None, init=False)
    _connection: Any = field(default=None, init=False)
    _launched: bool = field(default=False, init=False)
    _ended: bool = field(default=False, init=False)

    def wire(self, parts: Parts) -> None:
        """Connect the daemon with its parts, and its parts with the instances."""
        self._parts = parts
        parts.keepers.add_router()
        parts.keepers.manage_containers()
        for instance in self.settings.plan.instances:
            parts.keepers.add(instance)
        parts.fleet.observe(self._observe)

    def start(self) -> None:
        """Open the sockets and connect to the fork server; the rest follows from its Hello."""
        parts, paths = self._parts, self.settings.paths
        notices = filter(None, (*self.settings.plan.notices, parts.fleet.targets.notice))
        for notice in (*self.settings.warnings(), *notices):
            self.progress.say(f"  {notice}")
        self.settings.tell_agents()
        parts.notify.open()
        parts.lost_files.keep(paths.notify_socket, parts.notify.open)
        parts.lost_files.keep(paths.pid_file, lambda: DaemonLock(paths.pid_file, paths.host))
        parts.lost_files.start()
        parts.forkserver.connect()
        parts.systemd.start()
        parts.oversight.start()
        parts.clock.start()
        parts.keys.start()
        parts.settling.start()
        self.reactor.callLater(0, attempt, self._open_control, self.give_up)

    def stop(self, write: Write = lambda _: None, by: str = "") -> None:
        """End everything in order, then the daemon, because `by` asks for that.

        `write` takes a JSON object for each step.
        """
        self._parts.shutdown.request(write, by)

    def give_up(self, failure: OcsdError) -> None:
        """End this daemon, and nothing else."""
        self.failure = failure
        self.reactor.stop()

    def reload(self, by: str, dry_run: bool = False, text: str | None = None) -> Reloaded:
        """Take the site file, as it is now, into use, because the person `by` asks for that.

        A `dry_run` only returns the changes that it would make, or that a `text` in its place
        would.

        Raises
        ------
        SiteFileError, ReloadRefusedError, StoppingError
            If it cannot be used; nothing has changed then.
        """
        self._parts.fleet.check(())
        change = self._parts.reload.foresee(compare(self.settings, text))
        refuse_unfinished(self.settings, change, self._parts.fleet)
        refuse_lost_classes(change, self._parts.fleet)
        if dry_run or text is not None:
            return change, {}
        change.settings.tell_agents()
        self.settings = self._parts.keepers.settings = change.settings
        change.settings.tell_router()
        self._parts.keepers.manage_containers()
        self._parts.oversight.apply_reload(change.settings, change.difference, by)
        return change, self._parts.reload.apply(change, by)

    # Events of the fork server

    def hello(self, hello: Hello) -> None:
        """Launch everything, now that it is known what runs already."""
        parts = self._parts
        parts.forkserver.greeted(hello.pid)
        if self._launched:
            return
        if hello.notice:
            self.progress.say(f"  {hello.notice}")
        self._launched = True
        if hello.orphans and not self.settings.fork_server_runs:
            self.forkserver_ended(0, "ended while no daemon ran, exit code unknown")
        parts.shutdown.allow()
        if parts.fleet.stopping:
            return
        router = parts.fleet.router
        if router is None:
            parts.window.open()
        elif router.life.state is State.DOWN:
            router.deliver(UpRequested())
        self.reactor.callLater(LAUNCH_WITHOUT_ROUTER_S, parts.window.open)
        parts.fleet.launch()
        parts.settling.report_if_settled()
        if self.settings.router.command:
            # While the router starts, nothing waits for the daemon.
            self.reactor.callLater(0, importlib.import_module, HOST_MANAGER_SESSION)

    def forkserver_lost(self) -> None:
        """Reach the fork server again, or end, if it was asked to end."""
        if self._ended:
            self.reactor.stop()
        else:
            self._parts.forkserver.lost()

    def forkserver_ended(self, pid: int, how: str) -> None:
        """Record the end of a fork server."""
        self._parts.processes.server_ended(pid, how)
        self._parts.oversight.chronicle.record(DAEMON, "ForkServerEnded", how, pid or None)

    def add_stranger(self, instance_id: str) -> Keeper:
        """Return a keeper for a process that the site file no longer lists."""
        return self._parts.keepers.add_stranger(instance_id)

    # Events of the other parts

    def settled(self) -> None:
        """Report that the start is over."""
        self._parts.systemd.ready()
        self.reactor.callLater(0, self._be_host_manager)
        self.reactor.callLater(0, self._parts.face.start)
        if self.detached:
            self.progress.hush()

    def stopping(self) -> None:
        """Report that everything is being stopped."""
        self.lock.stopping()
        self._parts.systemd.stopping()
        self._parts.face.runs.end_what_looks()
        self._parts.face.say_farewell(self._parts.shutdown.by)
        self.progress.say("stopping")

    def stopped(self, took_s: float) -> None:
        """End the fork server, and with it the daemon."""
        self._ended = True
        self._parts.fleet.finished.clear()
        self._parts.oversight.record_stop(self._parts.shutdown.by)
        self.progress.say(f"stopped after {took_s:.2f} s")
        self._parts.processes.connection.send(EndRequest())

    def flush(self) -> None:
        """Write what is still in memory, and leave nothing behind."""
        self._parts.face.runs.end_what_looks()
        self._parts.oversight.chronicle.close()
        self._parts.oversight.audit.close()
        self.settings.log.flush()
        self.finish_output()

    def audit_requests(self) -> None:
        """Write down who asked for what through the HostManager's operations."""
        if self._host_manager is not None:
            asked = self._host_manager.operations.take_requests()
            name = self.settings.plan.host_manager.instance_id
            self._parts.oversight.audit.operations(name, asked)

    def excuse_everyone(self) -> None:
        """Forgive all instances their silence: their reports could not arrive."""
        for keeper in self._parts.fleet.everyone():
            keeper.excuse()

    def trouble(self) -> str:
        """Return the faults of the daemon's own records; empty if there are none."""
        parts = self._parts
        notices = (
            parts.oversight.chronicle.trouble,
            parts.oversight.audit.trouble,
            parts.fleet.targets.notice,
            parts.fleet.targets.unwritten,
            parts.processes.notice,
            parts.keepers.container_trouble,
            parts.face.trouble(),
            parts.duplicates.trouble(),
        )
        return "; ".join(filter(None, notices))

    def _observe(self, transition: Transition) -> None:
        parts, after = self._parts, transition.after
        self.log.info(
            "{name}: {before} -> {after} {reason}",
            name=transition.instance_id,
            before=transition.before.state,
            after=after.state,
            reason=after.reason,
        )
        keeper = parts.fleet.keeper(transition.instance_id)
        self.progress.transition(transition, keeper.activity.address if keeper else "")
        parts.systemd.send_status()
        parts.window.admit()
        if after.state is not State.STARTING:
            parts.window.leave(transition.instance_id)
            if transition.instance_id == ROUTER_NAME:
                parts.window.open()
        if self._launched:  # before that all are down, and nothing is settled
            parts.settling.report_if_settled()

    # Faces whose libraries are loaded late

    def _open_control(self) -> None:
        """Serve the control API; its web server is loaded while the fork server gets ready."""
        parts = self._parts
        control = importlib.import_module("ocsd.daemon.api.control")
        desk = AlarmDesk(
            parts.fleet,
            self.settings.paths,
            lambda: self.settings.plan.host.alarms,
            parts.oversight.chronicle.record,
            self.reactor,
        )
        api = control.ControlApi(
            parts.status,
            parts.fleet,
            self.reactor,
            self.stop,
            parts.upgrade,
            self.reload,
            parts.oversight,
            parts.oversight.audit,
            self._askers(),
            desk,
            parts.face.answer,
        )
        path = self.settings.paths.control_socket
        ControlPort(self.reactor, path, api.site(), parts.lost_files).open()

    def _askers(self) -> Any:
        """Return the part that knows who may ask for what: it follows the site file."""
        askers = importlib.import_module("ocsd.daemon.api.askers")
        local = importlib.import_module("ocsd.access.local")
        folder = self.settings.paths.access
        return askers.Askers(
            is_closed=lambda: self.settings.hub.is_closed,
            roles=lambda: local.local_roles(folder),
            owner_uid=os.geteuid(),
            is_page=self._is_page,
            far=self._parts.face.runs.asker,
        )

    def _is_page(self, pid: int) -> bool:
        keeper = self._parts.fleet.by_pid(pid)
        if keeper is None or keeper.instance_id == ROUTER_NAME:
            return False
        agent_class: str = self._parts.fleet.instance(keeper.instance_id).agent_class
        return agent_class == WEB_CLASS

    def _be_host_manager(self) -> None:
        """Answer OCS's tools; autobahn is loaded when the agents have been asked for."""
        if self._parts.fleet.stopping:
            return
        session = importlib.import_module(HOST_MANAGER_SESSION)
        instance = self.settings.plan.host_manager
        launch = self.settings.launch(instance)
        self._host_manager, self._connection = session.connect(
            launch,
            self._parts.fleet,
            self._reload_for_clients,
            self._stop_for_clients,
            lambda: self._parts.keepers.docker_facts,
            self.reactor,
        )
        topic = f"{self.settings.hub.address_root}.{DUPLICATES_TOPIC}"
        self._host_manager.subscribe(self._parts.duplicates.heard, topic)

    def _stop_for_clients(self, by: str) -> None:
        self.stop(by=by)

    def _reload_for_clients(self, by: str) -> str:
        change, _ = self.reload(by)
        return f"reloaded: {change.difference}"
