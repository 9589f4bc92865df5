"""``ocs.client_cli``: the program of OCS that lists agents, listens to feeds and opens a shell.

``python -m ocs.client_cli`` runs it. It prints what OCS's prints, because scripts read that.
"""

import argparse
import code
import importlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ocsd import site_config
from ocsd.base import OpCode
from ocsd.client.http import ControlClientError
from ocsd.ocs_client import OCSClient

CLIENT_CLI_DESCRIPTION = "List a site's agents, listen to their feeds, or open a shell to them."
_HEARTBEATS_S = 2.0
"""Time that a scan listens to heartbeats, of which an agent sends one a second [s]."""

Operations = Mapping[str, int]
"""The state of each operation of an agent as an `OpCode`."""


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the three commands; the site options are not in it."""
    parser = argparse.ArgumentParser(prog="ocs-client-cli", description=CLIENT_CLI_DESCRIPTION)
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    one = commands.add_parser("shell", help="open a Python shell that has a client of an agent")
    one.add_argument("instance_id", nargs="+", help="the agents")
    one.add_argument("--simple", action="store_true", help="without IPython")
    one = commands.add_parser("scan", help="list the agents that are there")
    one.add_argument("--details", action="store_true", help="list the state of each operation")
    one.add_argument(
        "--use-registry",
        nargs="?",
        const="registry",
        metavar="INSTANCE_ID",
        help="ask the registry, which is faster than listening to heartbeats",
    )
    one = commands.add_parser("listen", help="print what is published")
    one.add_argument("--json", action="store_true", help="an object for each line")
    one.add_argument(
        "feed_selector", help="topic; an empty part matches any: observatory..feeds.heartbeat"
    )
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command that the words name."""
    parser = get_parser()
    parsed = site_config.parse_args(agent_class="*control*", parser=parser, args=args)
    commands = {"scan": scan, "shell": shell, "listen": listen}
    try:
        commands[parsed.command](parser, parsed)
    except ControlClientError as error:
        parser.exit(1, f"{parser.prog}: error: {error.reason or error}\n")
    except KeyboardInterrupt:
        parser.exit(130)


def scan(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Print the agents that the registry knows, or whose heartbeats are heard."""
    if args.use_registry:
        adjective, found = "Registered", _registered(parser, args)
    else:
        print(f"Listening to heartbeat feeds for {_HEARTBEATS_S:g} seconds ...")  # noqa: T201
        adjective, found = "Detected", _heard(parser, args)
    print("\n".join(scan_lines(adjective, found, args.details)))  # noqa: T201 - a command


def scan_lines(adjective: str, found: Mapping[str, Operations], details: bool) -> list[str]:
    """Return the lines for agents and the states of their operations."""
    lines = [f"List of {adjective} Agents: ({len(found)})"]
    for name, operations in found.items():
        lines.append(f"  {name}")
        if details:
            lines += [f"    {op:20}: {_state(state)}" for op, state in operations.items()]
    return [*lines, ""]


def _state(number: int) -> str:
    try:
        return OpCode(number).name
    except ValueError:
        return str(number)


def _registered(parser: argparse.ArgumentParser, args: argparse.Namespace) -> dict[str, Operations]:
    try:
        registry = OCSClient(args.use_registry, args=args)
    except ControlClientError as error:
        if error.error != "wamp.error.no_such_procedure":
            raise
        address = f"{args.address_root}.{args.use_registry}"
        parser.error(f"there is no registry at {address}; leave --use-registry out")
    agents = registry.main.status().session["data"]
    return {_name(address, args): each["op_codes"] for address, each in agents.items()}


def _heard(parser: argparse.ArgumentParser, args: argparse.Namespace) -> dict[str, Operations]:
    topic = f"{args.address_root}..feeds.heartbeat"
    heard: dict[str, Operations] = {}

    def take(source: str, message: Any) -> None:
        operations: Operations = {}  # of an agent from before the states were in it
        match message:
            case [Mapping() as states, *_]:
                operations = states
        heard[_name(source.removesuffix(".feeds.heartbeat"), args)] = operations

    _subscribe(parser, args, topic, take, _HEARTBEATS_S)
    return heard


def _name(address: str, args: argparse.Namespace) -> str:
    return address.removeprefix(f"{args.address_root}.")


def get_instance_id(full_address: str, args: argparse.Namespace) -> str:
    """Return the instance-id of an agent's address.

    Raises
    ------
    ValueError
        If the address is not one of the site.
    """
    if not full_address.startswith(f"{args.address_root}."):
        raise ValueError(f"{full_address} does not begin with {args.address_root}.")
    return _name(full_address, args)


def decode_exception(args: Sequence[Any]) -> tuple[bool, Any, str]:
    """Take the arguments of a `ControlClientError` apart.

    Returns
    -------
    tuple of (bool, str, str)
        Whether they are those of a call that failed, the error's URI, and its words.
    """
    error = ControlClientError(*args)
    if re.match(r"(wamp|client_http)\.", error.error):
        return True, error.error, str(error.args[0][5])
    return False, args, str(args)


def listen(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Print what is published on a topic, until Ctrl-C."""
    if not args.json:
        print(f"Subscribing to {args.feed_selector}")  # noqa: T201 - a command

    def show(topic: str, message: Any) -> None:
        line = f"[{topic}] {message}"
        if args.json:
            line = json.dumps({"topic": topic, "message": message}, default=str)
        print(line, flush=True)  # noqa: T201 - a command

    _subscribe(parser, args, args.feed_selector, show, None)


def _subscribe(
    parser: argparse.ArgumentParser,
    args: argparse.Namespace,
    topic: str,
    take: Any,
    limit_s: float | None,
) -> None:
    # Twisted is loaded only by the commands that need it.
    subscription: Any = importlib.import_module("ocsd.client.subscription")
    reason = subscription.run(args.site_hub, args.site_realm, topic, take, limit_s)
    if reason:
        parser.exit(69, f"{parser.prog}: error: {reason}\n")


def shell(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Open a Python shell in which `client` and `clients` are clients of agents."""
    clients = [OCSClient(name, args=args) for name in args.instance_id]
    names: dict[str, Any] = {"clients": clients}
    banner = "ocs-client-cli --"
    if len(clients) == 1:
        names["client"] = clients[0]
        banner += f" use client.<op_name> to talk to {args.instance_id[0]}"
    else:
        for index, name in enumerate(args.instance_id):
            banner += f"\n  -- use clients[{index}].<op_name> to talk to {name}"
    try:
        if args.simple:
            raise ImportError
        ipython: Any = importlib.import_module("IPython")
    except ImportError:
        _plain_shell(names, banner)
        return
    ipython.embed(header=banner, user_ns=names, colors="linux")


def _plain_shell(names: dict[str, Any], banner: str) -> None:
    import readline
    import rlcompleter

    readline.set_completer(rlcompleter.Completer(names).complete)
    readline.parse_and_bind("tab: complete")
    code.InteractiveConsole(names).interact(banner=banner)


if __name__ == "__main__":
    main()
