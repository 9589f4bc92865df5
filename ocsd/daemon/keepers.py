"""Makes the keeper of the router and of each instance."""

import importlib
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ocsd.daemon.builtin.registry_host import RegistryLauncher
from ocsd.daemon.builtin.router import ExternalRouter, RouterWatch, request
from ocsd.daemon.children.forkserver_link import ForkServerLink
from ocsd.daemon.children.processes import ForkLauncher, Processes
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.launch_window import LaunchWindow, PacedLauncher
from ocsd.daemon.instances.plan import REGISTRY_CLASS, ROUTER_NAME
from ocsd.daemon.instances.ports import Launcher
from ocsd.daemon.oversight import Oversight
from ocsd.daemon.planning.settings import Settings, liveness_of, policy_of
from ocsd.daemon.surroundings.keys import refuse_without_keys
from ocsd.errors import NoKeysAtStartError
from ocsd.forkserver.protocol import SpawnRequest
from ocsd.site.model import IN_CONTAINERS, Instance, Manage
from ocsd.site.values.told import ToldLaunch
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.system.classes import ALARMS_CLASS, WEB_CLASS
from ocsd.system.proc import what_holds


@dataclass(eq=False)
class Keepers:
    """Adds instances to a fleet, each with its keeper and its way of being started.

    The fields are parts of a daemon (`ocsd.daemon.daemon.Parts`).
    """

    settings: Settings
    """The settings for the next start of each instance."""
    fleet: Fleet
    window: LaunchWindow
    processes: Processes
    forkserver: ForkServerLink
    oversight: Oversight
    reactor: Any

    containers: Any = field(default=None, init=False)
    """The instances in containers (`ocsd.daemon.containers`); None if this host has none."""
    docker_facts: Any = field(default=None, init=False)
    """The same for the clients of OCS."""
    registry: RegistryLauncher | None = field(default=None, init=False)
    """The registry; None unless it runs in this daemon."""
    external_router: ExternalRouter | None = field(default=None, init=False)
    """The router, if another daemon or program runs it."""

    @property
    def router_away_s(self) -> float:
        """Time for which the router of another daemon or program was not reachable [s]."""
        if self.external_router is None:
            return 0.0
        return self.external_router.away_s

    def add_router(self) -> None:
        """Add the router, if it runs here."""
        plan, settings = self.settings.router, self.settings
        if not plan.command:
            self.external_router = ExternalRouter(settings.hub, self.reactor)
            self.external_router.start()
            return

        def make(_: str) -> SpawnRequest:
            if plan.refusal:
                raise NoKeysAtStartError(plan.refusal)
            is_leaf = settings.plan.host.has_own_router
            refuse_without_keys(settings.hub, settings.paths, is_leaf=is_leaf)
            return request(plan, settings.paths)

        launcher = ForkLauncher(self.processes, make)
        self.fleet.router = keeper = self._keeper(ROUTER_NAME, launcher)
        watch = RouterWatch(keeper, plan, settings.hub, self.reactor)
        self.fleet.observe(watch.transition)

    def manage_containers(self) -> None:
        """Manage the services of the compose files that the site file names now, if any."""
        options = self.settings.plan.compose
        if self.containers is not None:
            self.containers.configure(options)
        elif options.files:
            # Nothing of it is loaded where there are no containers.
            module = importlib.import_module("ocsd.daemon.containers.supervision")
            self.containers = module.Containers(
                self.fleet,
                self.reactor,
                module.endpoint(os.environ),
                self.settings.working_dir,
                options,
                self.settings.paths.instance_log,
                self.add,
            )
            facts = importlib.import_module("ocsd.daemon.containers.facts")
            self.docker_facts = facts.DockerFacts(self.containers)
            self.oversight.watch(self.containers)
            self.reactor.callLater(0, self.containers.start)

    @property
    def container_trouble(self) -> str:
        """The faults of Docker and of the compose files; empty if there are none."""
        return "" if self.containers is None else str(self.containers.trouble)

    def doing(self, instance_id: str) -> str:
        """Return what is being done to bring an instance up in a container; empty if nothing is."""
        return "" if self.containers is None else str(self.containers.doing(instance_id))

    def add(self, instance: Instance, *, left: bool = False) -> Keeper:
        """Add an instance; `left` if the site file does not list it."""
        launcher: Launcher = _ByManage(ForkLauncher(self.processes, self._request), self)
        in_daemon = None
        is_ours = instance.runtime == "ocsd" and instance.manage not in IN_CONTAINERS
        if instance.agent_class == REGISTRY_CLASS and is_ours:
            self.registry = launcher = in_daemon = RegistryLauncher(self._launch, self.reactor)
        if instance.agent_class not in {WEB_CLASS, ALARMS_CLASS}:
            # The page needs no router: it is what people look at when that does not start. Nor
            # do alarms, some of which are about the router.
            launcher = PacedLauncher(launcher, self.window)
        keeper = self._keeper(instance.instance_id, launcher, instance)
        if in_daemon is not None:
            in_daemon.keeper = keeper
        self.fleet.add(instance, keeper, left=left)
        return keeper

    def heartbeats(self) -> Mapping[str, float]:
        """Return when this daemon heard each agent's heartbeat [s, monotonic], by session-id."""
        return {} if self.registry is None else self.registry.heard_s()

    def add_stranger(self, instance_id: str) -> Keeper:
        """Add an instance whose process runs although the site file no longer lists it."""
        entry = Instance(instance_id=instance_id, agent_class="Unlisted", manage=Manage.DOWN)
        return self.add(entry, left=True)

    def _launch(self, instance_id: str) -> ToldLaunch:
        return self.settings.launch(self.fleet.instance(instance_id)).told()

    def _request(self, instance_id: str) -> SpawnRequest:
        keeper = self.fleet.keeper(instance_id)
        died = keeper is not None and keeper.was_ready
        return self.settings.request(self.fleet.instance(instance_id), predecessor_died=died)

    def _keeper(
        self, instance_id: str, launcher: Launcher, instance: Instance | None = None
    ) -> Keeper:
        return Keeper(
            instance_id=instance_id,
            life=Lifecycle(policy=policy_of(instance)),
            launcher=launcher,
            clock=self.reactor,
            wall_clock=time.time,
            jitter=lambda: random.uniform(-1, 1),
            on_transition=self.fleet.announce,
            on_requests=self.oversight.record_requests,
            on_audit=self.oversight.audit.reported,
            liveness=liveness_of(instance),
            what_holds=what_holds,
            reaches=self._reaches,
            is_shared=self.oversight.incidents.failed,
            examine=self.oversight.examiner.examine,
        )

    def _reaches(self, instance_id: str) -> bool:
        if self.containers is not None and self.containers.holds(instance_id):
            return bool(self.containers.reaches(instance_id))
        return self.forkserver.answers or self.processes.is_orphan(instance_id)


@dataclass(eq=False)
class _ByManage:
    """Starts an instance as its entry's ``manage`` says, and ends it where it runs."""

    fork: ForkLauncher
    keepers: Keepers

    def spawn(self, instance_id: str) -> None:
        containers = self.keepers.containers
        is_boxed = self.keepers.fleet.instance(instance_id).manage in IN_CONTAINERS
        if is_boxed and containers is not None:
            containers.spawn(instance_id)
        else:
            self.fork.spawn(instance_id)

    def withdraw(self, instance_id: str) -> bool:
        containers = self.keepers.containers
        return containers is not None and bool(containers.withdraw(instance_id))

    def kill(self, instance_id: str, pid: int, number: int) -> None:
        containers = self.keepers.containers
        if containers is not None and containers.holds(instance_id):
            containers.kill(instance_id, pid, number)
        else:
            self.fork.kill(instance_id, pid, number)
