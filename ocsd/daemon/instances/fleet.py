"""The instances of a host: their keepers, and requests that concern several of them."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from twisted.logger import Logger

from ocsd.daemon.instances.finished import Finished
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import ROUTER_NAME
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.instances.transition import Transition
from ocsd.errors import NoSuchInstanceError, StoppingError
from ocsd.forkserver.protocol import Ended
from ocsd.site.model import Instance
from ocsd.supervisor.events import (
    DownRequested,
    Request,
    RestartRequested,
    State,
    Target,
    UpRequested,
)
from ocsd.supervisor.wish import LEFT, Cause, Wish, Word, wish
from ocsd.system.classes import WEB_CLASS
from ocsd.text.nearest import did_you_mean
from ocsd.text.times import utc

Observer: TypeAlias = Callable[[Transition], None]


@dataclass(eq=False)
class Fleet:
    """All instances of a host."""

    log = Logger()

    targets: Targets
    """The remembered requests of operators."""
    finished: Finished = field(default_factory=Finished)
    """Jobs that are done."""
    host: str = ""
    """The name of the host."""
    router: Keeper | None = field(default=None, init=False)
    """The router's keeper, if the router runs here."""
    stopping: bool = field(default=False, init=False)
    """Whether everything is being stopped; nothing may be changed then."""
    passive: set[str] = field(default_factory=set, init=False)
    """Instances that only a request by name concerns: services of docker that are no agents."""

    def __post_init__(self) -> None:
        self._keepers: dict[str, Keeper] = {}
        self._instances: dict[str, Instance] = {}
        self._observers: list[Observer] = []
        self._router_word: Word | None = None
        self._launched = False
        self._at_launch: list[Callable[[], None]] = []
        self._leaving: set[str] = set()

    def add(self, instance: Instance, keeper: Keeper, *, left: bool = False) -> None:
        """Add an instance with its keeper.

        If the site file does not list it (`left`), it is not started again once it has ended.
        """
        self._instances[instance.instance_id] = instance
        self._keepers[instance.instance_id] = keeper
        if left:
            self._leaving.add(instance.instance_id)
        end = self.finished.of(instance)
        if end is not None:
            target = self.wish(instance.instance_id).target
            keeper.recall(target, end.reason, end.at)

    def replace(self, instance: Instance) -> None:
        """Give an instance another entry."""
        self._leaving.discard(instance.instance_id)
        self._instances[instance.instance_id] = instance
        if self.finished.of(instance) is None:
            self.finished.forget(instance.instance_id)

    def end(self, instance_id: str, by: str) -> None:
        """End an instance that has left the site file, and forget it once it is down."""
        self._leaving.add(instance_id)
        self._keepers[instance_id].deliver(DownRequested(by, LEFT))
        self._forget(instance_id)

    def drop(self, instance_id: str) -> None:
        """Forget a passive instance, whatever runs of it."""
        self.passive.discard(instance_id)
        self._instances.pop(instance_id, None)
        self._keepers.pop(instance_id, None)
        self.finished.forget(instance_id)

    @property
    def listed(self) -> list[str]:
        """The names of all instances that the site file lists."""
        return [each for each in self._keepers if each not in self._leaving | self.passive]

    def __iter__(self) -> Iterator[tuple[Instance, Keeper]]:
        """Iterate over the instances, in the order of their start."""
        return iter(list(zip(self._instances.values(), self._keepers.values(), strict=True)))

    def agents(self) -> Iterator[tuple[Instance, Keeper]]:
        """Iterate over the instances but the page, which no start waits for."""
        return iter([pair for pair in self if pair[0].agent_class != WEB_CLASS])

    def pages(self) -> list[Keeper]:
        """Return the keepers of the page; a site file may list several entries of its class."""
        return [keeper for instance, keeper in self if instance.agent_class == WEB_CLASS]

    def everyone(self) -> Iterator[Keeper]:
        """Iterate over all keepers, the router's first."""
        if self.router is not None:
            yield self.router
        yield from list(self._keepers.values())

    def keeper(self, instance_id: str) -> Keeper | None:
        """Return the keeper of an instance, or of the router; None if there is none."""
        if self.router is not None and instance_id == self.router.instance_id:
            return self.router
        return self._keepers.get(instance_id)

    def instance(self, instance_id: str) -> Instance:
        """Return the entry of an instance.

        Raises
        ------
        KeyError
            If this host has no such instance.
        """
        return self._instances[instance_id]

    def wish(self, instance_id: str, entry: Instance | None = None) -> Wish:
        """Return the target of an instance, or of the router, and the reason for it.

        `entry` is its next entry in the site file, instead of the one in use.
        """
        if instance_id == ROUTER_NAME:
            return wish(instance_id, Target.UP, self._router_word)
        instance = entry or self._instances[instance_id]
        return wish(
            instance_id,
            self.targets.managed(instance),
            self.targets.word(instance),
            self.finished.of(instance),
            left=entry is None and instance_id in self._leaving,
            launched=self._launched,
        )

    def target(self, instance_id: str) -> Target:
        """Return the target of an instance, also before it can be brought about."""
        if self._launched or self.stopping:
            return self._keepers[instance_id].life.target
        return self.wish(instance_id).target

    def resting(self) -> dict[str, str]:
        """Return the listed instances whose target is down, each with the reason."""
        wishes = {each: self.wish(each) for each in self.listed}
        return {each: it.reason for each, it in wishes.items() if it.target is Target.DOWN}

    def put_down_singly(self) -> dict[str, str]:
        """Return the instances that somebody has put down, and not with all; with the reason."""
        resting = self.resting()
        words = {each: self.targets.word(self._instances[each]) for each in resting}
        return {each: resting[each] for each, word in words.items() if word and word.is_put_down}

    def ended_unseen(self, ended: Ended) -> bool:
        """Record an end while no daemon ran; return whether it stays the last one."""
        keeper = self._keepers.get(ended.instance_id)
        if self._launched or keeper is None or self.wish(ended.instance_id).target is Target.DOWN:
            return False
        return keeper.ended_unseen(ended)

    def waits_for(self, instance_id: str) -> tuple[str, ...]:
        """Return the instances that have to be ready before this one is started.

        An instance whose target is down keeps no other waiting, nor does a job that is done.
        """
        if instance_id not in self._instances:
            return ()
        return tuple(filter(self._is_awaited, self._instances[instance_id].after))

    def _is_awaited(self, instance_id: str) -> bool:
        keeper = self._keepers.get(instance_id)
        if keeper is None or keeper.life.state is State.UP:
            return False
        # By the wish, because at a launch not every keeper has got its target yet.
        return self.wish(instance_id).target is Target.UP

    def by_pid(self, pid: int) -> Keeper | None:
        """Return the keeper of the process `pid`."""
        return next((each for each in self.everyone() if each.pid == pid), None)

    def check(self, instance_ids: Collection[str]) -> None:
        """Make sure that all these instances exist and may be changed.

        Raises
        ------
        NoSuchInstanceError
            Names all that do not exist, each with the nearest name that does.
        StoppingError
            If everything is being stopped.
        """
        if self.stopping:
            raise StoppingError("everything on this host is being stopped; try again after that")
        unknown = [each for each in instance_ids if self.keeper(each) is None]
        if unknown:
            described = (f"{each!r}{did_you_mean(each, self._keepers)}" for each in unknown)
            raise NoSuchInstanceError(f"host {self.host!r} has no instance {', '.join(described)}")
        gone = sorted(self._leaving.intersection(instance_ids))
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
        """Pass a transition to all observers."""
        instance_id = transition.instance_id
        if instance_id in self._instances:
            self.finished.record(transition, self._instances[instance_id])
        for observer in list(self._observers):
            try:
                observer(transition)
            except Exception:  # noqa: BLE001 - an observer must not stop what is decided
                self.log.failure("while reporting a transition of {name}", name=instance_id)
        if instance_id in self._leaving:
            self._forget(instance_id)

    def launch(self) -> None:
        """Bring every instance into its target state, as remembered."""
        self._launched = True
        for waiting in self._at_launch:
            waiting()
        for instance, keeper in self:
            wanted = self.wish(instance.instance_id)
            if wanted.target is Target.DOWN:
                keeper.deliver(_end_of(wanted))
            elif not keeper.life.has_process and wanted.cause is not Cause.ENDED:
                keeper.deliver(UpRequested())

    def when_launched(self, do: Callable[[], None]) -> None:
        """Do something now, or as soon as it is known what runs already."""
        if self._launched:
            do()
        else:
            self._at_launch.append(do)

    def reconsider(self, instance_id: str) -> None:
        """End an instance that was found running although its target is down."""
        keeper = self._keepers.get(instance_id)
        if keeper is None:
            return
        wanted = self.wish(instance_id)
        if self.stopping or wanted.target is Target.DOWN:
            keeper.deliver(_end_of(wanted))

    def up(self, instance_ids: Iterable[str], by: str = "") -> None:
        """Start instances on request; failed ones are tried again."""
        self._request(instance_ids, Target.UP, UpRequested(by))

    def down(self, instance_ids: Iterable[str], by: str = "") -> None:
        """End instances on request."""
        self._request(instance_ids, Target.DOWN, DownRequested(by))

    def restart(self, instance_ids: Iterable[str], by: str = "") -> None:
        """End instances and start them again, on request."""
        self._request(instance_ids, Target.UP, RestartRequested(by))

    def _request(self, instance_ids: Iterable[str], target: Target, request: Request) -> None:
        requested = list(instance_ids)
        # Before anything is done, because the daemon may be killed meanwhile.
        entries = [self._instances[each] for each in requested if each in self._instances]
        self.targets.remember(entries, target, request.by)
        if ROUTER_NAME in requested:
            # In memory only: the next daemon starts the router as the site file says.
            self._router_word = Word(target, request.by, utc(time.time()))

        def deliver() -> None:
            for keeper in filter(None, map(self.keeper, requested)):
                keeper.deliver(request)

        # Until the launch a restart would miss a process that still has to be found.
        self.when_launched(deliver)

    def _forget(self, instance_id: str) -> None:
        keeper = self._keepers.get(instance_id)
        if keeper is not None and keeper.life.state is State.DOWN:
            self._leaving.discard(instance_id)
            del self._instances[instance_id], self._keepers[instance_id]
            self.finished.forget(instance_id)


def _end_of(wanted: Wish) -> DownRequested:
    """Return the request that ends what runs against a wish."""
    return DownRequested(why=wanted.reason * (wanted.cause is Cause.LEFT))
