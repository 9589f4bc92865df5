"""The options that every agent has, and the sources of their values.

Command line beats environment beats site file (the instance's `arguments`,
then the hub and the host) beats default. A process that the daemon started
takes its `Launch` in place of environment and site file.
"""

import argparse
import importlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ocsd.errors import AgentArgumentsError, OcsdError
from ocsd.site import refusals
from ocsd.site.values import told as launches
from ocsd.site.values.hub import HubValues, ToldHub
from ocsd.site.values.instance import ToldInstance
from ocsd.site.values.told import CONTROL, HOST, ToldLaunch

if TYPE_CHECKING:
    from ocsd.site.model import Host, Instance

DEFAULT_HUB = ToldHub(wamp_server="ws://localhost:8001/ws", wamp_http="http://localhost:8001/call")
"""For ``--site=none``."""

_OPTIONS: Final[Mapping[str, str]] = {
    "--site": (
        "site whose file {site}.yaml is read from $OCS_CONFIG_DIR, ./site-configs or /etc/ocsd; "
        "'none' to use no site file"
    ),
    "--site-file": "site file to read, in place of --site",
    "--site-host": "entry of the site file's hosts to use; by default this machine's name",
    "--site-hub": "WebSocket URL of the router (wamp_server)",
    "--site-http": "HTTP URL of the router's call bridge (wamp_http)",
    "--site-realm": "WAMP realm (wamp_realm)",
    "--instance-id": "which entry of agent-instances to be",
    "--address-root": "first part of all addresses (address_root)",
    "--registry-address": "accepted and not used",
    "--log-dir": "folder for log files",
    "--working-dir": "folder that relative paths start from",
    "--crossbar-timeout": "end after this time without a router [s]; 0: never",
    "--access-policy": "access policy (access_policy)",
}
"""The site options, and the help for each."""

_ENVIRONMENT = {
    "--instance-id": "INSTANCE_ID",
    "--site-hub": "SITE_HUB",
    "--site-http": "SITE_HTTP",
    "--site-host": "SITE_HOST",
    "--crossbar-timeout": "CROSSBAR_TIMEOUT",
}


class _Found(NamedTuple):
    """The values of the site file, or of the launch, for an agent."""

    instance: "ToldInstance | Instance | None"
    defaults: Mapping[str, Any]
    """The values of the options."""


