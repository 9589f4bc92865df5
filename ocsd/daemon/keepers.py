"""Makes the keeper of the router and of each instance."""

import random
import time
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
from ocsd.site.launch import Launch
from ocsd.site.model import Instance, Manage
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
            refuse_without_keys(settings.hub, settings.paths)
            return request(plan, settings.paths)

        launcher = ForkLauncher(self.processes, make)
        self.fleet.router = keeper = self._keeper(ROUTER_NAME, launcher)
        watch = RouterWatch(keeper, plan, settings.hub, self.reactor)
        self.fleet.observe(watch.transition)

    def add(self, instance: Instance, *, left: bool = False) -> Keeper:
        """Add an instance; `left` if the site file does not list it."""
        launcher: Launcher = ForkLauncher(self.processes, self._request)
        in_daemon = None
        if instance.agent_class == REGISTRY_CLASS and instance.runtime == "ocsd":
            launcher = in_daemon = RegistryLauncher(self._launch, self.reactor)
        if instance.agent_class not in {WEB_CLASS, ALARMS_CLASS}:
            # The page needs no router: it is what people look at when that does not start. Nor
            # do alarms, some of which are about the router.
            launcher = PacedLauncher(launcher, self.window)
        keeper = self._keeper(instance.instance_id, launcher, instance)
        if in_daemon is not None:
            in_daemon.keeper = keeper
        self.fleet.add(instance, keeper, left=left)
        return keeper

    def add_stranger(self, instance_id: str) -> Keeper:
        """Add an instance whose process runs although the site file no longer lists it."""
        entry = Instance(instance_id=instance_id, agent_class="Unlisted", manage=Manage.DOWN)
        return self.add(entry, left=True)

    def _launch(self, instance_id: str) -> Launch:
        return self.settings.launch(self.fleet.instance(instance_id))

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
        return self.forkserver.answers or self.processes.is_orphan(instance_id)
