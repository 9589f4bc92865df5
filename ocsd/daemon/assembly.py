"""Builds the parts of a daemon, then wires them; the one place that knows them all."""

import os
import time
from functools import partial
from typing import Any

from ocsd.daemon.api.status import StatusReport
from ocsd.daemon.api.systemd import SystemdLink
from ocsd.daemon.builtin.router import last_words
from ocsd.daemon.children.forkserver_link import ForkServerLink
from ocsd.daemon.children.notifications import NotifySocket
from ocsd.daemon.children.processes import Processes
from ocsd.daemon.children.words import Words
from ocsd.daemon.daemon import Daemon, Parts
from ocsd.daemon.instances.finished import Finished
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.plan import ROUTER_NAME
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.instances.window import LaunchWindow
from ocsd.daemon.keepers import Keepers
from ocsd.daemon.lock import DaemonLock
from ocsd.daemon.ocs.outside import OutsideWatch
from ocsd.daemon.oversight import Oversight
from ocsd.daemon.planning.reload import Reload
from ocsd.daemon.planning.settings import Settings
from ocsd.daemon.progress import StartReport
from ocsd.daemon.settling import Settling
from ocsd.daemon.shutdown import Shutdown
from ocsd.daemon.upgrade import Upgrade
from ocsd.daemon.watching.instance_log import last_line
from ocsd.daemon.watching.lost_files import LostFiles
from ocsd.forkserver.protocol import Spawned
from ocsd.forkserver.start import PreparedServer


