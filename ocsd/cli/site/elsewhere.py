"""Command lines that mean other hosts: found by their words, and run where they belong."""

from collections.abc import Sequence
from typing import Final

from ocsd.cli.screen import question
from ocsd.cli.site.far import FarHost, Way, whole_site
from ocsd.cli.talk import control
from ocsd.errors import (
    ForeignDaemonError,
    OcsdError,
    SeveralDaemonsError,
    SilentDaemonError,
    UnreachableError,
    UsageError,
)
from ocsd.status import targets
from ocsd.status.commands import COMMANDS, Words, parsed
from ocsd.status.site import SiteHost

_SURE: Final = frozenset({"-y", "--yes", "--dry-run"})
_STEPS: Final = frozenset({"down", "reload"})
"""Commands before which a person at a terminal is asked."""
_BESIDE: Final = frozenset({"router", "ocsd", "forkserver"})
"""Names that each host has."""


def addressed(words: Sequence[str]) -> int | None:
    """Run a command line whose words name hosts, ``HOST:NAME`` or ``HOST:``; return its exit code.

    Returns None if none of them does: then this host is meant.

    Raises
    ------
    OcsdError
        If a host or name is not of the site, or a host cannot be asked.
    """
    command, *rest = words
    site_file, rest = _option(rest, "--site-file")
    found = _parsed(command, rest)
    named = [place for place in found.names if targets.target_of(rest[place]).host is not None]
    if not named or "--help" in rest or "-h" in rest:
        return None
    if _option(rest, "--host")[0] is not None:
        raise UsageError("a target with a colon names its host, so --host has nothing to say")
    parts = _parts(command, rest, found)
    places = [place for place in found.names if place not in parts]
    wanted = [rest[place] for place in places]
    way, hosts = whole_site(site_file)
    chosen = targets.by_host(wanted, hosts)
    kept = [word for place, word in enumerate(rest) if place not in places]
    return _run_all(way, hosts, {host: [command, *kept, *names] for host, names in chosen.items()})


def after(error: OcsdError, words: Sequence[str]) -> int:
    """Run a command line on other hosts, because this one has not what it names.

    Parameters
    ----------
    error : OcsdError
        The reason: there is no such instance or no daemon here, or there are several daemons.
    words : sequence of str
        The command line.

    Raises
    ------
    OcsdError
        The same error, if the site does not help either.
    """
    if isinstance(error, (ForeignDaemonError, SilentDaemonError)):
        raise error
    command, *rest = words
    host, without_host = _option(rest, "--host")
    if host is not None:
        return _at_host(host, [command, *without_host], error)
    found = _parsed(command, rest)
    parts = _parts(command, rest, found)
    places = [place for place in found.names if place not in parts]
    names = [rest[place] for place in places]
    if not names or command == "data" or _BESIDE & set(names):
        raise error
    way, hosts = _site_after(error)
    if len(hosts) < 2:
        raise error
    chosen = _chosen(command, names, hosts, way)
    if _is_ours(chosen, error):
        raise error
    kept = [word for place, word in enumerate(rest) if place not in places]
    return _run_all(way, hosts, {host: [command, *kept, *own] for host, own in chosen.items()})


def _at_host(host: str, words: list[str], error: OcsdError) -> int:
    """Run a command line at the host that ``--host`` names, unless its daemon runs here."""
    if any(daemon.host == host for daemon in control.find_all()):
        raise error
    way, hosts = _site_after(error)
    if host not in targets.hosts_by_name(hosts):
        raise error
    return _run_all(way, hosts, {host: words})


def _site_after(error: OcsdError) -> tuple[Way, tuple[SiteHost, ...]]:
    """Return the site; if it cannot be asked, the first error is the one to tell."""
    try:
        return whole_site()
    except OcsdError as failure:
        raise error from failure


def _chosen(
    command: str, names: Sequence[str], hosts: Sequence[SiteHost], way: Way
) -> dict[str, list[str]]:
    if command == "alarm":
        hosts = [each._replace(status=_alarms_of(each, way)) for each in hosts]
    return targets.by_host(names, hosts)


def _alarms_of(host: SiteHost, way: Way) -> dict[str, object]:
    """Return the names of a host's alarms, in the shape of a status."""
    import json

    if not host.answers or not (host.status or {}).get("alarms"):
        return {}
    printed: list[str] = []
    code = FarHost(host.host, way).run(["alarm", "list", "--json"], out=printed.append)
    if code:
        return {}
    alarms = json.loads("".join(printed))["alarms"]
    return {"instances": [{"instance_id": each["name"]} for each in alarms]}


def _is_ours(chosen: dict[str, list[str]], error: OcsdError) -> bool:
    """Whether only daemons of this machine are meant, which have given the error themselves."""
    here = {daemon.host for daemon in control.find_all()}
    return set(chosen) <= here and not isinstance(error, SeveralDaemonsError)


def _run_all(way: Way, hosts: Sequence[SiteHost], lines: dict[str, list[str]]) -> int:
    """Run a command line on each host, one after the other; return the worst exit code."""
    known = targets.hosts_by_name(hosts)
    away = [known[host] for host in lines if not known[host].answers]
    if away:
        # Before anything is changed.
        raise UnreachableError("; ".join(f"host '{each.host}': {each.trouble}" for each in away))
    for host, words in lines.items():
        _confirm(host, words, FarHost(host, way))
    return max(FarHost(host, way).run(words) for host, words in lines.items())


def _confirm(host: str, words: Sequence[str], far: FarHost) -> None:
    """Ask a person at the terminal before much of a host is interrupted."""
    command = words[0]
    if command not in _STEPS or _SURE & set(words) or not question.can_ask():
        return
    if command == "down" and "--all" in words:
        question.confirm(f"{host}: bring down all instances?")
    if command == "reload":
        far.run(["reload", "--dry-run"])
        question.confirm(f"{host}: reload?")


def _parsed(command: str, words: Sequence[str]) -> Words:
    known = COMMANDS[command]
    # Those of this command line that other hosts do not take.
    options = known.options | {"--host", "--site-file", "--folder"}
    return parsed(known._replace(options=options), words)


def _parts(command: str, words: Sequence[str], found: Words) -> list[int]:
    """Return the place of the word that names the part of a command, as of `data ls`."""
    parts = COMMANDS[command].parts
    return [place for place in found.names if words[place] in parts][:1]


def _option(words: Sequence[str], option: str) -> tuple[str | None, list[str]]:
    """Return the value of an option, and the words without it."""
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == option and equals:
            return value, [*words[:place], *words[place + 1 :]]
        if word == option and place + 1 < len(words):
            return words[place + 1], [*words[:place], *words[place + 2 :]]
    return None, list(words)
