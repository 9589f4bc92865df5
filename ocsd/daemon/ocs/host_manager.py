"""The daemon as OCS's tools see it: the operations of OCS's HostManager.

``ocsbow`` and the web pages of OCS read what runs from `manager`'s session data,
and ask for changes through `update` (docs/reference/wire.md, "HostManager face").
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred

from ocsd import ocs_agent
from ocsd.access.levels import CredLevel
from ocsd.bus.caller import UNKNOWN_CLIENT, Caller
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.ports import Clock
from ocsd.daemon.instances.transition import Transition
from ocsd.errors import OcsdError
from ocsd.site.model import Instance
from ocsd.supervisor.events import State, Target
from ocsd.supervisor.health import Health
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.wish import WITH_ALL

EVERYONE: Final = "all"

_NEXT_ACTION: Final = {
    State.DOWN: "down",
    State.STARTING: "wait_start",
    State.UP: "up",
    State.STOPPING: "wait_dead",
    State.BACKOFF: "start_at",
    State.FAILED: "down",
}
"""The present state in OCS's words, which call it the next action."""


def asker(caller: Caller | None) -> str:
    """Return who asks for a change, for the history: a client of these operations."""
    return f"{caller or UNKNOWN_CLIENT}, through the HostManager"


_NO_DOCKERS: Final = (
    "this host has no compose files; name them with --docker-compose in its HostManager entry"
)


def _answer(failures: list[str], done: str) -> tuple[bool, str]:
    return not failures, "; ".join(failures) or done


Request = tuple[str, Target]
Reload = Callable[[str], str]
"""Reads the site file again, because somebody asks for that; returns the changes in words, or
raises OcsdError.
"""


