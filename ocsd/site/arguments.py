"""The options that every agent has, and where their values come from.

Command line beats environment beats site file (the instance's `arguments`,
then the hub and the host) beats default. A process that the daemon started
takes its `Launch` in place of environment and site file.
"""

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, suppress
from typing import NoReturn

from ocsd.errors import AgentArgumentsError, OcsdError
from ocsd.site import launch as launches
from ocsd.site.configuration import CONTROL, HOST, Configuration, get_config
from ocsd.site.launch import Launch
from ocsd.site.model import Hub
from ocsd.text.nearest import did_you_mean

DEFAULT_HUB = Hub(wamp_server="ws://localhost:8001/ws", wamp_http="http://localhost:8001/call")
"""For ``--site=none``."""

_ENVIRONMENT = {
    "--instance-id": "INSTANCE_ID",
    "--site-hub": "SITE_HUB",
    "--site-http": "SITE_HTTP",
    "--site-host": "SITE_HOST",
    "--crossbar-timeout": "CROSSBAR_TIMEOUT",
}


def add_arguments(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the site options to a parser.

    Parameters
    ----------
    parser : argparse.ArgumentParser, optional
        A new one by default. Options that it has already stay as they are.

    Returns
    -------
    argparse.ArgumentParser
        The parser.
    """
    parser = parser or argparse.ArgumentParser()
    group = parser.add_argument_group("Site options")

    def add(option: str, help_text: str, type_: Callable[[str], object] = str) -> None:
        with suppress(argparse.ArgumentError):
            group.add_argument(option, help=help_text, type=type_)

    add(
        "--site",
        "site whose file {site}.yaml is read from $OCS_CONFIG_DIR, ./site-configs or /etc/ocsd; "
        "'none' to use no site file",
    )
    add("--site-file", "site file to read, in place of --site")
    add("--site-host", "entry of the site file's hosts to use; by default this machine's name")
    add("--site-hub", "WebSocket URL of the router (wamp_server)")
    add("--site-http", "HTTP URL of the router's call bridge (wamp_http)")
    add("--site-realm", "WAMP realm (wamp_realm)")
    add("--instance-id", "which entry of agent-instances to be")
    add("--address-root", "first part of all addresses (address_root)")
    add("--registry-address", "accepted and not used")
    add("--log-dir", "folder for log files")
    add("--working-dir", "folder that relative paths start from")
    add("--crossbar-timeout", "end after this time without a router [s]; 0: never", float)
    add("--access-policy", "access policy (access_policy)")
    return parser


def parse_args(
    agent_class: str | None = None,
    parser: argparse.ArgumentParser | None = None,
    args: Sequence[str] | None = None,
) -> argparse.Namespace:
    """Parse the arguments of an agent or a client, the site file's included.

    Parameters
    ----------
    agent_class : str, optional
        Finds the instance if ``--instance-id`` is not given and the host has one
        instance of this class. ``'*control*'`` for clients, ``'*host*'`` for
        programs that are no agents.
    parser : argparse.ArgumentParser, optional
        Has the agent's own options.
    args : sequence of str, optional
        By default ``sys.argv[1:]``.

    Returns
    -------
    argparse.Namespace
        The agent's options and ``site site_file site_host site_hub site_http
        site_realm address_root instance_id registry_address log_dir working_dir
        crossbar_timeout access_policy agent_class``.

    Raises
    ------
    AgentArgumentsError
        In a process that the daemon started, if the parser refuses the arguments.
        By hand the parser prints its usage and exits with code 2.
    ConfigurationError
        If the site file is missing or wrong, or has no such host or instance.
        An agent started by hand prints it and exits with its code.
    """
    words = [str(word) for word in (sys.argv[1:] if args is None else args)]
    parser = parser or argparse.ArgumentParser()
    own_usage = parser.format_usage()
    add_arguments(parser)
    launch = launches.current()
    if launch is None:
        words = _of_environment() + words
    refusals = _refusals_as_errors(launch, own_usage, parser) if launch else nullcontext()
    with refusals:
        try:
            early = _early(words)
        except _UnreadableError:
            early = None
        if early is None or {"-h", "--help"} & set(words):
            parser.parse_args(words)  # prints and exits
        found = _found(early or _early([]), agent_class, parser)
        parsed = parser.parse_args(
            merged(found.instance.arguments if found.instance else (), words)
        )
    _fill(parsed, found, launch.working_dir if launch else os.getcwd())
    if parsed.instance_id is None and _is_agent(agent_class):
        parser.error(f"--site=none needs --instance-id: the name of this {agent_class}")
    if getattr(parsed, "agent_class", None) is None:
        parsed.agent_class = agent_class or (found.instance and found.instance.agent_class)
    return parsed


def merged(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Return the words of `first` whose options `second` does not give, then `second`.

    The parser's "last one wins" is not enough for options that collect values.
    """
    given = {_option(word) for word in second if _is_option(word)}
    kept = (words for words in _by_option(first) if _option(words[0]) not in given)
    return [word for words in kept for word in words] + list(second)


def _by_option(words: Sequence[str]) -> Iterator[list[str]]:
    group: list[str] = []
    for word in words:
        if group and _is_option(word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _is_option(word: str) -> bool:
    return re.match(r"--?[^\W\d]", word) is not None


def _option(word: str) -> str:
    return word.partition("=")[0]


def _of_environment() -> list[str]:
    """Return what ocs-agent-cli, too, takes from the environment of a container."""
    found = ((option, os.environ.get(name)) for option, name in _ENVIRONMENT.items())
    return [word for option, value in found if value for word in (option, value)]


class _UnreadableError(Exception):
    pass


class _QuietParser(argparse.ArgumentParser):
    """Leaves it to the full parser to complain."""

    def error(self, message: str) -> NoReturn:
        raise _UnreadableError(message)


def _early(words: Sequence[str]) -> argparse.Namespace:
    """Read what is needed to find the site file; the full parser follows."""
    parser = _QuietParser(add_help=False, allow_abbrev=False)
    add_arguments(parser)
    return parser.parse_known_args(list(words))[0]


def _is_agent(agent_class: str | None) -> bool:
    return agent_class not in {None, CONTROL, HOST}


def _found(
    args: argparse.Namespace, agent_class: str | None, parser: argparse.ArgumentParser
) -> Configuration:
    try:
        return get_config(args, agent_class)
    except OcsdError as error:
        if launches.current() is not None or not _is_agent(agent_class):
            raise
        # An agent's author has no reason to catch it, and its operator none to
        # see a traceback.
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")


def _fill(args: argparse.Namespace, found: Configuration, working_dir: str) -> None:
    hub = found.site.hub if found.site else DEFAULT_HUB
    host = found.host
    defaults: dict[str, object] = {
        "site_hub": hub.wamp_server,
        "site_http": hub.wamp_http,
        "site_realm": hub.wamp_realm,
        "address_root": hub.address_root,
        "access_policy": hub.access_policy,
        "registry_address": hub.registry_address,
        "site_file": found.site.path if found.site else None,
        "site_host": host.name if host else None,
        "log_dir": host.log_dir if host else None,
        "crossbar_timeout": host.crossbar_timeout if host else None,
        "instance_id": found.instance.instance_id if found.instance else None,
        "working_dir": working_dir,
    }
    for name, value in defaults.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    if args.crossbar_timeout is None:
        args.crossbar_timeout = 0


@contextmanager
def _refusals_as_errors(
    launch: Launch, usage: str, parser: argparse.ArgumentParser
) -> Iterator[None]:
    """Turn what argparse prints before it exits into an error for the operator."""
    printed = io.StringIO()
    try:
        with redirect_stderr(printed):
            yield
    except SystemExit as exit_:
        if exit_.code in {0, None}:
            raise
        instance = launch.instance
        place = launch.site_file or "the site file"
        if instance.line is not None:
            place += f":{instance.line}"
        said = printed.getvalue().strip() or str(exit_.code)
        reason = said.rpartition("error: ")[2].strip()
        raise AgentArgumentsError(
            f"{instance.agent_class} refuses the arguments of {instance.instance_id!r} ({place}): "
            f"{reason}{_near_options(reason, parser)}; {' '.join(usage.split())}"
        ) from None
    finally:
        sys.stderr.write(printed.getvalue())


def _near_options(reason: str, parser: argparse.ArgumentParser) -> str:
    unknown = re.match(r"unrecognized arguments: (--?[\w-]+)", reason)
    if unknown is None:
        return ""
    return did_you_mean(unknown[1], re.findall(r"(?<![\w-])--[\w-]+", parser.format_help()))
