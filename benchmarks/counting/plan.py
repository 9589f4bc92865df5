"""What happens when: it follows from the seed alone."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

AGGREGATOR, ROUTER, DAEMON = "aggregator", "router", "daemon"
STOP, DATA_FULL, BOTH_FULL, CUT = "stop", "data disk full", "data and state disk full", "cut"
KILL: Final = "kill"
RESTART: Final = "restart"

QUIET_S = 3.0
"""Nothing happens so long after the beginning and before the end."""

OFTEN_S = 200.0
"""So often each fault that lasts happens, at least once."""

CUTS_S = RESTARTS_S = 30.0
KILLS_S = (3.0, 12.0)
KILLS_OF_SHORT_RUNS_S = (2.0, 6.0)
SHORT_S = 300.0
DAEMON_AWAY_S = 5.0
CUT_LASTS_S = (0.5, 6.0)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens.

    Attributes
    ----------
    at_s : float
        When, after the beginning [s].
    kind : str
        ``kill``, ``restart`` (in order), ``stop``, ``cut``, or which disks are full.
    targets : tuple of str
        Whom it concerns; nobody for a disk.
    lasts_s : float
        How long: for a daemon that is killed until it is started again [s].
    """

    at_s: float
    kind: str
    targets: tuple[str, ...]
    lasts_s: float

    @property
    def name(self) -> str:
        """For people, e.g. ``kill aggregator + router``; agents are all one."""
        if self.kind in {DATA_FULL, BOTH_FULL}:
            return self.kind
        names = {each if each in {AGGREGATOR, ROUTER, DAEMON} else "agent" for each in self.targets}
        return f"{self.kind} {' + '.join(sorted(names))}"


def plan(
    seed: int, length_s: float, lasting_s: float, wired: Sequence[str], killed: Sequence[str]
) -> list[Step]:
    """Return what happens, in order.

    Parameters
    ----------
    seed : int
        Decides it.
    length_s : float
        For how long [s]; all is over then.
    lasting_s : float
        How long the aggregator is stopped, and a disk is full [s].
    wired : sequence of str
        Agents whose links are cut.
    killed : sequence of str
        Agents that are killed, too.
    """
    dice = random.Random(seed)
    often = max(1, round(length_s / OFTEN_S))
    disks = [DATA_FULL, BOTH_FULL] * often
    dice.shuffle(disks)
    full = list(_one_by_one(dice, length_s, lasting_s, disks, ()))
    steps = [
        *full,
        *_kills_at_full_disks(dice, full, killed),
        *_one_by_one(dice, length_s, lasting_s, [STOP] * often, (AGGREGATOR,)),
        *_cuts(dice, length_s, wired),
        *_kills(dice, length_s, killed),
        *_restarts(dice, length_s, wired),
    ]
    return sorted(steps, key=lambda step: step.at_s)


def _one_by_one(
    dice: random.Random,
    length_s: float,
    lasting_s: float,
    kinds: Sequence[str],
    targets: tuple[str, ...],
) -> Iterator[Step]:
    """Yield steps that last, none of which begins before the last one has ended."""
    share_s = (length_s - 2 * QUIET_S) / len(kinds)
    for place, kind in enumerate(kinds):
        delay_s = dice.uniform(0, max(0.0, share_s - lasting_s))
        yield Step(QUIET_S + place * share_s + delay_s, kind, targets, min(lasting_s, share_s))


def _kills_at_full_disks(
    dice: random.Random, full: Sequence[Step], agents: Sequence[str]
) -> Iterator[Step]:
    """Yield a kill of an agent each time when it cannot write its spool."""
    for step in full:
        if agents and step.kind == BOTH_FULL:
            at_s = step.at_s + dice.uniform(0.3, 0.9) * step.lasts_s
            yield Step(at_s, KILL, (dice.choice(agents),), 0.0)


def _cuts(dice: random.Random, length_s: float, agents: Sequence[str]) -> Iterator[Step]:
    for place in range(max(2, round(length_s / CUTS_S))):
        share_s = (length_s - 2 * QUIET_S) / max(2, round(length_s / CUTS_S))
        lasts_s = dice.uniform(*CUT_LASTS_S)
        at_s = QUIET_S + place * share_s + dice.uniform(0, max(0.0, share_s - lasts_s))
        some = dice.sample(agents, dice.randint(1, len(agents)))
        yield Step(at_s, CUT, tuple(sorted(some)), lasts_s)


def _restarts(dice: random.Random, length_s: float, agents: Sequence[str]) -> Iterator[Step]:
    for place in range(max(2, round(length_s / RESTARTS_S))):
        who = AGGREGATOR if place % 2 == 0 else dice.choice(agents)
        yield Step(dice.uniform(QUIET_S, length_s - QUIET_S), RESTART, (who,), 0.0)


def _kills(dice: random.Random, length_s: float, agents: Sequence[str]) -> Iterator[Step]:
    central = [AGGREGATOR, ROUTER, DAEMON]
    everyone = [*central, *agents]
    first = [(each,) for each in dict.fromkeys([*central, *agents[:1], *agents[-1:]])]
    dice.shuffle(first)
    first.insert(1, tuple(dice.sample(central, 2)))
    at_s = QUIET_S
    while at_s < length_s - QUIET_S:
        if first:
            targets = first.pop(0)
        else:
            count = dice.choices((1, 2, 3), (7, 2, 1))[0]
            # One of the agents as often as two of the others.
            weights = [1.0] * len(central) + [2 / max(1, len(agents))] * len(agents)
            picked = dice.choices(everyone, weights, k=count)
            targets = tuple(dict.fromkeys(picked))
        lasts_s = dice.uniform(0, DAEMON_AWAY_S) if DAEMON in targets else 0.0
        yield Step(at_s, KILL, targets, lasts_s)
        at_s += dice.uniform(*(KILLS_OF_SHORT_RUNS_S if length_s < SHORT_S else KILLS_S))