def assemble(
    settings: Settings,
    server: PreparedServer,
    progress: StartReport,
    detached: bool,
    reactor: Any,
    lock: DaemonLock,
) -> Daemon:
    """Return a daemon that has all its parts and is not started yet.

    The parameters are those of `Daemon`, and `server`: the fork server that was started for
    it, or its process that was not needed.
    """
    paths = settings.paths
    # Build
    daemon = Daemon(settings, progress, detached, reactor, lock)
    targets, finished = Targets(paths.targets), Finished(paths.finished)
    fleet = Fleet(targets, finished)
    window = LaunchWindow(reactor, fleet.waits_for)
    # Not every wait ends with a transition, so the window is asked in every round.
    outside, always = OutsideWatch(settings.hub, reactor), (window.admit,)
    oversight = Oversight(settings, fleet, reactor, (outside,), always)
    words = Words(fleet.by_pid)
    notify = NotifySocket(reactor, paths.notify_socket, words.heard)
    processes = Processes(
        fleet=fleet,
        reactor=reactor,
        on_hello=daemon.hello,
        on_stranger=daemon.add_stranger,
        on_spawned=words.claim,
        drain=notify.doRead,
        last_words=partial(_last_words, settings),
        on_lost=daemon.forkserver_lost,
        on_missed=oversight.chronicle.missed,
    )
    forkserver = ForkServerLink(
        server, paths, processes.connection, reactor, daemon.give_up, daemon.forkserver_ended
    )
    keepers = Keepers(settings, fleet, window, processes, forkserver, oversight, reactor)
    status = StatusReport(
        host=settings.plan.host.name,
        site_file=settings.site.path or "",
        pid=os.getpid(),
        since_at=time.time(),
        hub=settings.hub,
        paths=paths,
        fleet=fleet,
        waits_for=window.waits_for,
        trouble=daemon.trouble,
        start_trouble=lambda: forkserver.trouble,
        excuse=oversight.excuse,
    )
    settling = Settling(fleet, window.waits_for, progress, reactor, daemon.settled)
    shutdown = Shutdown(fleet, reactor, daemon.stopping, daemon.stopped)
    upgrade = Upgrade(fleet, reactor, lock, daemon.flush)
    lost_files = LostFiles(paths.create, daemon.excuse_everyone, oversight.note, reactor)
    systemd, reload = SystemdLink(reactor, fleet), Reload(fleet, keepers.add)
    # Wire
    parts = Parts(
        fleet,
        targets,
        finished,
        window,
        keepers,
        processes,
        forkserver,
        notify,
        oversight,
        lost_files,
        reload,
        settling,
        shutdown,
        upgrade,
        status,
        systemd,
    )
    daemon.wire(parts)
    return daemon


    def __init__(
        self,
        settings: Settings,
        server: PreparedServer,
        progress: StartReport,
        detached: bool,
        reactor: Any,
        lock: DaemonLock,
    ) -> None:
        paths = settings.paths
        self.failure: OcsdError | None = None
        self._ended = False
        self._settings = settings
        self._progress = progress
        self._detached = detached
        self._reactor = reactor
        self._launched = False
        self._targets = Targets(paths.targets)
        self._finished = Finished(paths.finished)
        self.fleet = Fleet(self._targets, self._finished)
        self._systemd = SystemdLink(reactor, self.fleet)
        self._shutdown = Shutdown(self.fleet, reactor, self._stopping, self._stopped)
        self._window = LaunchWindow(reactor, self.fleet.waits_for)
        self._settling = Settling(
            self.fleet, self._window.waits_for, progress, reactor, self._settled
        )
        words = Words(self.fleet.by_pid)
        self._notify = NotifySocket(reactor, paths.notify_socket, words.receive)
        self._processes = Processes(
            fleet=self.fleet,
            reactor=reactor,
            on_hello=self._hello,
            on_stranger=self._take_stranger,
            on_spawned=words.claim,
            drain=self._notify.doRead,
            last_words=self._last_words,
            on_lost=self._forkserver_lost,
            on_missed=lambda ended: self._oversight.chronicle.missed(ended),
        )
        self._forkserver = ForkServerLink(
            server,
            paths,
            self._processes.connection,
            reactor,
            self.give_up,
            self._forkserver_ended,
        )
        outside = OutsideWatch(settings.hub, reactor)
        always = (self._window.look,)  # not every wait ends with a transition
        self._oversight = Oversight(settings, self.fleet, reactor, (outside,), always)
        self._lock = lock
        self._upgrade = Upgrade(self.fleet, reactor, lock, self._flush)
        self._lost_files = LostFiles(
            paths.create, self._excuse_everyone, self._oversight.record_lost_files, reactor
        )
        self._host_manager: Any = None
        self._reload = Reload(self.fleet, self._targets, self._add)
        self._add_router()
        for instance in settings.plan.instances:
            self._add(instance)
        self.fleet.observe(self._observe)
        self._status = StatusReport(
            host=settings.plan.host.name,
            site_file=settings.site.path or "",
            pid=os.getpid(),
            since_at=time.time(),
            hub=settings.hub,
            paths=paths,
            fleet=self.fleet,
            waits_for=self._window.waits_for,
            trouble=self._trouble,
            start_trouble=lambda: self._forkserver.trouble,
            excuse=self._oversight.excuse,
        )

    def start(self) -> None:
        """Open the sockets and connect to the fork server; the rest follows from its Hello."""
        for notice in (*self._settings.plan.notices, self._targets.notice):
            if notice:
                self._progress.say(f"  {notice}")
        paths = self._settings.paths
        self._notify.open()
        self._lost_files.keep(paths.notify_socket, self._notify.open)
        self._lost_files.keep(paths.pid_file, lambda: DaemonLock(paths.pid_file, paths.host))
        self._lost_files.start()
        self._forkserver.connect()
        self._systemd.start()
        self._oversight.start()
        self._settling.start()
        self._reactor.callLater(0, attempt, self._open_control, self.give_up)

    def stop(self, write: Write = lambda _: None) -> None:
        """End everything in order, then the daemon.

        Parameters
        ----------
        write : callable
            Takes a JSON object for each step.
        """
        self._shutdown.request(write)

    # Building

    def _add_router(self) -> None:
        plan, settings = self._settings.router, self._settings
        if not plan.command:
            return
        launcher = ForkLauncher(self._processes, lambda _: request(plan, settings.paths))
        keeper = self._keeper(ROUTER_NAME, launcher)
        self.fleet.router = keeper
        watch = RouterWatch(keeper, plan, settings.hub, self._reactor)
        self.fleet.observe(watch.transition)

    def _add(self, instance: Instance) -> None:
        if instance.agent_class == REGISTRY_CLASS and instance.runtime == "ocsd":
            in_daemon = RegistryLauncher(self._launch, self._reactor)
            in_daemon.keeper = self._keep(instance, in_daemon)
            return
        self._keep(instance, ForkLauncher(self._processes, self._request))

    def _keep(self, instance: Instance, launcher: Launcher) -> Keeper:
        paced = PacedLauncher(launcher, self._window)
        keeper = self._keeper(instance.instance_id, paced, instance)
        self.fleet.add(instance, keeper)
        return keeper

    def _launch(self, name: str) -> Launch:
        return self._settings.launch(self.fleet.instance(name), predecessor_died=False)

    def _request(self, name: str) -> SpawnRequest:
        keeper = self.fleet.keeper(name)
        died = keeper is not None and keeper.was_ready
        return self._settings.request(self.fleet.instance(name), predecessor_died=died)

    def _keeper(self, name: str, launcher: Launcher, instance: Instance | None = None) -> Keeper:
        oversight = self._oversight
        return Keeper(
            name=name,
            life=Lifecycle(policy=policy_of(instance)),
            launcher=launcher,
            clock=self._reactor,
            wall_clock=time.time,
            jitter=lambda: random.uniform(-1, 1),
            on_transition=self.fleet.announce,
            liveness=liveness_of(instance),
            what_holds=what_holds,
            reaches=self._reaches,
            is_shared=oversight.incidents.failed,
            examine=oversight.examiner.examine,
        )

    def _reaches(self, name: str) -> bool:
        return self._forkserver.answers or self._processes.is_orphan(name)

    def _take_stranger(self, name: str) -> Keeper:
        """Return a keeper for a process that the site file no longer lists."""
        self._add(Instance(instance_id=name, agent_class="Unlisted", manage=Manage.DOWN))
        self.fleet.leave(name)
        keeper = self.fleet.keeper(name)
        if keeper is None:
            raise LookupError(name)
        return keeper

    # What happens

    def _open_control(self) -> None:
        """Serve the control API; its web server is loaded while the fork server gets ready."""
        control = importlib.import_module("ocsd.daemon.api.control")
        site = control.control_site(
            self._status,
            self.fleet,
            self._reactor,
            self.stop,
            self._upgrade.request,
            self.reload,
        )
        path = self._settings.paths.control_socket
        ControlPort(self._reactor, path, site, self._lost_files).open()

    def _excuse_everyone(self) -> None:
        for keeper in self.fleet.everyone():
            keeper.excuse()

    def _flush(self) -> None:
        self._oversight.chronicle.close()
        self._settings.log.flush()

    def _trouble(self) -> str:
        troubles = (
            self._oversight.chronicle.trouble,
            self._targets.notice,
            self._processes.notice,
        )
        return "; ".join(filter(None, troubles))

    def _last_words(self, name: str, since: Spawned | None) -> str:
        log = self._settings.paths.instance_log(name)
        if name == ROUTER_NAME:
            return last_words(log, self._settings.hub, since)
        return last_line(log, since)

    def _hello(self, hello: Hello) -> None:
        """Launch everything, now that it is known what runs already."""
        self._forkserver.greeted(hello.pid)
        if self._launched:
            return
        if hello.notice:
            self._progress.say(f"  {hello.notice}")
        self._launched = True
        if hello.orphans and not self._settings.fork_server_runs:
            self._forkserver_ended(0, "ended while no daemon ran, exit code unknown")
        self._shutdown.know()
        if self._shutdown.requested:
            return
        router = self.fleet.router
        if router is None:
            self._window.open()
        elif router.life.state is State.DOWN:
            router.deliver(UpRequested())
        self._reactor.callLater(ROUTER_LIMIT_S, self._window.open)
        self.fleet.launch()
        self._settling.look()

    def _forkserver_lost(self) -> None:
        if self._ended:
            self._reactor.stop()
        else:
            self._forkserver.lost()

    def _forkserver_ended(self, pid: int, how: str) -> None:
        self._processes.server_ended(pid, how)
        self._oversight.chronicle.record(DAEMON, "ForkServerEnded", how, pid or None)

    def give_up(self, failure: OcsdError) -> None:
        """End this daemon, and nothing else."""
        self.failure = failure
        self._reactor.stop()

    def _stopping(self) -> None:
        self._lock.stopping()
        self._systemd.stopping()
        self._progress.say("stopping")

    def _stopped(self, took_s: float) -> None:
        self._ended = True
        self._finished.clear()
        self._oversight.record_stop()
        self._progress.say(f"stopped after {took_s:.2f} s")
        self._processes.connection.send(EndRequest())

    def _observe(self, transition: Transition) -> None:
        after = transition.after
        self.log.info(
            "{name}: {before} -> {after} {reason}",
            name=transition.name,
            before=transition.before.state,
            after=after.state,
            reason=after.reason,
        )
        self._progress.transition(transition)
        self._systemd.send_status()
        self._window.look()
        if after.state is not State.STARTING:
            self._window.leave(transition.name)
        if transition.name == ROUTER_NAME and after.state is not State.STARTING:
            self._window.open()
        if self._launched:  # before that all are down, and nothing is settled
            self._settling.look()

    def _be_host_manager(self) -> None:
        """Answer OCS's tools; autobahn is loaded when the agents have been asked for."""
        if self._shutdown.requested:
            return
        session = importlib.import_module("ocsd.daemon.ocs.host_manager_session")
        instance = self._settings.plan.host_manager
        launch = self._settings.launch(instance, predecessor_died=False)
        self._host_manager = session.connect(
            launch, self.fleet, self._reload_for_clients, self.stop, self._reactor
        )

    def reload(self, by: str, dry_run: bool = False) -> Reloaded:
        """Take the site file, as it is now, into use.

        Parameters
        ----------
        by : str
            Who asks.
        dry_run : bool
            Only tell what would change.

        Returns
        -------
        Reloaded
            What changed, or would, and which instances are on their way now.

        Raises
        ------
        SiteFileError, ReloadRefusedError, StoppingError
            If it cannot be used; nothing has changed then.
        """
        self.fleet.check(())
        change = self._reload.foresee(compare(self._settings))
        if dry_run:
            return change, {}
        self._settings = change.settings
        self._oversight.apply_reload(change.settings, change.difference, by)
        return change, self._reload.apply(change, by)

    def _reload_for_clients(self) -> str:
        change, _ = self.reload("a client of the HostManager's operations")
        return f"reloaded: {change.difference}"

    def _settled(self) -> None:
        self._systemd.ready()
        self._reactor.callLater(0, self._be_host_manager)
        if self._detached:
            self._progress.hush()
