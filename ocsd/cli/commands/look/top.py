"""`ocsd top`: the state of this host on the full screen, with keys for what to do about it."""

import os
import sys

import click

from ocsd.cli.arguments import options
from ocsd.cli.screen import terminal
from ocsd.cli.talk import control
from ocsd.errors import MissingLibraryError


@options.command("ocsd top", "ocsd top --host lab")
@options.host_option
def top(host: str | None) -> int:
    """Show this host on the full screen, with keys for why, logs and restart.

    It shows what `ocsd status` shows, renewed every second. Select an instance with the arrow
    keys; `?` lists the other keys. What ends or starts something asks first. Needs textual:
    pip install 'ocsd[tui]'.
    """
    try:
        from ocsd.cli.top.app import Top
        from ocsd.cli.top.source import DaemonSource
    except ImportError as error:
        raise MissingLibraryError(
            f"textual is needed for `ocsd top`, and cannot be imported ({error}); "
            "install it with: pip install 'ocsd[tui]'"
        ) from error
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if os.environ.get("TERM") == "dumb" or not all(stream.isatty() for stream in streams):
        raise click.UsageError(
            "`ocsd top` is for a terminal; a program can use: ocsd status --json"
        )
    app = Top(DaemonSource(control.find(host)), terminal.of_output())
    # Without the mouse, the terminal's own selecting and copying works.
    app.run(mouse=False)
    return app.return_code or 0
