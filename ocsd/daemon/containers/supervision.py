"""Joins containers to the keepers of their instances."""

import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from ocsd.containers import rules
from ocsd.containers.engine import EngineSocket
from ocsd.containers.engine import endpoint as endpoint  # for who makes this
from ocsd.containers.inspected import Container
from ocsd.containers.services import DOCKER_CLASS, find, trouble_of, unclaimed
from ocsd.daemon.containers.engine import Engine
from ocsd.daemon.containers.files import ComposeFiles
from ocsd.daemon.containers.logs import ContainerLogs
from ocsd.daemon.containers.looks import Looks
from ocsd.daemon.containers.starts import Starts
from ocsd.daemon.containers.stops import Stops
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.errors import PERMANENT_FAILURE_EXIT
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.site.compose import ComposeOptions
from ocsd.site.model import IN_CONTAINERS, Instance, Manage
from ocsd.supervisor.events import CauseCleared, DownRequested, State, Target
from ocsd.system.proc import start_ticks

UNAVAILABLE_EXIT = 69
"""The exit code of a start that Docker did not allow (EX_UNAVAILABLE of sysexits.h)."""


class _Phase(Enum):
    """The way of an instance up."""

    ASKED = auto()
    COMMANDED = auto()
    """docker compose works on it."""
    DONE = auto()
    """docker compose is done, and the container has not been looked at since."""


