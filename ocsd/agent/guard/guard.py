"""The decision of an agent about requests to its operations: the level of each client.

The level follows from the client's role, on a closed site, and from its password, if the
agent's policy has passwords (`ocsd.access.policy`). An agent without a policy, on an open site,
imports nothing of that.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ocsd.access.levels import AC_VERSION, ITSELF, UNCONTROLLED, CredLevel, GrantedLevel
from ocsd.access.policy import PolicyKind, policy_of
from ocsd.bus.caller import OPEN_ROLES, Caller
from ocsd.site.values.told import ToldLaunch


class RuleSource(Protocol):
    """The rules of an agent that has passwords."""

    def credentials(self, password: str, identity: CredLevel | None) -> GrantedLevel:
        """Return the level of a client with a password, and with the level of its role."""


class LevelGuard:
    """Decides about the clients of one agent.

    Parameters
    ----------
    agent : OCSAgent
        The agent.
    launch : ToldLaunch, optional
        The settings with which the daemon has started it.
    folder : Path, optional
        The folder in which it keeps what outlives it.

    Attributes
    ----------
    data : dict
        ``access_control`` of get_api.
    """

    def __init__(self, agent: Any, launch: ToldLaunch | None, folder: Path | None) -> None:
        self._agent = agent
        self._closed = bool(getattr(getattr(launch, "hub", None), "is_closed", False))
        policy = policy_of(getattr(agent.site_args, "access_policy", None))
        self._kind = policy.kind
        self.data: dict[str, Any] = {
            "version": AC_VERSION,
            "policy": policy.kind.value,
            "update_timestamp": time.time(),
            "update_count": 0,
            "step": 0,
        }
        self._source: RuleSource | None = None
        self.poll: Callable[[Any], object] = lambda _link: None
        """Asks the director for the rules; to be called on each new link."""
        if policy.kind is PolicyKind.OVERRIDE:
            from ocsd.agent.guard.passwords import PasswordRules

            self._source = PasswordRules(agent, policy.passwords)
        elif policy.kind is PolicyKind.DIRECTOR:
            from ocsd.agent.guard.directed import DirectedRules

            directed = DirectedRules(agent, policy.director, self.data, self._closed, folder)
            self._source = directed
            self.poll = directed.poll

    def credentials(self, client: Caller | None, password: object) -> GrantedLevel:
        """Return the level of a client.

        Parameters
        ----------
        client : Caller, optional
            The client; None is code of the agent's author.
        password : object
            The password with the request; the agent itself if it asks for its own sake.
        """
        if password is self._agent:
            return self._itself()
        identity = self._identity(client)
        if self._source is not None:
            given = ""
            if isinstance(password, str):
                given = password
            return self._source.credentials(given, identity)
        if identity is None:
            return UNCONTROLLED
        return GrantedLevel(identity)

    def _itself(self) -> GrantedLevel:
        """Return the agent's own level, which may do everything; clients are shown OCS's."""
        if self._kind is PolicyKind.NONE:
            return ITSELF._replace(level=CredLevel.BASIC)
        return ITSELF

    def _identity(self, client: Caller | None) -> CredLevel | None:
        """Return the level of a client's role; None where roles say nothing."""
        if client is None:
            return None
        if client.role not in OPEN_ROLES:
            from ocsd.access.roles import Role, level_of

            if client.role in set(Role):
                return level_of(client.role)
        if self._closed:
            return CredLevel.BLOCKED
        return None
