"""The instances that a command is meant for: names, patterns of the shell's form, classes."""

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import click

from ocsd.cli.arguments import completion
from ocsd.errors import NoSuchInstanceError
from ocsd.status import replies

class_option = click.option(
    "--class",
    "agent_class",
    metavar="CLASS",
    help="Only instances of this agent class, e.g. FakeDataAgent or 'Lakeshore*'.",
    shell_complete=completion.classes,
)


def is_pattern(word: str) -> bool:
    """Return whether a word stands for any number of names: it has ``*``, ``?`` or ``[``."""
    return any(sign in word for sign in "*?[")


def matching(words: Sequence[str], known: Collection[str]) -> list[str]:
    """Return the names for which words stand, each once; a word that is no pattern is a name.

    Raises
    ------
    NoSuchInstanceError
        If a pattern matches none of the names that are `known`.
    """
    found: dict[str, None] = {}
    for word in words:
        names = [word]
        if is_pattern(word):
            names = [name for name in known if fnmatchcase(name, word)]
        if not names:
            raise NoSuchInstanceError(
                f"no instance matches '{word}'; there are: {', '.join(known) or 'none'}"
            )
        found |= dict.fromkeys(names)
    return list(found)


def of_class(agent_class: str, answer: Mapping[str, Any]) -> list[str]:
    """Return the instances of a class, or of a pattern of classes, in a daemon's status.

    Raises
    ------
    NoSuchInstanceError
        If there is none.
    """
    from ocsd.text.nearest import nearest_or_all

    instances = replies.host_status(answer).instances
    found = [it.instance_id for it in instances if fnmatchcase(it.agent_class, agent_class)]
    if not found:
        classes = sorted({instance.agent_class for instance in instances})
        raise NoSuchInstanceError(
            f"host '{answer.get('host')}' has no instance of class '{agent_class}'"
            f"{nearest_or_all(agent_class, classes)}"
        )
    return found


def chosen(words: Sequence[str], agent_class: str | None, answer: Mapping[str, Any]) -> list[str]:
    """Return the instances that words and a class choose in a daemon's status.

    Both together choose what is in both. Patterns stand for instances only; `router` and `ocsd`
    have to be named.

    Raises
    ------
    NoSuchInstanceError
        If a pattern, the class or both together choose nothing.
    """
    return narrowed(matching(words, replies.instance_ids(answer)), agent_class, answer)


def narrowed(names: list[str], agent_class: str | None, answer: Mapping[str, Any]) -> list[str]:
    """Return those of the names that are of a class; without names, all of the class.

    Raises
    ------
    NoSuchInstanceError
        If there is none.
    """
    if agent_class is None:
        return names
    members = of_class(agent_class, answer)
    if not names:
        return members
    both = [name for name in names if name in members]
    if not both:
        raise NoSuchInstanceError(
            f"none of {', '.join(names)} is of class '{agent_class}'; it has {', '.join(members)}"
        )
    return both


def no_such_instance(instance_id: str, answer: Mapping[str, Any]) -> str:
    """Return the message about an instance-id that a daemon's status does not list."""
    from ocsd.text.nearest import did_you_mean

    for each in replies.host_status(answer).not_managed:
        if each.instance_id == instance_id:
            return f"'{instance_id}' is {each.reason}"
    near = did_you_mean(instance_id, replies.instance_ids(answer))
    advice = near or "; `ocsd status` lists them"
    return f"host '{answer.get('host')}' has no instance '{instance_id}'{advice}"