def add_arguments(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the site options to a parser and return it.

    Parameters
    ----------
    parser : argparse.ArgumentParser, optional
        A new one by default. Options that it has already stay as they are; those that are
        added cannot be abbreviated.
    """
    parser = parser or argparse.ArgumentParser()
    group = parser.add_argument_group("Site options")
    added: list[argparse.Action] = []

    for option, help_text in _OPTIONS.items():
        type_ = float if option == "--crossbar-timeout" else str
        with suppress(argparse.ArgumentError):
            added.append(group.add_argument(option, help=help_text, type=type_))
    refusals.never_abbreviate(parser, added)
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
    if args is None:
        args = sys.argv[1:]
    words = [str(word) for word in args]
    parser = parser or argparse.ArgumentParser()
    own_usage = refusals.usage_as_now(parser)
    launch = launches.current()
    if launch is None:
        add_arguments(parser)
        found, parsed = _parse(parser, agent_class, of_environment() + words)
        defaults = {"working_dir": os.getcwd()}
    else:
        tried = [*launch.instance.arguments, *words]
        with _refusals_as_errors(launch, own_usage, parser, tried):
            found, parsed = _parse_told(launch, parser, agent_class, words)
        defaults = {"working_dir": launch.working_dir}
    _fill(parsed, {**defaults, **found.defaults})
    if parsed.instance_id is None and _is_agent(agent_class):
        parser.error(f"--site=none needs --instance-id: the name of this {agent_class}")
    if getattr(parsed, "agent_class", None) is None:
        instance = found.instance
        parsed.agent_class = agent_class or (instance and instance.agent_class)
    return parsed


def _parse_told(
    launch: ToldLaunch, parser: argparse.ArgumentParser, agent_class: str | None, words: list[str]
) -> tuple[_Found, argparse.Namespace]:
    """Parse the arguments of an instance that the daemon has started, and `words`.

    To add the site options takes longer than all else. So the parser gets them only if one is
    given, or if it refuses the arguments without them.
    """
    all_words = [*launch.instance.arguments, *words]
    if not {_option(word) for word in all_words} & {*_OPTIONS, "-h", "--help"}:
        early = _early([])
        found = _found(early, agent_class, parser)
        if found.instance:
            words = merged(found.instance.arguments, words)
        parsed = _accepted(parser, words)
        if parsed is not None:
            for name, value in vars(early).items():
                if not hasattr(parsed, name):
                    setattr(parsed, name, value)
            return found, parsed
    add_arguments(parser)
    return _parse(parser, agent_class, words)


def _accepted(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace | None:
    """Parse words; None if they are refused, which remains to be said."""
    try:
        with redirect_stderr(io.StringIO()):
            return parser.parse_args(words)
    except SystemExit as exit_:
        if exit_.code in {0, None}:  # it has printed what was asked for
            raise
        return None


def _parse(
    parser: argparse.ArgumentParser, agent_class: str | None, words: list[str]
) -> tuple[_Found, argparse.Namespace]:
    """Find the configuration that `words` mean; parse the arguments of its instance and them."""
    try:
        early = _early(words)
    except argparse.ArgumentError:
        parser.parse_args(words)  # prints and exits
        early = _early([])
    if {"-h", "--help"} & set(words):
        parser.parse_args(words)
    found = _found(early, agent_class, parser)
    if found.instance:
        _warn_of_another_class(found.instance, agent_class, parser.prog)
        words = merged(found.instance.arguments, words)
    return found, parser.parse_args(words)


def _warn_of_another_class(
    instance: "ToldInstance | Instance", agent_class: str | None, prog: str
) -> None:
    """Tell an author who runs one agent by hand under the name of another."""
    # Not an error, because agents for OCS may name a class of their own here. The daemon
    # knows whose code it has started.
    known = launches.current() is not None or not _is_agent(agent_class)
    if not known and agent_class != instance.agent_class:
        sys.stderr.write(
            f"{prog}: warning: instance {instance.instance_id!r} is a {instance.agent_class}, "
            f"this is {agent_class}\n"
        )


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


def of_environment() -> list[str]:
    """Return the options that the environment of a container holds, as for ocs-agent-cli."""
    values = ((option, os.environ.get(name)) for option, name in _ENVIRONMENT.items())
    return [word for option, value in values if value for word in (option, value)]


def _early(words: Sequence[str]) -> argparse.Namespace:
    """Read the options that are needed to find the site file; the full parser follows."""
    if not words:
        # A process that the daemon has started has none, and a parser takes a millisecond.
        return argparse.Namespace(**{option[2:].replace("-", "_"): None for option in _OPTIONS})
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    add_arguments(parser)
    return parser.parse_known_args(list(words))[0]


def _is_agent(agent_class: str | None) -> bool:
    return agent_class not in {None, CONTROL, HOST}


def _found(
    args: argparse.Namespace, agent_class: str | None, parser: argparse.ArgumentParser
) -> _Found:
    launch = launches.current()
    if launch is not None and launch.is_meant(args):
        instance = None if agent_class in {CONTROL, HOST} else launch.instance
        defaults = _defaults(launch.hub, instance, launch.site_file)
        return _Found(instance, defaults | _of_host(launch.host, launch))
    # Only here, because who reads a file loads pydantic and yaml.
    configuration = importlib.import_module("ocsd.site.configuration")
    try:
        site, host, entry = configuration.get_config(args, agent_class)
    except OcsdError as error:
        if launch is not None or not _is_agent(agent_class):
            raise
        # Agents do not catch it, and a traceback would not help their operators.
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    hub = site.hub if site else DEFAULT_HUB
    defaults = _defaults(hub, entry, site and site.path)
    if host:
        defaults |= _of_host(host.name, host)
    return _Found(entry, defaults)


def _defaults(
    hub: HubValues, instance: "ToldInstance | Instance | None", site_file: str | None
) -> dict[str, Any]:
    """Return the values that the site file has for the options."""
    return {
        "site_file": site_file,
        "site_hub": hub.wamp_server,
        "site_http": hub.wamp_http,
        "site_realm": hub.wamp_realm,
        "address_root": hub.address_root,
        "access_policy": hub.access_policy,
        "registry_address": hub.registry_address,
        "instance_id": instance and instance.instance_id,
    }


def _of_host(name: str, host: "Host | ToldLaunch") -> dict[str, Any]:
    timeout = host.crossbar_timeout
    return {"site_host": name, "log_dir": host.log_dir, "crossbar_timeout": timeout}


def _fill(args: argparse.Namespace, defaults: Mapping[str, Any]) -> None:
    for name, value in defaults.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    args.crossbar_timeout = args.crossbar_timeout or 0


@contextmanager
def _refusals_as_errors(
    launch: ToldLaunch,
    usage: Callable[[], str],
    parser: argparse.ArgumentParser,
    words: Sequence[str],
) -> Iterator[None]:
    """Turn the text that argparse prints before it exits into an error for the operator."""
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
        text = printed.getvalue().strip() or str(exit_.code)
        reason = text.rpartition("error: ")[2].strip()
        ours = refusals.options_of(add_arguments(argparse.ArgumentParser(add_help=False)))
        raise AgentArgumentsError(
            f"{instance.agent_class} refuses the arguments of {instance.instance_id!r} ({place}): "
            f"{refusals.explained(reason, parser, words, ours)}; {' '.join(usage().split())}"
        ) from None
    finally:
        sys.stderr.write(printed.getvalue())
