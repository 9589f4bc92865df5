"""The order in which hosts take a new site file, and how many at once."""

from collections.abc import Iterator, Sequence

from ocsd.errors import UsageError
from ocsd.rollout.standing import Sight

REST = "rest"


def sizes(text: str) -> tuple[int | None, ...]:
    """Return the sizes of waves that a text like ``1,3,rest`` gives; None is the rest.

    Raises
    ------
    UsageError
        If it is something else.
    """
    words = [word.strip() for word in text.split(",")]
    good = [word == REST or (word.isdecimal() and int(word) > 0) for word in words]
    if not all(good) or REST in words[:-1]:
        raise UsageError(
            f"waves {text!r}: give numbers of hosts from 1, and 'rest' at most as the last one, "
            "e.g. 1,3,rest"
        )
    return tuple(None if word == REST else int(word) for word in words)


def ordered(sights: Sequence[Sight]) -> list[Sight]:
    """Return hosts in the order in which they take the file.

    They keep their order, with two exceptions: the router's host is the last, because most depends
    on it, and a host that gets an instance comes after the one that gives it up.
    """
    left = sorted(sights, key=lambda sight: sight.runs_router)
    found: list[Sight] = []
    while left:
        free = (each for each in left if not any(_feeds(other, each) for other in left))
        following = next(free, left[0])
        left.remove(following)
        found.append(following)
    return found


def waves(sights: Sequence[Sight], numbers: Sequence[int | None]) -> tuple[tuple[str, ...], ...]:
    """Return the names of the hosts of each wave.

    The last number holds for all further waves. Hosts between which an instance moves are never
    in one wave.
    """
    found: list[list[Sight]] = [[]]
    limits = _repeated(numbers)
    limit = next(limits)
    for sight in sights:
        is_full = limit is not None and len(found[-1]) >= limit
        if is_full or any(_feeds(other, sight) or _feeds(sight, other) for other in found[-1]):
            found.append([])
            limit = next(limits)
        found[-1].append(sight)
    return tuple(tuple(sight.host for sight in wave) for wave in found if wave)


def _repeated(numbers: Sequence[int | None]) -> Iterator[int | None]:
    yield from numbers
    while True:
        yield numbers[-1]


def _feeds(giver: Sight, taker: Sight) -> bool:
    """Return whether an instance moves from one host to another."""
    gone = {name for name, effect in giver.moves.items() if effect == "ends"}
    come = {name for name, effect in taker.moves.items() if effect == "starts"}
    return giver is not taker and not gone.isdisjoint(come)
