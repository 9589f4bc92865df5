"""``ocs-install-systemd``: the program of OCS that installs a unit; here it is ``ocsd install``."""

import argparse
import socket
from collections.abc import Sequence

from ocsd import site_config
from ocsd.compat.managers import become_ocsd, refuse_without_site
from ocsd.errors import OcsdError, UsageError
from ocsd.site import load

_WITHOUT_EFFECT = (
    "--docker-compose",
    "--shell",
    "--launcher-dir",
    "--launcher-script",
)
_REFUSED = ("--python-bin", "--service-dir", "--service-name")


def get_parser() -> argparse.ArgumentParser:
    """Return the parser; the site options are not in it."""
    parser = argparse.ArgumentParser(
        prog="ocs-install-systemd",
        description="Have systemd start ocsd on this host, in place of OCS's HostManager.",
    )
    for option in _WITHOUT_EFFECT:
        parser.add_argument(option, help="accepted and not used: ocsd's unit needs no launcher")
    for option in _REFUSED:
        parser.add_argument(option, help="not possible; see 'ocsd install --help'")
    parser.add_argument("--service-user", help="user that the daemon runs as")
    parser.add_argument("--service-host", help="host in the unit's name; accepted for this host")
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Become ``ocsd install``."""
    parser = get_parser()
    try:
        parsed = site_config.parse_args(agent_class="*host*", parser=parser, args=args)
        refuse_without_site(parser, parsed)
        host = str(site_config.get_config(parsed, "*host*").host.name)
        own = load.of_this_machine(load.load(parsed.site_file), socket.gethostname())
        words = command(parsed, host, own is not None and own.name == host)
    except OcsdError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    become_ocsd(parser, words)


def command(args: argparse.Namespace, host: str, is_this_machine: bool) -> list[str]:
    """Return the words for ocsd that the options mean.

    Parameters
    ----------
    args : argparse.Namespace
        The options.
    host : str
        The host in the site file.
    is_this_machine : bool
        Whether that is the entry which ocsd takes for this machine by itself.

    Raises
    ------
    UsageError
        If ocsd does no such thing; names the command that shows its unit.
    """
    given = vars(args)
    words = ["install", "--site-file", str(args.site_file)]
    for option in _REFUSED:
        if given[option[2:].replace("-", "_")] is not None:
            raise UsageError(
                f"ocsd installs its unit for its own Python, name and folder, without {option}; "
                f"print the unit with: ocsd {' '.join(words)} --dry-run"
            )
    if args.service_host is not None or not is_this_machine:
        words += ["--host", host]
    if args.service_user is not None:
        words += ["--user", args.service_user]
    return words


if __name__ == "__main__":
    main()
