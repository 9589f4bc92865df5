"""The option by which a person, or a program, gets a role."""

import click

from ocsd.access.roles import PERSONS

_ROLE_HELP = f"One of {', '.join(PERSONS)}; docs/run/security.md says what each may do."

role_option = click.option(
    "--role",
    metavar="ROLE",
    required=True,
    help=_ROLE_HELP,
    shell_complete=lambda *given: [each for each in PERSONS if each.startswith(given[-1])],
)
