"""``ocs-local-support``: the program of OCS that starts router and HostManager of one host.

The daemon is both, so `start` and `stop` are ``ocsd start`` and ``ocsd stop``.
"""

import argparse
from collections.abc import Sequence

from ocsd import site_config
from ocsd.compat.managers import (
    Manager,
    become_ocsd,
    bridge_problem,
    manager_ids,
    refuse_without_site,
)
from ocsd.errors import OcsdError, UsageError
from ocsd.site.parts import HostConfig

_TOGETHER = "ocsd starts and ends the router together with its daemon: "
_ROUTER = "ocsd's daemon makes the router's configuration itself, from the site file: "


def get_parser_local() -> argparse.ArgumentParser:
    """Return the parser of ``ocs-local-support``; the site options are not in it."""
    parser = argparse.ArgumentParser(
        prog="ocs-local-support",
        description="Show, start or stop ocsd on this host, in place of OCS's crossbar and "
        "HostManager.",
    )
    parser.add_argument("here_cmd", choices=["status", "start", "stop", "generate_crossbar_config"])
    parser.add_argument("target", nargs="?", choices=["crossbar", "agent", "process"])
    parser.add_argument("--foreground", action="store_true", help="start: stay in the foreground")
    return parser


def main_local(args: Sequence[str] | None = None) -> None:
    """Run the command that the words name."""
    parser = get_parser_local()
    try:
        parsed = site_config.parse_args(agent_class="*host*", parser=parser, args=args)
        refuse_without_site(parser, parsed)
        host = site_config.get_config(parsed, "*host*").host
        if parsed.here_cmd == "status":
            print("\n".join(_status_lines(parsed, host)))  # noqa: T201 - a command
            return
        words = command(parsed, str(host.name))
    except OcsdError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    become_ocsd(parser, words)


def command(args: argparse.Namespace, host: str) -> list[str]:
    """Return the words for ocsd that do what the options mean.

    Raises
    ------
    UsageError
        If ocsd does no such thing; names the command that it has instead.
    """
    start = ["start", "--site-file", args.site_file, "--host", host]
    if not args.foreground:
        start.append("-d")
    stop = ["stop", "--yes", "--host", host]
    match args.here_cmd, args.target:
        case "generate_crossbar_config", _:
            raise UsageError(f"{_ROUTER}ocsd {' '.join(start)}")
        case "start", None | "agent":
            return start
        case "start", "process":
            return ["up", "--all", "--host", host]
        case "stop", None | "agent":
            return stop
        case "stop", "process":
            return ["down", "--all", "--yes", "--host", host]
        case "start", _:
            raise UsageError(f"{_TOGETHER}ocsd {' '.join(start)}")
        case _:
            raise UsageError(f"{_TOGETHER}ocsd {' '.join(stop)}")


def _status_lines(args: argparse.Namespace, host: HostConfig) -> list[str]:
    bridge = not bridge_problem(args)
    manager = Manager(manager_ids(host)[0], None)
    if bridge:
        manager = Manager.connected(manager.instance_id, args)
    runs_router = host.crossbar is not None
    running = "n/a"
    if runs_router:
        running = str(bridge)
    answers = manager.client is not None
    return [
        "Status of local supports:",
        f"  crossbar managed on this host:       {runs_router}",
        f"    crossbar running?:                 {running}",
        f"    connection to server?:             {bridge}",
        "",
        "  hostmanager configured on this host: True",
        "    manageable by ocsbow?:             True",
        f"    agent running?                     {answers}",
        f"    manager process running?:          {answers and manager.children() is not None}",
        f"    instance-id:                       {manager.instance_id}",
        "",
    ]
