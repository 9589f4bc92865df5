"""The hosts and names that a command line means: ``HOST:NAME``, ``HOST:``, or just a name."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from ocsd.errors import NoSuchInstanceError
from ocsd.status.site import SiteHost, all_names, holders
from ocsd.text.nearest import did_you_mean, nearest_or_all

OF_EACH_HOST: Final = frozenset({"router", "ocsd", "forkserver"})
"""Names that each host has."""
_SIGNS = "*?["


class NamedPlace(NamedTuple):
    """One of the words that name something."""

    host: str | None
    """The host before the colon, maybe a pattern; None without a colon."""
    name: str
    """The instance, maybe a pattern; empty for the host as a whole."""


def target_of(word: str) -> NamedPlace:
    """Return what a word means, e.g. ``lab-1:thermo1``."""
    host, colon, name = word.partition(":")
    if colon and host:
        return NamedPlace(host, name)
    return NamedPlace(None, word)


def by_host(
    words: Sequence[str], hosts: Sequence[SiteHost], *, of_instances: bool = True
) -> dict[str, list[str]]:
    """Return the names that each host is meant to have, in the order of the words.

    Names of `of_instances` leave out those hosts of a pattern that have no such instance.

    Raises
    ------
    NoSuchInstanceError
        If a host or name is not of the site, or a name is on several hosts.
    """
    found: dict[str, list[str]] = {}
    for word in words:
        for host, name in _places(target_of(word), hosts, of_instances):
            names = found.setdefault(host, [])
            if name and name not in names:
                names.append(name)
    return found


def _places(
    target: NamedPlace, hosts: Sequence[SiteHost], of_instances: bool
) -> list[tuple[str, str]]:
    if target.host is not None:
        meant = hosts_meant(target.host, hosts)
        if of_instances and target.name:
            # If it is none of them, each says so itself.
            meant = _having(target.name, meant, hosts) or meant
        return [(host, target.name) for host in meant]
    if any(sign in target.name for sign in _SIGNS):
        return _matches(target.name, hosts)
    return [(_only_holder(target.name, hosts), target.name)]


def hosts_meant(word: str, hosts: Iterable[SiteHost]) -> list[str]:
    """Return the hosts for which a word, or a pattern, stands.

    Raises
    ------
    NoSuchInstanceError
        If there is none.
    """
    known = [each.host for each in hosts]
    found = [name for name in known if name == word or fnmatchcase(name, word)]
    if not found:
        raise NoSuchInstanceError(f"the site has no host '{word}'{nearest_or_all(word, known)}")
    return found


def _having(name: str, meant: Sequence[str], hosts: Sequence[SiteHost]) -> list[str]:
    has = {each.host for each in hosts if any(fnmatchcase(known, name) for known in each.names)}
    return [host for host in meant if host in has]


def _matches(pattern: str, hosts: Sequence[SiteHost]) -> list[tuple[str, str]]:
    found = [
        (each.host, pattern)
        for each in hosts
        if any(fnmatchcase(name, pattern) for name in each.names)
    ]
    if not found:
        there_are = ", ".join(all_names(hosts)) or "none"
        raise NoSuchInstanceError(
            f"no instance of the site matches '{pattern}'; there are: {there_are}{_unseen(hosts)}"
        )
    return found


def _only_holder(name: str, hosts: Sequence[SiteHost]) -> str:
    found = holders(name, hosts)
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(f"{host}:{name}" for host in found)
        raise NoSuchInstanceError(f"several hosts have '{name}'; say which is meant: {several}")
    if name in OF_EACH_HOST:
        each = ", ".join(f"{host.host}:{name}" for host in hosts)
        raise NoSuchInstanceError(f"each host has '{name}'; say which is meant: {each}")
    near = did_you_mean(name, all_names(hosts)) or "; `ocsd status --site` shows all hosts"
    raise NoSuchInstanceError(f"no host of the site has an instance '{name}'{near}{_unseen(hosts)}")


def _unseen(hosts: Iterable[SiteHost]) -> str:
    """Return the end of a message about an unknown name: hosts whose names are not known now."""
    unseen = [each.host for each in hosts if each.status is None]
    if not unseen:
        return ""
    verb = "does" if len(unseen) == 1 else "do"
    return f" (nothing is known of {', '.join(unseen)}, which {verb} not answer)"
