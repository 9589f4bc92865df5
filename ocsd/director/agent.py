"""The agent that tells all others their rules of access (OCS's AccessDirector).

On an open site it tells everybody all rules, as OCS's does. On a closed site, or if its file has
strong hashes, it tells each agent its own rules only, and knows the agents from their heartbeats.
"""

import argparse
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredLock, inlineCallbacks
from twisted.internet.task import LoopingCall

from ocsd import ocs_agent, site_config
from ocsd.access.roles import Role
from ocsd.access.scope import AccessTarget
from ocsd.agent.spool.service import folder_of
from ocsd.bus.caller import Caller, caller_of
from ocsd.bus.wamp import RegisterOptions
from ocsd.director.configuration import DirectorConfig, load
from ocsd.director.secret import fingerprint
from ocsd.director.state import (
    NOBODY_KNOWN,
    DirectorState,
    ExclusiveRequest,
    Requester,
    exclusive,
    message_to,
    message_to_all,
    missing_tokens,
)
from ocsd.director.state_file import StateFile
from ocsd.errors import AgentArgumentsError, DirectorFileError
from ocsd.reactor.threads import in_worker_thread, the_reactor
from ocsd.site.values import told as launches

DIRECTOR_CLASS: Final = "AccessDirector"
CONTROLS_FEED: Final = "controls"
TURN_S: Final = 1.0
REPEAT_S: Final = 60.0
"""Time between two reports of rules that have not changed [s]."""
MOST_AGENTS: Final = 10_000
MOST_TOKEN_REQUESTS: Final = 20
"""Number of requests for tokens that may wait; a check takes some 50 ms for each hash."""
TOKEN_BYTES: Final = 16
_KNOWN_ROLES: Final = frozenset(Role) - {Role.OCS, Role.BRIDGE}


