"""The order in which instances start and end."""

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter


def cycle(after: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Return instances that wait for each other in a circle; empty if none do.

    `after` names for each instance those that have to be ready before it starts.
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

    An instance that waits for another one at the start ends before that one. `after` names for
    each instance those that start before it, without a cycle.
    """
    sorter = TopologicalSorter(dict.fromkeys(names, ()))
    for name in names:
        for before in set(after.get(name, ())).intersection(names):
            sorter.add(before, name)
    sorter.prepare()
    waves = []
    while sorter.is_active():
        wave = sorter.get_ready()
        waves.append(tuple(sorted(wave, key=list(names).index)))
        sorter.done(*wave)
    return tuple(waves)
