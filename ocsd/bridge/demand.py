"""The topics that the hub has to hear of this host, if only ocsd's own agents listen there. Pure.

The registry and the site's aggregator hear all agents of a site, and say by a subscription what
they can do without (`ocsd.system.classes`): heartbeats that say nothing new, and feeds that a host
records itself. Whatever anybody else has subscribed to goes to the hub unchanged.
"""

from collections.abc import Collection
from typing import Any, Final

from ocsd.bus.subscriptions import EXACT, Audience, Subscriptions, TopicPattern
from ocsd.system.classes import CALM_TOPIC, OWN_SHARE_TOPIC

BEAT_TOPIC_END: Final = ".feeds.heartbeat"
"""End of the topic of heartbeats."""
LEAST_BEAT_S: Final = 1.5
"""Time from one heartbeat that goes to the hub to the next one that says the same, at least [s].

Agents publish one a second, so every second one goes. A registry takes an agent for dead after 5 s.
"""
MOST_BEAT_TOPICS: Final = 10_000
"""Topics of heartbeats that are remembered; then all are forgotten, as somebody makes them up."""


class Thinning:
    """Keeps heartbeats back that say nothing new.

    Attributes
    ----------
    kept_back : int
        The number of those.
    """

    def __init__(self) -> None:
        self.kept_back = 0
        self._sent: dict[str, tuple[float, Any]] = {}
        self._latest: dict[str, tuple[int, bool]] = {}

    def passes(self, topic: str, publication: int, codes: object, now_s: float) -> bool:
        """Return whether a heartbeat with these operation codes goes to the hub now [s].

        The router sends a publication once for each subscription that matches.
        """
        latest, passed = self._latest.get(topic, (None, False))
        if latest != publication:
            passed = self._is_news(topic, codes, now_s)
            self.kept_back += not passed
            self._latest[topic] = publication, passed
        return passed

    def _is_news(self, topic: str, codes: object, now_s: float) -> bool:
        sent = self._sent.get(topic)
        if sent is not None and sent[1] == codes and now_s - sent[0] < LEAST_BEAT_S:
            return False
        if len(self._sent) >= MOST_BEAT_TOPICS:
            self.begin_anew()
        self._sent[topic] = now_s, codes
        return True

    def begin_anew(self) -> None:
        """Let the next heartbeat of each agent pass: there was a break."""
        self._sent.clear()
        self._latest.clear()


class HubDemand:
    """The topics that programs at the hub want of this host.

    Parameters
    ----------
    known : Subscriptions
        The subscriptions at the hub.
    own : collection of int
        The bridge's sessions there, whose subscriptions are those of this host's programs.
    address_root : str
        The site's.
    """

    def __init__(self, known: Subscriptions, own: Collection[int], address_root: str) -> None:
        self._root = address_root
        calm = _who_says(known, address_root, CALM_TOPIC)
        sharing = _who_says(known, address_root, OWN_SHARE_TOPIC)
        self._wanted = below(known.wanted(own), address_root)
        self._by_others = below(known.wanted({*own, *sharing}), address_root)
        self._eager = Audience(known.wanted({*own, *calm}))

    def needs_each(self, topic: str) -> bool:
        """Return whether somebody wants every heartbeat on a topic."""
        return self._eager.hears(topic)

    def topics(
        self, recorded: Collection[str] | None, agents: Collection[str]
    ) -> frozenset[TopicPattern]:
        """Return the topics to be heard on this host.

        Parameters
        ----------
        recorded : collection of str, optional
            The agents whose feeds are recorded here; None if this host does not record itself.
        agents : collection of str
            All agents here.
        """
        if recorded is None:
            return self._wanted
        all_feeds = TopicPattern(f"{self._root}..feeds.", "wildcard")
        if all_feeds not in self._wanted - self._by_others:
            return self._wanted
        # By the heartbeats a recorder knows what it has missed when that changes.
        beats = TopicPattern(f"{self._root}.{BEAT_TOPIC_END}", "wildcard")
        left = {
            TopicPattern(f"{self._root}.{name}.feeds.", "prefix")
            for name in {*agents} - {*recorded}
        }
        return self._wanted - {all_feeds} | left | {beats}


def below(patterns: Collection[TopicPattern], address_root: str) -> frozenset[TopicPattern]:
    """Return the patterns below the address root, without what is meant for bridges."""
    start = f"{address_root}."
    marks = {f"{start}{topic}" for topic in (CALM_TOPIC, OWN_SHARE_TOPIC)}
    return frozenset(
        each for each in patterns if each.uri.startswith(start) and each.uri not in marks
    )


def _who_says(known: Subscriptions, address_root: str, topic: str) -> frozenset[int]:
    return known.sessions_of(TopicPattern(f"{address_root}.{topic}", EXACT))
