"""Changes to crossbar that let the guard decide what a session may do."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

from ocsd.access.rules import Party, may_hear_controls
from ocsd.bus.caller import BRIDGE_ROLE
from ocsd.router.guard import forwarding, verdicts
from ocsd.router.guard.door import OPEN_ROLE
from ocsd.router.guard.facts import site_realm
from ocsd.router.guard.guard import WITHDRAWN, the_guard
from ocsd.router.guard.sessions import CLIENT_PEER, NOT_AUTHORIZED

_TRUSTED: Final = "trusted"
_DISCLOSED: Final = {"allow": True, "disclose": True, "cache": False}
_GRANTED: Final = {"allow": True, "disclose": False, "cache": False}
_CONTROLS_TOPIC: Final = ".feeds.controls"
_FORWARDED: Final = frozenset({"call", "publish"})
_Base: Any = object


class Judgement(_Base):  # type: ignore[misc] # crossbar is untyped
    """The router of one realm."""

    guarded_realm = ""
    messages: Any
    """autobahn's messages, which are loaded after this module."""
    uris: Mapping[type, tuple[str, str]]
    """The action, and the name of the address, of each message that asks for something."""

    def process(self, session: Any, msg: Any) -> None:
        """Process a message, if it is allowed."""
        asked = self.uris.get(type(msg))
        if asked is not None and self._is_guarded(session):
            reply = self._refusal(session, msg, *asked)
            if reply is not None:
                if type(msg) is not self.messages.Publish or msg.acknowledge:
                    self.send(session, reply)
                return
        super().process(session, msg)

    def authorize(self, session: Any, uri: str, action: str, options: Any) -> Any:
        """Grant it: whatever comes here was allowed by `process`."""
        import txaio

        if self._is_guarded(session):
            # Who calls is told to everybody, who publishes only where it matters.
            granted = _GRANTED
            if action == "call" or uri.endswith(_CONTROLS_TOPIC):
                granted = _DISCLOSED
            return txaio.create_future_success(granted)
        return super().authorize(session, uri, action, options)

    def _is_guarded(self, session: Any) -> bool:
        if session._authrole == _TRUSTED:  # noqa: SLF001 - crossbar has no other way
            return False
        return bool(self.realm == self.guarded_realm)

    def _refusal(self, session: Any, msg: Any, action: str, name: str) -> Any:
        """Return the answer to a request that is refused; None if it is allowed."""
        guard, uri = the_guard(), getattr(msg, name)
        party, peer = guard.party_of(session, msg), _peer_of(session, msg)
        if party is None:
            return self._error(msg, WITHDRAWN)
        forwarded = bool(msg.forward_for) and session._authrole != BRIDGE_ROLE  # noqa: SLF001
        if forwarded and action in _FORWARDED:
            speaks_for = forwarding.speaker(guard.verdicts.site, party, msg.forward_for)
            if speaks_for is not None:
                forwarding.rename(msg.forward_for, speaks_for)
                forwarded = False
                # Who may publish where is decided by the host; who may call what, by the caller.
                party = speaks_for if action == "call" else party
        match = getattr(msg, "match", None) or "exact"
        reason = guard.verdicts.of(party, action, uri, match, forwarded)
        if reason is None:
            return self._look_closer(msg, party, peer, action)
        guard.refusals.told(party, peer, action, reason, uri)
        return self._error(msg, reason)

    def _look_closer(self, msg: Any, party: Party, peer: str, action: str) -> Any:
        """Do for a request what the rules do not see; return an answer that refuses it, or None."""
        guard = the_guard()
        if action == "register" and party.role == OPEN_ROLE:
            root = guard.verdicts.site.address_root
            guard.census.registered(root, msg.procedure, peer)
        if action != "call":
            return None
        agent = self._published_agent(msg.procedure)
        if agent is None:
            return None
        uri, asked = msg.procedure, verdicts.asked(msg.args, msg.kwargs)
        reason = verdicts.blocked(party, agent, uri, msg.args, msg.kwargs)
        is_operation = uri.endswith(".ops")
        if is_operation and asked.action not in verdicts.LOOKS:
            # Agents on ocsd report what they are asked for; those on the published OCS do not.
            target = f"{agent.rpartition('.')[2]}.{asked.operation}"
            guard.refusals.asked(party, peer, asked.action, target, reason)
        if reason is None:
            return None
        if is_operation:
            return self.messages.Result(msg.request, args=[[-1, reason, {}]])
        guard.refusals.told(party, peer, action, reason, uri)
        return self._error(msg, reason)

    def _published_agent(self, uri: str) -> str | None:
        """Return the address of the agent on the published OCS that would be called; or None."""
        found = self._dealer._registration_map.best_matching_observation(uri)  # noqa: SLF001
        for callee in () if found is None else found.observers:
            party = getattr(callee, "party", None)  # none once its login is withdrawn
            if party is not None and callee.is_published:
                return f"{the_guard().book.facts.address_root}.{party.authid}"
        return None

    def _error(self, msg: Any, reason: str) -> Any:
        return self.messages.Error(msg.MESSAGE_TYPE, msg.request, NOT_AUTHORIZED, args=[reason])


def judge(router: ModuleType) -> None:
    """Let the guard decide about each request before the router looks at it."""
    from autobahn.wamp import message

    own = {
        "guarded_realm": site_realm(),
        "messages": message,
        "uris": {
            message.Call: ("call", "procedure"),
            message.Publish: ("publish", "topic"),
            message.Subscribe: ("subscribe", "topic"),
            message.Register: ("register", "procedure"),
        },
    }
    judging = type("Judging", (Judgement, router.Router), own)
    router.Router = router.RouterFactory.router = judging  # type: ignore[attr-defined] # it has it


def _peer_of(session: Any, msg: Any) -> str:
    """Return the place from which a request comes; that of a call over HTTP is for us only."""
    if session._authrole == BRIDGE_ROLE and msg.forward_for:  # noqa: SLF001 - see above
        return str(msg.forward_for[-1].pop(CLIENT_PEER, ""))
    return str(getattr(session, "peer", ""))


class Discretion(_Base):  # type: ignore[misc] # crossbar is untyped
    """The part of the router that passes events on."""

    def _filter_publish_receivers(self, receivers: Any, publish: Any) -> Any:
        found = super()._filter_publish_receivers(receivers, publish)
        if not publish.topic.endswith(_CONTROLS_TOPIC):
            return found
        return {each for each in found if _may_hear(each)}


def keep_controls(broker: ModuleType) -> None:
    """Deliver what a director tells agents to nobody else."""
    discreet = type("Discreet", (Discretion, broker.Broker), {})
    broker.Broker = discreet  # type: ignore[attr-defined] # it has it


def _may_hear(session: Any) -> bool:
    party: Party | None = getattr(session, "party", None)
    if party is None:
        return False
    return party.role == OPEN_ROLE or may_hear_controls(the_guard().verdicts.site, party)
