"""`ocsd site`: look at the hosts beside a new site file, and take it to them."""

import importlib
import sys
from typing import cast

import click

from ocsd.cli.arguments import options

_COMMANDS = {
    "plan": "Show what a site file would change on each host, and change nothing.",
    "apply": "Take a site file into use, host by host, and stop where it goes wrong.",
    "push": "Give each host the file, without taking it into use.",
}
"""The commands in the order of the help; each is a module beside this one."""


class _SiteCommands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        found = importlib.import_module(f"ocsd.cli.commands.site.{name}")
        return cast(click.Command, getattr(found, name))

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_SiteCommands,
    invoke_without_command=True,
    epilog=options.examples(
        "ocsd site plan --site-file site.yaml",
        "ocsd site apply --site-file site.yaml --waves 1,3,rest",
        "ocsd site push --site-file site.yaml",
    ),
)
@click.pass_context
def site(context: click.Context) -> int:
    """Take one site file to all hosts: see what it changes, then apply it.

    docs/run/rollout.md leads through it.
    """
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        return click.UsageError.exit_code
    return 0
