"""Asks for a password, reads it from a file, or makes one."""

import getpass
import secrets
import sys
from pathlib import Path

from ocsd.cli.screen.question import can_ask
from ocsd.errors import OcsdError, UsageError


def password_of(name: str, file: str | None, *, generate: bool) -> str:
    """Return the new password of a person.

    Parameters
    ----------
    name : str
        The person.
    file : str or None
        The file that has it; ``-`` is the standard input. A last line feed is not part of it.
    generate : bool
        Make one of 120 bits; the command prints it.

    Raises
    ------
    UsageError
        If there is nobody to be asked, or the file cannot be read.
    OcsdError
        If the two answers differ.
    """
    if file is not None and generate:
        raise UsageError("--password-file and --generate exclude each other; pass one")
    if generate:
        return secrets.token_urlsafe(15)
    if file == "-":
        return sys.stdin.readline().removesuffix("\n")
    if file is not None:
        return _of_file(Path(file))
    if not can_ask():
        raise UsageError(
            "there is no terminal to ask for the password; pass --password-file FILE, or --generate"
        )
    first = getpass.getpass(f"Password for {name}: ")
    if first != getpass.getpass("The same again: "):
        raise OcsdError("the two passwords differ; nothing was changed")
    return first


def _of_file(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"cannot read the password from {file}: {reason}") from error
