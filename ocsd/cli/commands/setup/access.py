"""`ocsd access`: who may do what on the site, and its keys."""

import importlib
import sys
from typing import cast

import click

from ocsd.cli.arguments import options

_COMMANDS = {
    "init": ("keys", "init", "Make the keys of the site, on the host of its router."),
    "host": ("keys", "host", "Write the bundle of another host, with the key of that host."),
    "join": ("keys", "join", "Put the bundle of this host in place."),
    "user": ("users", "user", "Add, list and remove the people who may log in."),
    "agent-url": ("urls", "agent_url", "Make a URL for an agent on the published OCS."),
    "client-url": ("urls", "client_url", "Make URLs for clients on the published OCS."),
    "check": ("checking", "check", "Show what is open, to whom, and what is wrong."),
    "rotate": ("keys", "rotate", "Make a key anew, after which the old one is worthless."),
}
"""The commands in the order of the help, each with its module in `ocsd.cli.access`."""


class _AccessCommands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module, function, _ = _COMMANDS[name]
        found = importlib.import_module(f"ocsd.cli.access.{module}")
        return cast(click.Command, getattr(found, function))

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (*_, text) in _COMMANDS.items()])


@click.group(
    cls=_AccessCommands,
    invoke_without_command=True,
    epilog=options.examples(
        "ocsd access check",
        "ocsd access init                              # on the host of the router",
        "ocsd access host lab-2                        # there, for another host",
        "ocsd access join lab-2.bundle                 # on that host",
        "ocsd access user add vera --role viewer",
    ),
)
@click.pass_context
def access(context: click.Context) -> int:
    """Close the site to strangers: keys, people, and what each may do.

    docs/run/security.md leads through it.
    """
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        return click.UsageError.exit_code
    return 0
