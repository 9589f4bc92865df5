"""A question to the person at the terminal, before something that is hard to undo."""

import sys

import click

from ocsd.errors import OcsdError


def can_ask() -> bool:
    """Return whether a person can be asked; a script or a unit of systemd cannot."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(text: str) -> None:
    """Ask a question; go on only if the answer is yes.

    Raises
    ------
    OcsdError
        If it is no.
    click.Abort
        If it is Ctrl-C.
    """
    if not click.confirm(text, default=False, err=True):
        raise OcsdError("nothing was done")
