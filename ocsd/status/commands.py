"""The commands that a host carries out for people on other hosts.

They run as the daemon's user. Therefore an option that names a file, a folder or another daemon
is none of theirs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ocsd.errors import NotPermittedError, UsageError

MOST_WORDS: Final = 2000

_FOR_ALL: Final = frozenset({"--json"})


class FarCommand(NamedTuple):
    """A command, the action whose role it needs, and what it may be given."""

    action: str
    """Its name among those of `ocsd.daemon.api.askers.LEAST_ROLES`."""
    flags: frozenset[str] = frozenset()
    """Options without a value."""
    options: frozenset[str] = frozenset()
    """Options with a value."""
    parts: frozenset[str] = frozenset()
    """Commands below it; its first word has to be one of them."""


def _command(action: str, flags: str = "", options: str = "", parts: str = "") -> FarCommand:
    return FarCommand(action, *(frozenset(text.split()) for text in (flags, options, parts)))


COMMANDS: Final[Mapping[str, FarCommand]] = {
    "status": _command("status", "-a --all --strict", "--class"),
    "why": _command("status", "", "--class"),
    "history": _command("status", "--availability", "--since --until -n --lines --class"),
    "logs": _command("status", "-f --follow", "-n --lines --since --until --grep --level --class"),
    "values": _command("status", "", "--wait"),
    "data": _command("status", "--files", "--since --until", "ls info gaps verify"),
    "alarm": _command(
        "alarms", "--raised", "--comment --for --until", "list ack silence unsilence test"
    ),
    "up": _command("up", "--all --also-put-down", "--class --timeout"),
    "down": _command("down", "--all -y --yes", "--class --timeout"),
    "restart": _command("restart", "--all", "--class --timeout"),
    "reload": _command("reload", "--dry-run -y --yes --no-wait", "--timeout"),
    "upgrade": _command("upgrade", "", "--timeout"),
}


def checked(words: Any) -> FarCommand:
    """Return the command that words begin with, if it may be run with the others.

    Raises
    ------
    UsageError
        If they are no list of words, or no such command.
    NotPermittedError
        If one of the options is kept from other hosts.
    """
    if not isinstance(words, list) or not words or not all(isinstance(each, str) for each in words):
        raise UsageError('words has to be a list, e.g. ["history", "--since", "1h"]')
    name, *rest = words
    if len(words) > MOST_WORDS or any("\0" in word for word in words):
        raise UsageError(f"a command has at most {MOST_WORDS} words, and none with a null byte")
    command = COMMANDS.get(name)
    if command is None:
        raise UsageError(
            f"another host runs no `ocsd {name}`; it runs {', '.join(COMMANDS)}; for all else log "
            "in there"
        )
    if command.parts:
        _check_part(name, command, rest[:1])
        rest = rest[1:]
    _check_options(name, command, rest)
    return command


def _check_part(name: str, command: FarCommand, first: Sequence[str]) -> None:
    if not first or first[0] not in command.parts:
        given = " ".join((name, *first))
        there_are = ", ".join(sorted(command.parts))
        raise UsageError(f"another host runs no `ocsd {given}`; of {name} it runs {there_are}")


def _check_options(name: str, command: FarCommand, words: Sequence[str]) -> None:
    for place in parsed(command, words).unknown:
        option = words[place].partition("=")[0]
        raise NotPermittedError(
            f"`ocsd {name}` takes no {option!r} from another host; log in there for that"
        )


class ParsedWords(NamedTuple):
    """The words of a command line after the command's name, by their meaning."""

    names: tuple[int, ...]
    """The places of those that are no options, and no values of options."""
    unknown: tuple[int, ...]
    """The places of options that the command does not have here."""


def parsed(command: FarCommand, words: Sequence[str]) -> ParsedWords:
    """Return which words of a command line are names, and which options are not known."""
    names: list[int] = []
    unknown: list[int] = []
    is_value = False
    for place, word in enumerate(words):
        option, equals, _ = word.partition("=")
        if is_value:
            is_value = False
        elif word == "-" or not word.startswith("-"):
            names.append(place)
        elif option in command.options:
            is_value = not equals
        elif not _is_flag(command, word):
            unknown.append(place)
    return ParsedWords(tuple(names), tuple(unknown))


def _is_flag(command: FarCommand, word: str) -> bool:
    is_number = word[:2] in command.options and word[2:].isdecimal()  # -n20
    return is_number or word in command.flags | _FOR_ALL