@dataclass(eq=False)
class Containers:
    """The instances of this host that Docker runs (`ocsd.daemon.instances.ports.Launcher`)."""

    log = Logger()

    fleet: Fleet
    reactor: Any
    endpoint: EngineSocket
    folder: Path
    """The working directory of the daemon's instances."""
    options: ComposeOptions
    log_path: Callable[[str], Path]
    """Returns the log of an instance."""
    add: Callable[[Instance], Keeper]
    """Adds an instance for a service that no entry of the site file stands for."""

    observers: list[Callable[[], None]] = field(default_factory=list, init=False)
    """Called when something was looked at."""

    def __post_init__(self) -> None:
        engine = Engine(self.reactor, self.endpoint)
        self.files = ComposeFiles(self.reactor, self.folder, self.options, self._files_changed)
        self.looks = Looks(self.reactor, engine, self.files.all, self._settle)
        self.starts = Starts(engine, self.files, self._started)
        self.logs = ContainerLogs(engine)
        self.stops = Stops(self.reactor, engine, self._finish_log, self.looks.soon)
        self._services: dict[str, str] = {}
        self._runs: dict[str, rules.Run] = {}
        self._phases: dict[str, _Phase] = {}
        self._done_at: dict[str, int] = {}
        self._had_trouble = False

    def start(self) -> None:
        """Begin to look."""
        self.files.round()
        self.looks.soon(0)

    def configure(self, options: ComposeOptions) -> None:
        """Use other arguments of the HostManager, and read the compose files again."""
        self.options = self.files.options = options
        self.files.forget()
        self._files_changed()

    # As a launcher, and for the ladder of a stop

    def spawn(self, instance_id: str) -> None:
        """Bring up the container of an instance, unless it runs already."""
        self._phases[instance_id] = _Phase.ASKED
        self.looks.soon(0)

    def withdraw(self, instance_id: str) -> bool:
        """Take back a start that has not begun."""
        if self._phases.get(instance_id) is _Phase.ASKED:
            del self._phases[instance_id]
            return True
        self.starts.withdraw(instance_id)
        return False

    def kill(self, instance_id: str, pid: int, number: int) -> None:
        """End the container of an instance: the signal says how firmly."""
        container = self._container(instance_id)
        if container is None:
            self.looks.soon()
        else:
            self.stops.signal(instance_id, container, number)

    def holds(self, instance_id: str) -> bool:
        """Whether the process of an instance is a container's."""
        return instance_id in self._runs

    def reaches(self, instance_id: str) -> bool:
        """Whether a container had the time to end that it has by its compose file."""
        return not self.looks.trouble and not self.stops.takes_its_time(instance_id)

    # What others ask

    def is_ours(self, instance: Instance) -> bool:
        """Whether Docker is to run an instance."""
        return instance.manage in IN_CONTAINERS

    def doing(self, instance_id: str) -> str:
        """Return what is being done to bring an instance up; empty if nothing is."""
        return self.starts.doing.get(instance_id, "")

    @property
    def trouble(self) -> str:
        """The faults of Docker and of the compose files; empty if there are none, or no files."""
        if not self.options.files:
            return ""
        return "; ".join(filter(None, (self.looks.trouble, trouble_of(self.files.all()))))

    def service(self, instance_id: str) -> str:
        """Return the name of the service of an instance."""
        return self._services.get(instance_id) or f"{self.options.prefix}{instance_id}"

    def check(self, instance: Instance, keeper: Keeper) -> None:
        """Report how a container does, once a second (`ocsd.daemon.watching.watches.Watch`)."""
        container = self._container(instance.instance_id)
        if not self.holds(instance.instance_id):
            return
        if self.looks.trouble:
            is_up = keeper.life.state is State.UP
            keeper.notified(rules.silence(self.looks.trouble, is_up))
            # It is not to be restarted for that.
            keeper.excuse()
        elif container is not None:
            keeper.notified(rules.report(container))

    def _container(self, instance_id: str) -> Container | None:
        return self.looks.containers.get(self.service(instance_id))

    def _instances(self) -> Iterator[tuple[Instance, Keeper]]:
        return iter([pair for pair in self.fleet if self.is_ours(pair[0])])

    # Events

    def _files_changed(self) -> None:
        """Add the services that are no agents, and drop those that are gone."""
        if self.files.are_read:
            self._list_services()
        for _, keeper in self._instances():
            if keeper.life.state is State.FAILED:
                keeper.deliver(CauseCleared("a compose file, or what leads to it, changed"))
        self.looks.look_at_images()
        self.looks.soon()

    def _list_services(self) -> None:
        agents = [each for each, _ in self._instances() if each.instance_id not in self._services]
        claimed = [self.service(each.instance_id) for each in agents]
        names = unclaimed(self.files.all(), claimed)
        for instance_id, name in list(self._services.items()):
            if name not in names:
                del self._services[instance_id]
                self._runs.pop(instance_id, None)
                self.fleet.drop(instance_id)
        for name in names:
            if name in self._services.values():
                continue
            instance_id = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
            if self.fleet.keeper(instance_id) is not None:
                instance_id = f"docker-{instance_id}"
            if self.fleet.keeper(instance_id) is None:
                self._services[instance_id] = name
                self.fleet.passive.add(instance_id)
                self.add(
                    Instance(
                        instance_id=instance_id,
                        agent_class=DOCKER_CLASS,
                        manage=Manage.DOCKER_DOWN,
                        restart="never",
                    )
                )

    def _started(self, instance_id: str, why: str) -> None:
        """Take the end of docker compose, and why it failed."""
        keeper = self.fleet.keeper(instance_id)
        if self._phases.get(instance_id) is not _Phase.COMMANDED or keeper is None:
            return
        if why:
            self._fail(keeper, UNAVAILABLE_EXIT, why)
            return
        self._phases[instance_id] = _Phase.DONE
        self._done_at[instance_id] = self.looks.number
        self.looks.soon(0)

    def _settle(self) -> None:
        """Tell the keepers what the last look has shown."""
        self.files.round()
        if not self.looks.trouble:
            self.stops.catch_up()
        for _, keeper in self._instances():
            try:
                self._tell(keeper)
            except Exception:  # noqa: BLE001 - one that fails must not end all others
                self.log.failure("while looking at {name}", name=keeper.instance_id)
        answers_again, self._had_trouble = self._had_trouble, bool(self.looks.trouble)
        if answers_again and not self.looks.trouble:
            for _, keeper in self._instances():
                if keeper.life.state is State.BACKOFF:
                    keeper.deliver(CauseCleared("Docker answers again"))
        self._copy_logs()
        for observer in list(self.observers):
            observer()

    def _finish_log(self, instance_id: str, container: Container) -> Awaitable[None]:
        return self.logs.finish(self.log_path(instance_id), container)

    def _copy_logs(self) -> None:
        if not self.looks.trouble:
            pairs = ((each, self._container(each.instance_id)) for each, _ in self._instances())
            found = {self.log_path(each.instance_id): seen for each, seen in pairs if seen}
            self.logs.follow(found)

    def _tell(self, keeper: Keeper) -> None:
        instance_id = keeper.instance_id
        if self.looks.seen_number and not self.looks.trouble:
            seen, known = self._container(instance_id), self._runs.get(instance_id)
            died_with = self.looks.died_with.get(known[0]) if known else None
            for step in rules.steps(known, seen, died_with):
                match step:
                    case rules.RunEnded(code, detail):
                        self._ended(keeper, code, detail)
                    case rules.RunBegan(container):
                        self._began(keeper, container)
        if instance_id in self._phases:
            self._go_on(keeper)

    def _ended(self, keeper: Keeper, code: int | None, detail: str) -> None:
        instance_id = keeper.instance_id
        container_id, _ = self._runs.pop(instance_id)
        self.looks.died_with.pop(container_id, None)
        keeper.ended(Ended(instance_id, keeper.pid or 0, code, None, detail))
        life = keeper.life
        if instance_id in self._services and life.state is State.DOWN and life.target is Target.UP:
            # Nobody asked for a service that is no agent; it may rest.
            keeper.deliver(DownRequested())

    def _began(self, keeper: Keeper, container: Container) -> None:
        instance_id = keeper.instance_id
        self._runs[instance_id] = container.run
        phase = self._phases.pop(instance_id, None)
        report = Spawned(instance_id, container.pid, start_ticks(container.pid))
        expected = keeper.life.has_process
        found = phase is not _Phase.DONE and keeper.life.state is not State.STOPPING
        if found and keeper.pid is None:
            started_at = rules.began_at(container)
            keeper.adopt(report, started_at)
        else:
            keeper.spawned(report)
        keeper.notified(rules.report(container))
        if not expected and instance_id not in self.fleet.passive:
            self.fleet.reconsider(instance_id)

    def _go_on(self, keeper: Keeper) -> None:
        """Take the next step of a start."""
        instance_id = keeper.instance_id
        phase = self._phases[instance_id]
        if phase is _Phase.COMMANDED or instance_id in self.stops.under_way:
            return
        if self.looks.trouble:
            self._fail(keeper, UNAVAILABLE_EXIT, self.looks.trouble)
            return
        seen = self._container(instance_id)
        is_known = self.looks.seen_number > self._done_at.get(instance_id, 0)
        if not (is_known and self.files.are_read) or rules.is_left_to_engine(seen, time.time()):
            return
        if phase is _Phase.DONE:
            end = (
                rules.end_of(seen)
                if seen
                else rules.RunEnded(1, "docker compose made no container")
            )
            self._fail(keeper, end.code, end.detail)
            return
        service = find(self.service(instance_id), self.files.all())
        if isinstance(service, str):
            self._fail(keeper, PERMANENT_FAILURE_EXIT, service)
            return
        self._phases[instance_id] = _Phase.COMMANDED
        self.starts.start(instance_id, service)

    def _fail(self, keeper: Keeper, code: int | None, detail: str) -> None:
        del self._phases[keeper.instance_id]
        keeper.ended(Ended(keeper.instance_id, 0, code, None, detail))
