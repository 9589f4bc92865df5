"""The order in which instances start and end."""

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter


def cycle(after: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Return instances that wait for each other in a circle; empty if none do.

    Parameters
    ----------
    after : mapping of str to collection of str
        For each instance those that have to be ready before it starts.
    """
    try:
        TopologicalSorter(after).prepare()
    except CycleError as error:
        return tuple(reversed(error.args[1]))
    return ()


def waves_of_end(
    names: Sequence[str], after: Mapping[str, Collection[str]]
) -> tuple[tuple[str, ...], ...]:
    """Return the instances in groups that may end together, the first group first.

    An instance that waits for another one at the start ends before that one.

    Parameters
    ----------
    names : sequence of str
        The instances that are to end.
    after : mapping of str to collection of str
        For each instance those that start before it, without a cycle.
    """
    followers: dict[str, list[str]] = {name: [] for name in names}
    for name in names:
        for before in after.get(name, ()):
            if before in followers:
                followers[before].append(name)
    sorter = TopologicalSorter(followers)
    sorter.prepare()
    waves = []
    while sorter.is_active():
        wave = sorter.get_ready()
        waves.append(tuple(sorted(wave, key=list(names).index)))
        sorter.done(*wave)
    return tuple(waves)
