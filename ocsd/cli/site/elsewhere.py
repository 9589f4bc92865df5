"""Command lines that mean other hosts: found by their words, and run where they belong."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ocsd.cli.screen import question
from ocsd.cli.site.far import FarHost, Way, whole_site
from ocsd.cli.talk import control
from ocsd.errors import (
    OcsdError,
    SeveralDaemonsError,
    SilentDaemonError,
    UnreachableError,
    UsageError,
)
from ocsd.status import targets
from ocsd.status.commands import COMMANDS, parsed
from ocsd.status.site import SiteHost

_SURE: Final = frozenset({"-y", "--yes", "--dry-run"})
_STEPS: Final = frozenset({"down", "reload"})
"""Commands before which a person at a terminal is asked."""
_HELP: Final = frozenset({"-h", "--help"})
_OWN_OPTIONS: Final = frozenset({"--data-dir", "--folder", "--unit"})
"""Options with a value that hosts do not take from others."""


_OF_OTHER_THINGS: Final = frozenset({"alarm", "data"})
"""Commands whose names are not those of instances."""


class CommandWords(NamedTuple):
    """A command line, by what its words mean."""

    command: str
    names: list[str]
    """The words that name instances or hosts."""
    kept: list[str]
    """The command and all other words, without those of the next two."""
    host: str | None
    """The value of ``--host``."""
    site_file: str | None
    """The value of ``--site-file``."""

    @property
    def names_hosts(self) -> bool:
        """Whether a word has a host before a colon."""
        return any(targets.target_of(name).host is not None for name in self.names)

    @property
    def is_of_this_host(self) -> bool:
        """Whether it is a part of a command that other hosts do not run, as ``data sync``."""
        parts = COMMANDS[self.command].parts
        has_part = not parts or bool(parts & set(self.kept))
        return not has_part and targets.target_of(self.names[0]).host is None

    def refuse_other_parts(self) -> None:
        """Refuse a part of a command that other hosts do not run, as ``data lab-2: export``.

        Raises
        ------
        UsageError
            If it is one.
        """
        parts = COMMANDS[self.command].parts
        named = [name for name in self.names if targets.target_of(name).host is None]
        if parts and not parts & set(self.kept):
            given = " ".join((self.command, *named[:1]))
            raise UsageError(
                f"another host runs no `ocsd {given}`; of {self.command} it runs "
                f"{', '.join(sorted(parts))}; for all else log in there"
            )

    def of(self, chosen: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Return the command line for each host, with the names chosen for it."""
        return {host: [*self.kept, *names] for host, names in chosen.items()}


def addressed(words: Sequence[str]) -> int | None:
    """Run a command line whose words name hosts, ``HOST:NAME`` or ``HOST:``; return its exit code.

    Returns None if none of them does: then this host is meant.

    Raises
    ------
    OcsdError
        If a host or name is not of the site, or a host cannot be asked.
    """
    line = read(words)
    if not line.names_hosts or line.is_of_this_host or _HELP & set(words):
        return None
    line.refuse_other_parts()
    if line.host is not None:
        raise UsageError("a target with a colon names its host, so --host has nothing to say")
    way, hosts = whole_site(line.site_file)
    of_instances = line.command not in _OF_OTHER_THINGS
    chosen = targets.by_host(line.names, hosts, of_instances=of_instances)
    return _run_all(way, hosts, line.of(chosen))


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
    line = read(words)
    here = {daemon.host for daemon in control.find_all()}
    if not _may_help(line, here, error):
        raise error
    try:
        way, hosts = whole_site(line.site_file)
    except OcsdError as failure:
        raise error from failure
    chosen = _chosen(line, hosts, way, here)
    is_here = set(chosen or ()) <= here and not isinstance(error, SeveralDaemonsError)
    if not chosen or is_here:
        raise error
    return _run_all(way, hosts, line.of(chosen))


def _may_help(line: CommandWords, here: Container[str], error: OcsdError) -> bool:
    """Whether other hosts of the site may have what was named."""
    if isinstance(error, SilentDaemonError):
        return False
    if line.host is not None:
        return line.host not in here
    return (
        bool(line.names) and line.command != "data" and not targets.OF_EACH_HOST & set(line.names)
    )


def _chosen(
    line: CommandWords, hosts: Sequence[SiteHost], way: Way, here: Container[str]
) -> dict[str, list[str]] | None:
    """Return the names of each host; None if there is nothing but the host of this machine."""
    if line.host is not None:
        return {each.host: line.names for each in hosts if each.host == line.host}
    if len(hosts) == 1 and hosts[0].host in here:
        return None
    if line.command == "alarm":
        hosts = [each._replace(status=_alarms_of(each, way)) for each in hosts]
    return targets.by_host(line.names, hosts)


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


def _run_all(way: Way, hosts: Sequence[SiteHost], lines: Mapping[str, list[str]]) -> int:
    """Run a command line on each host, one after the other; return the worst exit code.

    Raises
    ------
    UnreachableError
        If a host does not answer: before anything is changed, or after all others were looked at.
    """
    meant = _meant(hosts, lines)
    why_away = _why_away(meant)
    if why_away and (_changes(lines) or not any(each.answers for each in meant)):
        raise UnreachableError(why_away)
    far = [FarHost(each.host, way) for each in meant if each.answers]
    for each in far:
        _confirm(lines[each.name], each)
    code = max(each.run(lines[each.name]) for each in far)
    if why_away:
        raise UnreachableError(why_away)
    return code


def _meant(hosts: Iterable[SiteHost], lines: Container[str]) -> list[SiteHost]:
    return [each for each in hosts if each.host in lines]


def _why_away(hosts: Iterable[SiteHost]) -> str:
    """Return why hosts do not answer; empty if all do."""
    here = {daemon.host for daemon in control.find_all()}
    told = []
    for each in hosts:
        if not each.answers:
            told.append(f"host '{each.host}' does not answer: {each.trouble}")
        if not each.answers and each.host in here:
            told.append(f"a daemon of that name runs here: add --host {each.host}, without a colon")
    return "; ".join(told)


def _changes(lines: Mapping[str, Sequence[str]]) -> bool:
    return any(COMMANDS[words[0]].action != "status" for words in lines.values())


def _confirm(words: Sequence[str], far: FarHost) -> None:
    """Ask a person at the terminal before much of a host is interrupted."""
    command = words[0]
    if command not in _STEPS or _SURE & set(words) or not question.can_ask():
        return
    if command == "down" and "--all" in words:
        question.confirm(f"{far.name}: bring down all instances?")
    if command == "reload":
        far.run(["reload", "--dry-run"])
        question.confirm(f"{far.name}: reload?")


def read(words: Sequence[str]) -> CommandWords:
    """Return what the words of a command line are."""
    command = words[0]
    site_file, rest = _option(words[1:], "--site-file")
    host, rest = _option(rest, "--host")
    known = COMMANDS[command]
    places = parsed(known._replace(options=known.options | _OWN_OPTIONS), rest).names
    part = [place for place in places if rest[place] in known.parts][:1]
    named = [place for place in places if place not in part]
    kept = [word for place, word in enumerate(rest) if place not in named]
    return CommandWords(
        command, [rest[place] for place in named], [command, *kept], host, site_file
    )


def _option(words: Sequence[str], option: str) -> tuple[str | None, list[str]]:
    """Return the value of an option, and the words without it."""
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == option and equals:
            return value, [*words[:place], *words[place + 1 :]]
        if word == option and place + 1 < len(words):
            return words[place + 1], [*words[:place], *words[place + 2 :]]
    return None, list(words)
