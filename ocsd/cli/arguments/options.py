"""Options and decorators that commands share, so that their help is the same everywhere."""

from collections.abc import Callable
from typing import Any

import click

from ocsd.cli.arguments import completion

host_option = click.option(
    "--host",
    metavar="HOST",
    help="Name of the host in the site file; needed only where daemons of several hosts run.",
    shell_complete=completion.hosts,
)
host_entry_option = click.option(
    "--host",
    metavar="HOST",
    help="Host entry of the site file; by default this machine's host name, or localhost.",
    shell_complete=completion.site_hosts,
)
site_file_option = click.option(
    "--site-file",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Site file; by default $OCS_CONFIG_DIR/default.yaml, ./site-configs/default.yaml or "
    "/etc/ocsd/default.yaml.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
yes_option = click.option("-y", "--yes", "is_sure", is_flag=True, help="Do not ask.")
timeout_option = click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True, max=86400),
    default=60.0,
    show_default=True,
    help="How long to wait for the result.",
)


def examples(*commands: str) -> str:
    """Return the end of a command's help: examples, each on its own line."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)


def command(*commands: str, after: str = "") -> Callable[[Callable[..., Any]], click.Command]:
    """Make a command of click whose help ends with examples and the words `after` them."""
    return click.command(epilog=f"{examples(*commands)}\n\n{after}")


def last_option(entries: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the number of `entries` that it shows at most, as ``lines``."""
    return click.option(
        "-n",
        "--lines",
        metavar="N",
        type=click.IntRange(min=0),
        default=50,
        show_default=True,
        help=f"Show only the last N {entries}.",
    )


def with_all(*decorators: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command several options, the last of them first in the help."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorate in decorators:
            command = decorate(command)
        return command

    return decorated


def not_names(verb: str, change: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Have a command of a whole host answer names of instances with the command for these."""

    def refuse(
        _context: click.Context, _parameter: click.Parameter, names: tuple[str, ...]
    ) -> None:
        if names:
            given = " ".join(names)
            if all(name.endswith(":") for name in names):
                given += " --all"  # all of these hosts
            raise click.UsageError(
                f"`ocsd {verb}` {verb}s everything on a host; did you mean `ocsd {change} {given}`?"
            )

    return click.argument("names", metavar="", nargs=-1, expose_value=False, callback=refuse)
