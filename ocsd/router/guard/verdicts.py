"""The rights of a session: the site's rules, remembered, and the guard of published agents."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ocsd.access import rules
from ocsd.access.levels import CredLevel
from ocsd.access.roles import level_of
from ocsd.access.rules import Party, SiteRules
from ocsd.router.guard.door import OPEN_ROLE

MOST_VERDICTS: Final = 20_000
"""Decisions that are remembered; then all are forgotten, because somebody tries addresses."""

LONGEST_ADDRESS: Final = 1000
"""Length of an address at most [characters]; a longer one would only fill the memory."""

LOOKS: Final = frozenset({"status", "wait"})
"""The requests to an operation that change nothing."""

_Judge = Callable[[SiteRules, Party, str, str, str, bool], str | None]


class Verdicts:
    """Decides about messages; the same question is decided once.

    Parameters
    ----------
    site : SiteRules
        The site; decisions are forgotten when it changes.
    judge : callable
        The rules: `ocsd.access.rules.refusal`.
    """

    def __init__(self, site: SiteRules, judge: _Judge = rules.refusal) -> None:
        self._judge = judge
        self._site = site
        self._known: dict[tuple[Party, str, str, str, bool], str | None] = {}

    @property
    def site(self) -> SiteRules:
        """The site."""
        return self._site

    @site.setter
    def site(self, site: SiteRules) -> None:
        self._site = site
        self._known.clear()

    def of(
        self, who: Party, action: str, uri: str, match: str = "exact", forwarded: bool = False
    ) -> str | None:
        """Return why a request is refused; None if it is allowed.

        Parameters are those of `ocsd.access.rules.refusal`.
        """
        if len(uri) > LONGEST_ADDRESS:
            return f"an address has at most {LONGEST_ADDRESS} characters, not {len(uri):,}"
        question = who, action, uri, match, forwarded
        try:
            return self._known[question]
        except KeyError:
            pass
        if len(self._known) >= MOST_VERDICTS:
            self._known.clear()
        answer = self._known[question] = self._decide(*question)
        return answer

    def _decide(self, who: Party, action: str, uri: str, match: str, forwarded: bool) -> str | None:
        if who.role == OPEN_ROLE:
            return _open_refusal(self._site.address_root, action, uri, forwarded)
        return self._judge(self._site, who, action, uri, match, forwarded)


def _open_refusal(address_root: str, action: str, uri: str, forwarded: bool) -> str | None:
    """Return why somebody without a login is refused on an open router; it rarely is."""
    if forwarded:
        return f"nobody may {action} in the name of somebody else"
    if uri.startswith(f"{address_root}.") or rules.asks_who_subscribes(action, uri):
        return None
    return f"nobody may {action} {uri!r}, which is not below {address_root!r}"


def is_controls(address_root: str, topic: str) -> bool:
    """Whether a topic is one on which a director tells agents who has what rights."""
    return topic.endswith(".feeds.controls") and topic.startswith(f"{address_root}.")


class Asked(NamedTuple):
    """The request of a call of an agent's ``.ops``; what it does not say is empty."""

    action: str
    operation: str


def asked(args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None) -> Asked:
    """Return the request of a call of an agent's ``.ops``, by its arguments."""
    named = kwargs or {}
    given = [*(args or ())[:2], "", ""]
    words = given[0] or named.get("action", ""), given[1] or named.get("op_name", "")
    action, operation = (word if isinstance(word, str) else "" for word in words)
    return Asked(action, operation)


def blocked(
    who: Party, agent: str, procedure: str, args: list[Any] | None, kwargs: Any
) -> str | None:
    """Return why a call is kept from an agent on the published OCS; None if it is passed on.

    Such an agent does not know who calls it, so whoever has no level at all may only look.
    An operation that needs a higher level is the agent's own decision, by its policy.

    Parameters
    ----------
    who : Party
        The true caller.
    agent : str
        The agent's address.
    procedure : str
        The address that is called, which is the agent's or below it.
    args, kwargs
        The arguments of the call.

    Returns
    -------
    str or None
        For ``.ops`` the text in OCS's words (`ocs.ocs_agent`).
    """
    level = level_of(who.role)
    if level >= CredLevel.BASIC or procedure == agent:
        return None
    if procedure != f"{agent}.ops":
        return f"{who.authid!r} ({who.role}) may look at {agent!r}, not call {procedure!r}"
    if asked(args, kwargs).action in LOOKS:
        return None
    return (
        f"The action requires credential level {CredLevel.BASIC!s} but the client has only level "
        f"{level!s}"
    )
