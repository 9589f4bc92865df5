"""Builds the parts of a daemon, then wires them; the one place that knows them all."""

import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import ocsd
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
from ocsd.daemon.instances.launch_window import LaunchWindow
from ocsd.daemon.instances.plan import ROUTER_NAME
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.keepers import Keepers
from ocsd.daemon.lock import DaemonLock
from ocsd.daemon.ocs.duplicates import DuplicateNames
from ocsd.daemon.ocs.outside import OutsideWatch
from ocsd.daemon.oversight import Oversight
from ocsd.daemon.planning.reload import Reload
from ocsd.daemon.planning.settings import Settings
from ocsd.daemon.progress import StartReport
from ocsd.daemon.settling import Settling
from ocsd.daemon.shutdown import Shutdown
from ocsd.daemon.site.face import SiteFace
from ocsd.daemon.site.others import OtherHosts
from ocsd.daemon.site.runs import CommandRuns
from ocsd.daemon.surroundings.clock import ClockWatch, ask, output_of
from ocsd.daemon.surroundings.keys import KeyWatch
from ocsd.daemon.upgrade import Upgrade
from ocsd.daemon.watching.heartbeats import HeartbeatWatch
from ocsd.daemon.watching.instance_log import last_line
from ocsd.daemon.watching.lost_files import LostFiles
from ocsd.forkserver.protocol import Spawned
from ocsd.forkserver.start import PreparedServer
from ocsd.site import load, recording
from ocsd.system.files import written_at


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
    daemon = Daemon(settings, progress, detached, reactor, lock)
    targets = Targets(paths.targets, paths.latest_targets)
    fleet = Fleet(targets, Finished(paths.finished), settings.plan.host.name)
    window = LaunchWindow(reactor, fleet.waits_for)
    # Not every wait ends with a transition, so the window is asked in every round.
    outside = OutsideWatch(settings.hub, reactor)
    words = Words(fleet.by_pid)
    notify = NotifySocket(reactor, paths.notify_socket, words.receive)
    heartbeats = HeartbeatWatch(fleet, lambda: keepers.heartbeats(), notify.show, reactor)
    always = (window.admit, daemon.audit_requests, heartbeats.check)
    oversight = Oversight(settings, fleet, reactor, (outside,), always)
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
    clock = ClockWatch(reactor, partial(ask, output_of))
    host = settings.plan.host
    keys = KeyWatch(load.router_of_site(settings.site, host), paths, host.web, reactor)
    status = StatusReport(
        host=settings.plan.host.name,
        site_file=settings.site.path or "",
        pid=os.getpid(),
        since_at=time.time(),
        hub=settings.hub,
        paths=paths,
        fleet=fleet,
        waits_for=window.waits_for,
        doing=keepers.doing,
        trouble=daemon.trouble,
        start_trouble=lambda: forkserver.trouble,
        clock_offset=lambda: clock.offset,
        left_alone=lambda: daemon.settings.plan.left_alone,
        excuse=oversight.excuse,
        router_away_s=lambda: keepers.router_away_s,
        code_at=written_at(Path(ocsd.__file__).parent),
        disks=oversight.disks.as_json,
        audit=oversight.audit.as_json,
        access=lambda: keys.as_json(daemon.settings.openness()),
        recorders=lambda: [*recording.twice(daemon.settings.site)],
    )
    upgrade = Upgrade(fleet, reactor, lock, oversight.record_upgrade, daemon.flush, status.code_at)
    face = SiteFace(
        settings=lambda: daemon.settings,
        status=status.as_json,
        unmeasured=status.unmeasured,
        upgrade=upgrade.request,
        note=oversight.audit.change,
        runs=CommandRuns(reactor, settings.plan.host.name),
        others=OtherHosts(),
        reactor=reactor,
    )
    status.site = face.as_json
    parts = Parts(
        fleet=fleet,
        window=window,
        keepers=keepers,
        processes=processes,
        forkserver=forkserver,
        notify=notify,
        oversight=oversight,
        lost_files=LostFiles(
            paths.create, daemon.excuse_everyone, oversight.record_lost_files, reactor
        ),
        reload=Reload(fleet, keepers.add),
        settling=Settling(fleet, window.waits_for, progress, reactor, daemon.settled),
        shutdown=Shutdown(fleet, reactor, daemon.stopping, daemon.stopped),
        upgrade=upgrade,
        face=face,
        clock=clock,
        keys=keys,
        duplicates=DuplicateNames(fleet, reactor.seconds),
        status=status,
        systemd=SystemdLink(reactor, fleet),
    )
    daemon.wire(parts)
    return daemon


def _last_words(settings: Settings, instance_id: str, since: Spawned | None) -> str:
    log = settings.paths.instance_log(instance_id)
    if instance_id == ROUTER_NAME:
        return last_words(log, settings.hub, since)
    return last_line(log, since)