class Dockers(Protocol):
    """The containers of this host (`ocsd.daemon.containers.facts`)."""

    def observe(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call `observer` when there may be news; return what ends that."""

    def of(self, instance: Instance, life: Lifecycle) -> dict[str, Any]:
        """Return the keys of a child state that differ because Docker runs the instance."""

    def session(self) -> dict[str, Any]:
        """Return what the session data says of all containers."""

    def pull(self) -> "Deferred[list[str]]":
        """Pull images; fires with the failures."""

    def remove_orphans(self) -> "Deferred[list[str]]":
        """Remove orphans; fires with the failures."""

    def disown(self) -> None:
        """Let containers outlive the end of everything."""


def child_state(
    instance: Instance, keeper: Keeper, dockers: Dockers | None = None
) -> dict[str, Any]:
    """Return an instance as HostManager's clients want it."""
    life = keeper.life
    unstable = keeper.verdict.health is Health.UNSTABLE or life.state is State.BACKOFF
    return {
        "next_action": _NEXT_ACTION[life.state],
        "target_state": str(life.target),
        "stability": float(not unstable),  # OCS's tools show 0.5 or less as ``unstable``
        "agent_class": instance.agent_class,
        "instance_id": instance.instance_id,
        "operable": True,
        "restart_required": False,
        **(dockers.of(instance, life) if dockers else {}),
    }


def wanted(requests: object, known: Iterable[str]) -> list[Request]:
    """Return the targets that a client asks for, one for each instance.

    Parameters
    ----------
    requests
        Pairs of an instance-id, or ``all``, and ``up`` or ``down``; a later one
        overrides an earlier one, as in ``[('all', 'down'), ('thermo1', 'up')]``.
    known : iterable of str
        The instances of this host.

    Raises
    ------
    ValueError
        If it is not a list of such pairs, or names an unknown instance.
    """
    everyone = list(known)
    targets: dict[str, Target] = {}
    if not isinstance(requests, list | tuple):
        raise ValueError(f"requests is {requests!r}, not a list of (instance-id, 'up' or 'down')")
    for request in requests:
        try:
            name, target = request
            names = [name]
            if name == EVERYONE:
                names = everyone
            asked = dict.fromkeys(names, Target(target))
        except (TypeError, ValueError):
            raise ValueError(
                f"{request!r} in requests is not (instance-id, 'up' or 'down')"
            ) from None
        if unknown := [name for name in names if name not in everyone]:
            raise ValueError(f"this host has no instance {unknown[0]!r}")
        targets.update(asked)
    return list(targets.items())


@dataclass(eq=False)
class HostManagerFace:
    """Gives an agent with HostManager's address and class name its operations."""

    agent: ocs_agent.OCSAgent
    fleet: Fleet
    reload: Reload
    """Reads the site file again."""
    stop: Callable[[str], None]
    """Ends everything, and the daemon, because somebody asks for that."""
    clock: Clock
    is_closed: bool = False
    """Whether the site is closed: as for the control API, a reload needs an expert, and the end of
    everything an admin.
    """

    dockers: Callable[[], Dockers | None] = lambda: None
    """Returns the containers of this host; None if it has none."""

    def __post_init__(self) -> None:
        self._ending: Deferred[None] | None = None
        self.agent.register_process(
            "manager", self.manager, self.stop_manager, blocking=False, startup=True
        )
        self.agent.register_task("update", self.update, blocking=False)
        self.agent.register_task("docker_pull", self.docker_pull, blocking=False)
        self.agent.register_task("remove_orphans", self.remove_orphans, blocking=False)
        needed = CredLevel.BASIC
        if self.is_closed:
            needed = CredLevel.FULL
        self.agent.register_task("die", self.die, blocking=False, min_privs=needed.value)

    @ocs_agent.param("requests", default=[])
    @ocs_agent.param("reload_config", default=False, type=bool)
    def manager(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> Any:
        """manager(requests=[], reload_config=False)

        **Process** - Report the instances of this host; it runs as long as the daemon.

        Parameters
        ----------
        requests : list of (str, str), optional
            As for `update`.
        reload_config : bool, optional
            As for `update`.

        Notes
        -----
        The session data::

            >>> response.session['data']
            {'child_states': [
                {'next_action': 'up',
                 'target_state': 'up',
                 'stability': 1.0,
                 'agent_class': 'FakeDataAgent',
                 'instance_id': 'fake-data1',
                 'operable': True,
                 'restart_required': False}],
             'config_parse_status': {'[SCF]': [True, 1795328225.75, '']},
             'orphans': {},
             'new_tags': {}}
        """  # noqa: D400 # clients show the first line as the call
        self._request(session, params)
        parsed = [True, session.start_time, ""]
        session.data = {
            "child_states": [],
            "config_parse_status": {"[SCF]": parsed},
            "orphans": {},
            "new_tags": {},
        }

        watched: list[Callable[[], None]] = []
        of_dockers: list[Callable[[], None]] = []

        def show(_: Transition | None = None) -> None:
            dockers = self.dockers()
            if dockers is not None and not of_dockers:
                of_dockers.append(dockers.observe(show))
            states = [child_state(each, keeper, dockers) for each, keeper in self.fleet.agents()]
            data = {**session.data, "child_states": states}
            if dockers is not None:
                told = dockers.session()
                files = {"[SCF]": parsed, **told["config_parse_status"]}
                data = {**data, **told, "config_parse_status": files}
            if data != session.data:
                session.data = data

        show()
        watched.append(self.fleet.observe(show))
        self._ending = Deferred()

        def ended(_: object) -> tuple[bool, str]:
            for unobserve in (*watched, *of_dockers):
                unobserve()
            return True, "the manager process has ended; the daemon goes on"

        return self._ending.addBoth(ended)

    def stop_manager(self, session: ocs_agent.OpSession, _params: Any) -> tuple[bool, str]:
        """Ask ``manager`` to end, and with it, as in OCS, all agents of this host."""
        session.set_status("stopping")
        by = asker(session.ended_by) + WITH_ALL
        names = [instance.instance_id for instance, _ in self.fleet.agents()]
        self.fleet.down([name for name in names if name not in self.fleet.passive], by)
        if self._ending is not None and not self._ending.called:
            self._ending.callback(None)
        return True, "asked all agents of this host to end"

    @ocs_agent.param("requests", default=[])
    @ocs_agent.param("reload_config", default=False, type=bool)
    def update(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> tuple[bool, str]:
        """update(requests=[], reload_config=False)

        **Task** - Bring agents of this host up or down.

        Parameters
        ----------
        requests : list of (str, str), optional
            Pairs of an instance-id, or 'all', and 'up' or 'down'.
        reload_config : bool, optional
            Read the site file again before that.
        """  # noqa: D400 # clients show the first line as the call
        return self._request(session, params)

    def docker_pull(self, session: ocs_agent.OpSession, _params: Any) -> Any:
        """docker_pull()

        **Task** - Pull the images of all compose files of this host.
        """  # noqa: D400 # clients show the first line as the call
        dockers = self.dockers()
        if dockers is None:
            return False, _NO_DOCKERS
        session.add_message("docker compose pulls the images of this host")
        return dockers.pull().addCallback(_answer, "all images are pulled")

    def remove_orphans(self, session: ocs_agent.OpSession, _params: Any) -> Any:
        """remove_orphans()

        **Task** - End and remove containers of services that left their compose file.
        """  # noqa: D400 # clients show the first line as the call
        dockers = self.dockers()
        if dockers is None:
            return False, _NO_DOCKERS
        count = len(dockers.session()["orphans"])
        session.add_message(f"{count} containers are being removed")
        return dockers.remove_orphans().addCallback(_answer, f"{count} containers are removed")

    @ocs_agent.param("disown_dockers", default=False, type=bool)
    def die(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> tuple[bool, str]:
        """die(disown_dockers=False)

        **Task** - End all agents of this host, and the daemon.

        Parameters
        ----------
        disown_dockers : bool, optional
            Let the containers run on; the next daemon finds them.
        """  # noqa: D400 # clients show the first line as the call
        dockers = self.dockers()
        if dockers is not None and params["disown_dockers"]:
            dockers.disown()
        # Later, because the answer to this call has to get out first.
        self.clock.callLater(0, partial(self.stop, asker(session.started_by)))
        return True, "everything on this host is being stopped"

    def _request(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> tuple[bool, str]:
        by = asker(session.started_by)
        if self.is_closed and params["reload_config"] and session.cred_level < CredLevel.ADVANCED:
            return False, f"a reload needs the role expert on this closed site, {by}"
        try:
            if params["reload_config"]:
                session.add_message(self.reload(by))
            requests = wanted(
                params["requests"], [instance.instance_id for instance, _ in self.fleet.agents()]
            )
            for target, change in ((Target.DOWN, self.fleet.down), (Target.UP, self.fleet.up)):
                change([name for name, asked in requests if asked is target], by)
        except (OcsdError, ValueError) as error:
            return False, str(error)
        return True, f"asked {len(requests)} instances to change"
