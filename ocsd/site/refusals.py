"""The refusals of a parser in words for an operator: unknown options, and the nearest to each."""

import argparse
import re
from collections.abc import Callable, Iterator, Sequence

from ocsd.text.nearest import did_you_mean

_UNRECOGNIZED = "unrecognized arguments: "
_MISSED = "the following arguments are required"


def never_abbreviate(parser: argparse.ArgumentParser, actions: Sequence[argparse.Action]) -> None:
    """Let `parser` take the options of these actions only when they are written in full.

    argparse has no such switch for single options. A short form of one of ours would swallow an
    option that the agent of another site has, e.g. ``--address`` for ``--address-root``.
    """
    candidates = parser._get_option_tuples  # noqa: SLF001 - argparse has no public one

    def others(option: str) -> list[tuple[argparse.Action, str, str | None]]:
        return [each for each in candidates(option) if each[0] not in actions]

    parser._get_option_tuples = others  # type: ignore[assignment, method-assign]  # noqa: SLF001


def usage_as_now(parser: argparse.ArgumentParser) -> Callable[[], str]:
    """Return a function that returns the usage of a parser without options that it gets later.

    Only a refusal needs the text, and it takes longer to make than to parse the arguments.
    """
    actions = list(parser._actions)  # noqa: SLF001 - argparse has no public one

    def usage() -> str:
        formatter = parser._get_formatter()  # noqa: SLF001 - as `format_usage` of argparse does
        formatter.add_usage(parser.usage, actions, parser._mutually_exclusive_groups)  # noqa: SLF001
        return formatter.format_help()

    return usage


def explained(
    reason: str, parser: argparse.ArgumentParser, words: Sequence[str], ours: Sequence[str]
) -> str:
    """Return argparse's `reason` with the unknown options among `words`, and what may be meant.

    argparse does not name them if it misses something else, e.g. ``--port`` for a ``--prot``.
    An option of the agent is proposed before one of `ours`, which everybody has.
    """
    known = options_of(parser)
    own = [option for option in known if option not in ours]

    def meant(word: str) -> str:
        return did_you_mean(word, own) or did_you_mean(word, known)

    if reason.startswith(_UNRECOGNIZED):
        option = re.match(r"--?[\w-]+", reason.removeprefix(_UNRECOGNIZED))
        if option is not None:
            return reason + meant(option[0])
        return reason
    if not reason.startswith(_MISSED):
        return reason
    told = (f"there is no option {word!r}{meant(word)}" for word in _unknown(words, known))
    return "; ".join((reason, *told))


def _unknown(words: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    for word in words:
        name = word.partition("=")[0]
        if re.match(r"--[^\W\d]", name) and not any(each.startswith(name) for each in known):
            yield name


def options_of(parser: argparse.ArgumentParser) -> list[str]:
    """Return the long options of a parser and of its subcommands."""
    found = re.findall(r"(?<![\w-])--[\w-]+", parser.format_help())
    for action in parser._actions:  # noqa: SLF001 - argparse offers no list of subcommands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            for inner in action.choices.values():
                found += options_of(inner)
    return list(dict.fromkeys(found))