class AccessDirector:
    """Tells agents their rules; everything happens in the reactor's thread.

    The agent gets the process ``manager``, the task ``reload_config``, the feed ``controls`` and
    the procedures ``agent_poll``, ``request_exclusive`` and ``request_token``.

    Parameters
    ----------
    agent : OCSAgent
        Its connection to the site.
    config_file : Path
        Its file.
    closed : bool
        Whether the site is closed.
    folder : Path, optional
        The folder in which grants and tokens outlive the process; None keeps them in memory.
    clock : callable
        Returns the Unix time [s].

    Raises
    ------
    DirectorFileError
        If the file cannot be used.
    """

    def __init__(
        self,
        agent: ocs_agent.OCSAgent,
        config_file: Path,
        closed: bool = False,
        folder: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._agent = agent
        self._log = agent.log
        self._file = config_file
        self._closed = closed
        self._state_file = StateFile(folder, agent.log)
        self._clock = clock
        self._config = DirectorConfig()
        self._state = self._state_file.read()
        self._heard: dict[str, tuple[AccessTarget, str]] = {}
        self._told_all_s: float | None = None
        self._manager: ocs_agent.OpSession | None = None
        self._stopping: Deferred[None] | None = None
        self._checks = DeferredLock()
        agent.register_feed(CONTROLS_FEED, record=False)
        self._load()
        level = 1
        if closed:
            level = 2  # The roles of experts and above; on an open site nobody has more than 1.
        agent.register_process(
            "manager", self.manager, self.stop_manager, False, startup=True, min_privs=level
        )
        agent.register_task("reload_config", self.reload_config, blocking=False, min_privs=level)
        options = RegisterOptions(details=True, force_reregister=True)
        for function in (self.agent_poll, self.request_exclusive, self.request_token):
            registered = agent.register(
                function, f"{agent.agent_address}.{function.__name__}", options
            )
            registered.addErrback(lambda _: None)  # It is in the log.

    # Operations.

    @ocs_agent.param("_")
    @inlineCallbacks
    def manager(self, session: ocs_agent.OpSession, _params: Any) -> Any:
        """manager()

        **Process** - Tell the agents their rules: when they change or one asks, and each minute.

        Notes
        -----
        The session data show who holds which exclusive access::

            >>> response.session['data']
            {'grants': [{'name': 'cal', 'expire_at': 1795328225.75, 'grantee': 'wiregrid',
                         'rules': [...]}]}
        """  # noqa: D400, D401 # clients show the first line as the call
        session.data = {"grants": []}
        self._manager = session
        self._stopping = Deferred()
        self._told_all_s = None
        loop = LoopingCall(self._turn)
        loop.clock = the_reactor()
        # A defect in a turn ends the process, and says so.
        loop.start(TURN_S).addErrback(self._stopping.errback)
        if session.status == "stopping":  # asked before it began
            self._stopping.callback(None)
        try:
            yield self._stopping
        finally:
            self._manager = self._stopping = None
            if loop.running:
                loop.stop()
        return True, "Exited."

    def stop_manager(self, session: ocs_agent.OpSession, _params: Any) -> tuple[bool, str]:
        """Ask ``manager`` to end."""
        session.set_status("stopping")
        if self._stopping is not None and not self._stopping.called:
            self._stopping.callback(None)
        return True, "Stop initiated."

    @ocs_agent.param("_")
    def reload_config(self, _session: ocs_agent.OpSession, _params: Any) -> tuple[bool, str]:
        """reload_config()

        **Task** - Read the file again. A file with a mistake changes nothing.
        """  # noqa: D400 # clients show the first line as the call
        try:
            self._load()
        except DirectorFileError as error:
            return False, f"nothing is changed: {error}"
        return True, "Update requested."

    # Procedures.

    def agent_poll(
        self, instance_id: Any = None, agent_class: Any = None, details: Any = None
    ) -> bool:
        """Tell an agent its rules on the feed ``controls``; return whether it gave its name."""
        if not isinstance(instance_id, str) or not isinstance(agent_class, str):
            self._log.error("a poll without names: {it!r}", it=[instance_id, agent_class])
            return False
        if self._manager is not None:
            self._tell(AccessTarget(agent_class, instance_id))
        return True

    def request_exclusive(
        self,
        grant_name: Any = None,
        password: Any = None,
        action: Any = None,
        expire_at: Any = None,
        grantee: Any = None,
        strict: Any = None,
        details: Any = None,
    ) -> dict[str, Any] | None:
        """Acquire, renew or release an exclusive access.

        Parameters
        ----------
        grant_name : str
            The block of the file.
        password : str, optional
            The password of the block, if it has one.
        action : str
            ``acquire``, ``renew`` or ``release``.
        expire_at : float, optional
            When it ends [Unix s]; in a minute by default.
        grantee : str, optional
            The client, in words for those who are locked out.
        strict : bool, optional
            Whether to refuse to acquire what is held, and to release what is not; by default so.

        Returns
        -------
        dict or None
            ``error``, or ``message grant_name step`` and, of a grant that goes on, ``expire_at``,
            of a new one also ``password``; None for an unknown action.
        """
        request = ExclusiveRequest(grant_name, password, action, expire_at, grantee, strict)
        who, now = requester_of(caller_of(details)), self._clock()
        new = secrets.token_hex(TOKEN_BYTES)
        state, answer = exclusive(self._state.at(now), self._config, request, who, now, new)
        if answer is not None:
            told = answer.get("error") or answer["message"]
            text = "exclusive access {name!r}: {action!r} by {who}: {told}"
            caller = str(caller_of(details))
            self._log.info(text, name=grant_name, action=action, who=caller, told=told)
        self._become(state)
        return answer

    @inlineCallbacks
    def request_token(
        self,
        password: Any = None,
        instance_id: Any = "",
        agent_class: Any = "",
        details: Any = None,
    ) -> Any:
        """Return the token that an agent takes for a password with a strong hash.

        Parameters
        ----------
        password : str
            The password.
        instance_id, agent_class : str
            The agent at which it is to be used.

        Returns
        -------
        Deferred of dict
            ``token`` and ``cred_level``, or ``error``.
        """
        if len(self._checks.waiting) >= MOST_TOKEN_REQUESTS:
            return {"error": "too many requests at once; ask again in a second"}
        target = AccessTarget(str(agent_class), str(instance_id))
        rows = [
            row
            for row in self._config.passwords
            if row.password.is_strong and row.scope.covers(target)
        ]
        rows.sort(key=lambda row: row.level, reverse=True)
        for row in rows:
            fits = yield self._checks.run(in_worker_thread, row.password.fits, str(password or ""))
            token = dict(self._state.tokens).get(fingerprint(row.password))
            if fits and token:
                return {"token": token, "cred_level": row.level.value}
        return {"error": "no password with a strong hash fits"}

    # The rules.

    def _load(self) -> None:
        self._config = config = load(self._file)
        missing = missing_tokens(config, dict(self._state.tokens))
        new = {name: secrets.token_hex(TOKEN_BYTES) for name in missing}
        if self._tells_each:
            root = self._agent.site_args.address_root
            topic = f"{root}..feeds.heartbeat"
            self._agent.subscribe_on_start(self.hear, topic, {"match": "wildcard"})
        self._become(self._state.with_tokens(config, new))

    @property
    def _tells_each(self) -> bool:
        """Whether it tells each agent its own rules only."""
        return self._closed or self._config.has_strong

    def hear(self, pair: Any, *_more: Any) -> None:
        """Take in a heartbeat: an agent that is new, or has started again, is told its rules."""
        try:
            info = pair[1]
            address, session = str(info["agent_address"]), str(info["session_id"])
            target = AccessTarget(str(info["agent_class"]), address.rpartition(".")[2])
        except (TypeError, LookupError):
            return
        known = self._heard.get(target.instance_id)
        if known == (target, session) or len(self._heard) >= MOST_AGENTS:
            return
        self._heard[target.instance_id] = (target, session)
        if self._manager is not None:
            self._tell(target)

    def _become(self, state: DirectorState) -> None:
        """Take a new state: keep it, and tell the agents if the rules have changed."""
        before, self._state = self._state, state
        if state != before:
            self._state_file.write(state)
        if self._manager is None:
            return
        self._manager.data = {"grants": [grant.as_json() for grant in state.grants]}
        if state.step != before.step:
            self._tell_all()

    def _turn(self) -> None:
        self._become(self._state.at(self._clock()))
        now_s = the_reactor().seconds()
        if self._told_all_s is None or now_s - self._told_all_s >= REPEAT_S:
            self._tell_all()

    def _tell_all(self) -> None:
        self._told_all_s = the_reactor().seconds()
        if not self._tells_each:
            rules = self._state.rules(self._config)
            self._agent.publish_to_feed(CONTROLS_FEED, message_to_all(self._state, rules))
            return
        for target, _ in self._heard.values():
            self._tell(target)

    def _tell(self, target: AccessTarget) -> None:
        rules = self._state.rules(self._config)
        self._agent.publish_to_feed(CONTROLS_FEED, message_to(self._state, rules, target))


def requester_of(caller: Caller) -> Requester:
    """Return a client as a closed site's router names it; on an open site nobody is known."""
    if caller.role in _KNOWN_ROLES:
        return Requester(caller.authid, caller.role)
    return NOBODY_KNOWN


def make_parser(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the agent's own options to a parser."""
    parser = parser or argparse.ArgumentParser()
    group = parser.add_argument_group("Agent options")
    group.add_argument(
        "--config-file", help="file with passwords and blocks of exclusive access (required)"
    )
    return parser


def config_path(given: str | None, site_file: str | None) -> Path:
    """Return the path of the file; a relative one begins at the site file's folder.

    Raises
    ------
    AgentArgumentsError
        If none is given.
    """
    if not given:
        raise AgentArgumentsError(
            "the access director needs --config-file, e.g. arguments: "
            "[--config-file, access.yaml] in the site file; a relative path begins at its folder"
        )
    return Path(site_file or "").parent / given


def main(args: list[str] | None = None) -> None:
    """Run the director until it is asked to end."""
    parsed = site_config.parse_args(agent_class=DIRECTOR_CLASS, parser=make_parser(), args=args)
    # Its own rules would come from itself.
    parsed.access_policy = "none"
    path = config_path(parsed.config_file, parsed.site_file)
    agent, runner = ocs_agent.init_site_agent(parsed)
    launch = launches.current()
    closed = launch is not None and launch.hub.is_closed
    folder = folder_of(launch, str(parsed.instance_id))
    AccessDirector(agent, path, closed, folder)
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
