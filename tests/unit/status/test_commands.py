"""The commands that hosts carry out for people on other hosts."""

import click
import pytest

from ocsd.cli.main import OF_OTHER_HOSTS, ocsd
from ocsd.cli.site.elsewhere import read
from ocsd.errors import NotPermittedError, UsageError
from ocsd.status.commands import COMMANDS, MOST_WORDS, checked, parsed

LEFT_OUT = {
    "--host",
    "--data-dir",
    "--site-file",
    "--folder",
    "--unit",
    "--watch",
    "--site",
    "-S",
    "--repair",
}
"""Options that only the command line of the host itself has."""


@pytest.mark.parametrize(
    "words",
    [
        ["history", "--since", "1h", "thermo1", "--json"],
        ["logs", "-f", "-n20", "--level=warn", "thermo-*"],
        ["logs", "--grep", "--host", "thermo1"],
        ["data", "gaps", "--since", "1d", "thermo1.*"],
        ["alarm", "silence", "stage-warm", "--for", "2h"],
        ["reload", "--dry-run", "--json"],
        ["upgrade"],
    ],
)
def test_commands_with_their_options_may_run(words):
    assert checked(words) == COMMANDS[words[0]]


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        (["start"], UsageError, "another host runs no `ocsd start`"),
        (["data", "export", "x"], UsageError, "another host runs no `ocsd data export`"),
        (["alarm"], UsageError, "another host runs no `ocsd alarm`"),
        (["logs", "--host", "other"], NotPermittedError, "takes no '--host'"),
        (["values", "--site-file=/etc/passwd"], NotPermittedError, "takes no '--site-file'"),
        (["data", "verify", "--repair"], NotPermittedError, "takes no '--repair'"),
        (["logs", "-fn3"], NotPermittedError, "takes no '-fn3'"),
        (["up", "--", "--x"], NotPermittedError, "takes no '--'"),
        ([], UsageError, "has to be a list"),
        ("up", UsageError, "has to be a list"),
        (["up", 3], UsageError, "has to be a list"),
        (["up", "a\0b"], UsageError, "null byte"),
        (["up"] * (MOST_WORDS + 1), UsageError, "at most"),
    ],
)
def test_all_others_are_refused_with_the_reason(words, error, text):
    with pytest.raises(error) as refused:
        checked(words)
    assert text in str(refused.value)


def test_names_are_the_words_that_are_neither_options_nor_their_values():
    words = ["--since", "10:30", "lab-1:a", "-n3", "--json", "b"]
    assert parsed(COMMANDS["history"], words) == ((2, 5), ())


def test_the_command_line_knows_the_same_commands():
    assert set(COMMANDS) == OF_OTHER_HOSTS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_each_command_are_those_that_it_has(name):
    command = ocsd.get_command(None, name)
    found = [command]
    if isinstance(command, click.Group):
        found = [command.commands[part] for part in COMMANDS[name].parts]
    options = {word for each in found for param in each.params for word in param.opts}
    table = COMMANDS[name]
    assert table.flags | table.options <= options
    flags = {
        word
        for each in found
        for param in each.params
        if getattr(param, "is_flag", False)
        for word in param.opts
    }
    assert table.flags <= flags
    assert not table.options & flags
    assert not (table.flags | table.options) & LEFT_OUT


@pytest.mark.parametrize("name", COMMANDS)
def test_the_value_of_an_option_is_never_taken_for_a_name(name):
    command = ocsd.get_command(None, name)
    found = [command]
    if isinstance(command, click.Group):
        found = [command.commands[part] for part in COMMANDS[name].parts]
    params = {param for each in found for param in each.params if isinstance(param, click.Option)}
    for param in params:
        if not (param.is_flag or param.count):
            for option in param.opts:
                assert read([name, option, "x"]).names == [], option
