"""`ocsd completion`: the script that completes commands in a shell."""

import click

from ocsd.cli.arguments.completion import COMPLETE_VARIABLE, PROGRAM
from ocsd.errors import OcsdError

_SHELLS = ("bash", "zsh", "fish")

_EXAMPLES = """\b
Examples:
  source <(ocsd completion bash)
  ocsd completion bash > /etc/bash_completion.d/ocsd
  ocsd completion zsh > "${fpath[1]}/_ocsd"
  ocsd completion fish > ~/.config/fish/completions/ocsd.fish
"""


@click.command(epilog=_EXAMPLES)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    With it, the shell completes ocsd's commands, options and instance-ids.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:  # click lost a shell that it had
        raise OcsdError(f"this release of click has no completion for {shell}")
    root = context.find_root().command
    print(kind(root, {}, PROGRAM, COMPLETE_VARIABLE).source())
