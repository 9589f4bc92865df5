"""The options that every agent has, and where their values come from.

Command line beats environment beats site file (the instance's `arguments`,
then the hub and the host) beats default. A process that the daemon started
takes its `Launch` in place of environment and site file.
"""

import argparse
import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, NoReturn

from ocsd.errors import AgentArgumentsError, ConfigurationError, OcsdError
from ocsd.site import launch as launches
from ocsd.site.launch import Launch
from ocsd.site.load import find, load, pick_host
from ocsd.site.model import Host, Hub, Instance, Site
from ocsd.site.nearest import did_you_mean

CONTROL = "*control*"
"""In place of an agent class: a client, which needs neither host nor instance."""
HOST = "*host*"
"""In place of an agent class: a program that needs its host only."""

DEFAULT_HUB = Hub(wamp_server="ws://localhost:8001/ws", wamp_http="http://localhost:8001/call")
"""For ``--site=none``."""

_NO_SITE = "none"
_ENVIRONMENT = {
    "instance_id": "INSTANCE_ID",
    "site_hub": "SITE_HUB",
    "site_http": "SITE_HTTP",
    "site_host": "SITE_HOST",
    "crossbar_timeout": "CROSSBAR_TIMEOUT",
}


class Configuration(NamedTuple):
    """What `get_config` finds; as in OCS, nothing at all with ``--site=none``."""

    site: Site | None
    host: Host | None
    instance: Instance | None


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
        with contextlib.suppress(argparse.ArgumentError):
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
    if {"-h", "--help"} & set(words):
        parser.parse_args(words)
    launch = launches.current()
    early = _early(words)
    try:
        found = get_config(early, agent_class)
    except OcsdError as error:
        if launch is not None or agent_class in {None, CONTROL, HOST}:
            raise
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    all_words = merged(found.instance.arguments if found.instance else (), words)
    if launch is None:
        parsed = parser.parse_args(all_words)
        _fill_from_environment(parsed, parser)
    else:
        with _refusals_as_errors(launch, own_usage, parser):
            parsed = parser.parse_args(all_words)
    _fill(parsed, found, launch.working_dir if launch else os.getcwd())
    if parsed.instance_id is None and agent_class not in {None, CONTROL, HOST}:
        parser.error(f"--site=none needs --instance-id: the name of this {agent_class}")
    if getattr(parsed, "agent_class", None) is None:
        parsed.agent_class = agent_class
    return parsed


def get_config(args: argparse.Namespace, agent_class: str | None = None) -> Configuration:
    """Find the part of the site file that `args` mean.

    Parameters
    ----------
    args : argparse.Namespace
        Has what `add_arguments` declares.
    agent_class : str, optional
        As for `parse_args`.

    Returns
    -------
    Configuration
        ``(site, host, instance)``. The site's hub has the host's overrides and those of
        `args`.

    Raises
    ------
    ConfigurationError
        If the site file is missing or wrong, or has no such host or instance.
    """
    launch = launches.current()
    if launch is not None and _means_launch(args, launch):
        return _of_launch(launch)
    if args.site == _NO_SITE:
        return Configuration(None, None, None)
    site = load(find(args.site_file, args.site))
    host = None
    if agent_class != CONTROL:
        host = pick_host(site, args.site_host)
    elif args.site_host in site.hosts:
        host = site.hosts[args.site_host]
    hub = host.hub(site.hub) if host else site.hub
    given = {
        "wamp_server": args.site_hub,
        "wamp_http": args.site_http,
        "wamp_realm": args.site_realm,
        "address_root": args.address_root,
    }
    hub = hub.model_copy(update={key: value for key, value in given.items() if value is not None})
    site = site.model_copy(update={"hub": hub})
    if host is None or agent_class in {CONTROL, HOST}:
        return Configuration(site, host, None)
    return Configuration(site, host, _instance(site, host, args.instance_id, agent_class))


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


class _RefusedError(Exception):
    pass


class _QuietParser(argparse.ArgumentParser):
    """Leaves it to the full parser to complain."""

    def error(self, message: str) -> NoReturn:
        raise _RefusedError(message)


def _early(words: Sequence[str]) -> argparse.Namespace:
    """Read what is needed to find the site file; the full parser follows."""
    parser = _QuietParser(add_help=False, allow_abbrev=False)
    add_arguments(parser)
    try:
        early, _ = parser.parse_known_args(list(words))
    except _RefusedError:
        early = parser.parse_args([])
    if launches.current() is None:
        for name, variable in _ENVIRONMENT.items():
            if getattr(early, name) is None:
                setattr(early, name, os.environ.get(variable) or None)
    return early


def _means_launch(args: argparse.Namespace, launch: Launch) -> bool:
    # After parse_args, site_file is the launch's own.
    return args.site is None and args.site_file in {None, launch.site_file}


def _of_launch(launch: Launch) -> Configuration:
    host = Host(
        name=launch.host,
        instances=(launch.instance,),
        agent_paths=launch.agent_paths,
        log_dir=launch.log_dir,
        crossbar_timeout=launch.crossbar_timeout,
    )
    site = Site(hub=launch.hub, hosts={launch.host: host}, path=launch.site_file)
    return Configuration(site, host, launch.instance)


def _instance(
    site: Site, host: Host, instance_id: str | None, agent_class: str | None
) -> Instance | None:
    where = f"host {host.name!r} in {site.path}"
    if instance_id is not None:
        for instance in host.instances:
            if instance.instance_id == instance_id:
                return instance
        near = did_you_mean(instance_id, (each.instance_id for each in host.instances))
        raise ConfigurationError(f"{where} has no instance {instance_id!r}{near}")
    if agent_class is None:
        return None
    found = [each for each in host.instances if each.agent_class == agent_class]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(each.instance_id for each in found)
        raise ConfigurationError(
            f"{where} has {len(found)} instances of {agent_class}: {ids}; pass --instance-id"
        )
    near = did_you_mean(agent_class, (each.agent_class for each in host.instances))
    raise ConfigurationError(f"{where} has no instance of {agent_class}{near}")


def _fill_from_environment(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    for name, variable in _ENVIRONMENT.items():
        value = os.environ.get(variable)
        if value and getattr(args, name) is None:
            try:
                setattr(args, name, float(value) if name == "crossbar_timeout" else value)
            except ValueError:
                parser.error(f"${variable} is {value!r}, which is no number of seconds")


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


@contextlib.contextmanager
def _refusals_as_errors(
    launch: Launch, usage: str, parser: argparse.ArgumentParser
) -> Iterator[None]:
    """Turn what argparse prints before it exits into an error for the operator."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
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
