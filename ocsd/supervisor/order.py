"""Which instance waits for which, when all are started and when all are ended."""

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


def waits_for(
    name: str, after: Mapping[str, Collection[str]], ready: Collection[str]
) -> tuple[str, ...]:
    """Return the instances that have to be ready before `name` may start.

    Parameters
    ----------
    name : str
        The instance that is to be started.
    after : mapping of str to collection of str
        For each instance those that go before it.
    ready : collection of str
        Instances that are ready, or that nobody wants to run.
    """
    return tuple(each for each in after.get(name, ()) if each not in ready)


def waves_of_end(
    names: Sequence[str], after: Mapping[str, Collection[str]]
) -> tuple[tuple[str, ...], ...]:
    """Return the instances in groups that may end together, the first group first.

    Whoever waits for another at the start ends before it.

    Parameters
    ----------
    names : sequence of str
        Who is to end.
    after : mapping of str to collection of str
        For each instance those that go before it at the start, without a cycle.
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
