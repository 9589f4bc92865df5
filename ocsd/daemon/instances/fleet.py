"""The instances of a host, and what can be asked of them."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeAlias

from twisted.logger import Logger

from ocsd.daemon.instances.finished import Finished
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.instances.transition import Transition
from ocsd.errors import NoSuchInstanceError, StoppingError
from ocsd.forkserver.protocol import Ended
from ocsd.site.model import Instance
from ocsd.supervisor.events import (
    DownRequested,
    RestartRequested,
    State,
    Target,
    UpRequested,
)
from ocsd.supervisor.order import waits_for
from ocsd.text.nearest import did_you_mean

Observer: TypeAlias = Callable[[Transition], None]

LEFT = "left the site file"
MANAGED_DOWN = "manage is down in the site file"


class Fleet:
    """All instances of a host.

    Parameters
    ----------
    targets : Targets
        What the operator wants.
    finished : Finished, optional
        Jobs that are done.

    Attributes
    ----------
    router : Keeper or None
        What keeps the router, if it runs here.
    stopping : bool
        Whether everything is being stopped; nothing may be changed then.
    """

    log = Logger()

    def __init__(self, targets: Targets, finished: Finished | None = None) -> None:
        self._targets = targets
        self._finished = finished or Finished()
        self._keepers: dict[str, Keeper] = {}
        self._instances: dict[str, Instance] = {}
        self._observers: list[Observer] = []
        self.router: Keeper | None = None
        self.stopping = False
        self._launched = False
        self._at_launch: list[Callable[[], None]] = []
        self._leaving: set[str] = set()

    def add(self, instance: Instance, keeper: Keeper) -> None:
        """Add an instance and what keeps it."""
        self._leaving.discard(instance.instance_id)
        self._instances[instance.instance_id] = instance
        self._keepers[instance.instance_id] = keeper
        end = self._finished.of(instance)
        if end is not None:
            keeper.recall(self._wanted(instance), end.reason, end.at)

    def replace(self, instance: Instance) -> None:
        """Give an instance another entry."""
        self._leaving.discard(instance.instance_id)
        self._instances[instance.instance_id] = instance
        if not self.is_finished(instance):
            self._finished.forget(instance.instance_id)

    def leave(self, name: str) -> None:
        """Want an instance no more that the site file does not list, and forget it once it is down.

        What is found running without an entry is started again by nobody.
        """
        self._leaving.add(name)

    def end(self, name: str, by: str) -> None:
        """End an instance that has left the site file."""
        self.leave(name)
        self._keepers[name].deliver(DownRequested(by, LEFT))
        self._forget(name)

    @property
    def listed(self) -> list[str]:
        """The names of all instances that the site file lists."""
        return [name for name in self._keepers if name not in self._leaving]

    def __iter__(self) -> Iterator[tuple[Instance, Keeper]]:
        """Iterate over the instances, in the order of their start."""
        return iter([(self._instances[name], keeper) for name, keeper in self._keepers.items()])

    def everyone(self) -> Iterator[Keeper]:
        """Iterate over all keepers, the router's first."""
        if self.router is not None:
            yield self.router
        yield from list(self._keepers.values())

    def keeper(self, name: str) -> Keeper | None:
        """Return what keeps an instance, or the router, if there is one of this name."""
        if self.router is not None and name == self.router.instance_id:
            return self.router
        return self._keepers.get(name)

    def instance(self, name: str) -> Instance:
        """Return the entry of an instance.

        Raises
        ------
        KeyError
            If there is none of this name.
        """
        return self._instances[name]

    def target(self, name: str) -> Target:
        """Return what is wanted of an instance, also before it can be brought about."""
        if self._launched or self.stopping:
            return self._keepers[name].life.target
        return self._wanted(self._instances[name])

    def why_not(self, name: str) -> str:
        """Return what keeps an instance down that the site file wants up; nothing if it is not."""
        if self._keepers[name].life.state is not State.DOWN:
            return ""
        if self.target(name) is Target.DOWN:
            return self._targets.reason(self._instances[name])
        return "" if self._launched else "the daemon waits for its fork server"

    def resting(self) -> dict[str, str]:
        """Return the listed instances that nobody wants to run, each with the reason."""
        return {
            name: self._why_rests(name) for name in self.listed if self.target(name) is Target.DOWN
        }

    def _why_rests(self, name: str) -> str:
        instance = self._instances[name]
        if self.is_finished(instance):
            return self._keepers[name].life.reason
        return self._targets.reason(instance) or MANAGED_DOWN

    def is_finished(self, instance: Instance) -> bool:
        """Whether an instance with this entry has ended and is started by somebody's word only."""
        return self._finished.of(instance) is not None

    def ended_unseen(self, ended: Ended) -> bool:
        """Take note of an end while no daemon ran; return whether it stays the last one."""
        keeper = self._keepers.get(ended.name)
        if self._launched or keeper is None or keeper.life.has_process:
            return False
        instance = self._instances[ended.name]
        return self._wanted(instance) is Target.UP and keeper.ended_unseen(ended)

    def waits_for(self, name: str) -> tuple[str, ...]:
        """Return the instances that have to be ready before `name` is started.

        One that nobody wants to run keeps nobody waiting, nor does a job that is done.
        """
        if name not in self._instances:
            return ()
        ready = {
            each
            for each, keeper in self._keepers.items()
            # What is wanted, for at a launch not every keeper has been told yet.
            if keeper.life.state is State.UP or self._wanted(self._instances[each]) is Target.DOWN
        }
        after = self._instances[name].after
        return waits_for(name, {name: after}, {*ready, *(set(after) - set(self._keepers))})

    def by_pid(self, pid: int) -> Keeper | None:
        """Return what keeps the process `pid`."""
        return next((each for each in self.everyone() if each.pid == pid), None)

    def check(self, names: Collection[str]) -> None:
        """Make sure that all these instances exist and may be changed.

        Raises
        ------
        NoSuchInstanceError
            Names all that do not, each with the nearest name that does.
        StoppingError
            If everything is being stopped.
        """
        if self.stopping:
            raise StoppingError("everything on this host is being stopped; try again after that")
        unknown = [name for name in names if self.keeper(name) is None]
        if unknown:
            described = (f"{name!r}{did_you_mean(name, self._keepers)}" for name in unknown)
            raise NoSuchInstanceError(f"this host has no instance {', '.join(described)}")
        gone = sorted(self._leaving.intersection(names))
        if gone:
            raise NoSuchInstanceError(
                f"{', '.join(gone)} has left the site file; what still runs of it is being ended"
            )

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` with every transition from now on; return what ends that."""
        self._observers.append(observer)

        def forget() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return forget

    def announce(self, transition: Transition) -> None:
        """Tell all observers of a transition."""
        if transition.instance_id in self._instances:
            self._finished.note(transition, self._instances[transition.instance_id])
        for observer in list(self._observers):
            try:
                observer(transition)
            except Exception:  # noqa: BLE001 - who only looks on must not stop what is decided
                self.log.failure(
                    "while telling of a transition of {name}", name=transition.instance_id
                )
        if transition.instance_id in self._leaving:
            self._forget(transition.instance_id)

    def launch(self) -> None:
        """Bring every instance into its target state, as remembered."""
        self._launched = True
        for waiting in self._at_launch:
            waiting()
        for instance, keeper in self:
            wanted = self._wanted(instance)
            if wanted is Target.UP:
                if not (keeper.life.has_process or self.is_finished(instance)):
                    keeper.deliver(UpRequested())
            else:
                keeper.deliver(self._end_of(keeper.instance_id))

    def when_launched(self, do: Callable[[], None]) -> None:
        """Do something now, or as soon as it is known what runs already."""
        if self._launched:
            do()
        else:
            self._at_launch.append(do)

    def reconsider(self, name: str) -> None:
        """End an instance that was found running although nobody wants it to."""
        keeper = self._keepers.get(name)
        unwanted = keeper and self._wanted(self._instances[name]) is Target.DOWN
        if keeper is not None and (unwanted or self.stopping):
            keeper.deliver(self._end_of(name))

    def up(self, names: Iterable[str], by: str = "") -> None:
        """Want instances to run, because somebody asked; failed ones are tried again."""
        self._want(names, Target.UP, UpRequested(by))

    def down(self, names: Iterable[str], by: str = "") -> None:
        """Want instances to end, because somebody asked."""
        self._want(names, Target.DOWN, DownRequested(by))

    def restart(self, names: Iterable[str], by: str = "") -> None:
        """Want instances to end and to run again, because somebody asked."""
        self._want(names, Target.UP, RestartRequested(by))

    def _end_of(self, name: str) -> DownRequested:
        return DownRequested(why=LEFT if name in self._leaving else "")

    def _wanted(self, instance: Instance) -> Target:
        end = self._finished.of(instance)
        is_done = end is not None and end.target is Target.DOWN
        if is_done or instance.instance_id in self._leaving:
            return Target.DOWN
        return self._targets.of(instance)

    def _forget(self, name: str) -> None:
        keeper = self._keepers.get(name)
        if keeper is not None and keeper.life.state is State.DOWN:
            self._leaving.discard(name)
            del self._instances[name], self._keepers[name]
            self._finished.forget(name)

    def _want(
        self,
        names: Iterable[str],
        target: Target,
        request: UpRequested | DownRequested | RestartRequested,
    ) -> None:
        names = list(names)
        # Before anything is done: what cannot be remembered is refused as a whole.
        # (The router is no instance; its target is what the site file says.)
        remembered = [self._instances[name] for name in names if name in self._instances]
        self._targets.remember(remembered, target, request.by)

        def deliver() -> None:
            for name in names:
                keeper = self.keeper(name)
                if keeper is not None:
                    keeper.deliver(request)

        # What runs unknown to this daemon yet would not be restarted.
        self.when_launched(deliver)

    @property
    def settled(self) -> bool:
        """Whether every instance is where it will stay, or waits for another try."""
        return all(
            keeper.life.settled or keeper.life.state is State.BACKOFF for keeper in self.everyone()
        )
