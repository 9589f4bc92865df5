"""``ocs.agents.host_manager.agent``: the daemon, for containers and scripts that start OCS's."""

import argparse
import os
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from ocsd.compat.managers import refuse_without_site
from ocsd.errors import ConfigurationError, OcsdError
from ocsd.site import compose, load
from ocsd.site.arguments import add_arguments, of_environment
from ocsd.site.model import HOST_MANAGER, Host, Hub, Site

_OF_DOCKER = {
    "docker_compose": compose.COMPOSE_FILES_VARIABLE,
    "docker_compose_bin": compose.BINARY_VARIABLE,
    "docker_service_prefix": compose.PREFIX_VARIABLE,
}
"""Options about docker, and the variables in which the daemon gets them."""


def main(args: Sequence[str] | None = None) -> None:
    """Become the daemon of this host."""
    parser = argparse.ArgumentParser(
        prog="ocs.agents.host_manager.agent", description="Run ocsd in place of OCS's HostManager."
    )
    parser.add_argument("--initial-state", help="accepted and not used")
    parser.add_argument("--docker-compose", help="compose files to manage, with commas between")
    parser.add_argument("--docker-compose-bin", help="the docker-compose to call")
    parser.add_argument("--docker-service-prefix", help="stands before the instance-id: ocs-")
    parser.add_argument("--quiet", action="store_true", help="accepted and not used")
    words = list(sys.argv[1:])
    if args is not None:
        words = list(args)
    parsed = add_arguments(parser).parse_args([*of_environment(), *words])
    refuse_without_site(parser, parsed)
    try:
        start, variables = command(parsed)
    except OcsdError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    os.environ.update(variables)
    os.execv(sys.executable, [sys.executable, "-m", "ocsd", *start])


def command(args: argparse.Namespace) -> tuple[list[str], dict[str, str]]:
    """Return the words for ocsd that the options mean, and variables for its environment.

    Raises
    ------
    ConfigurationError
        If there is no site file, host or HostManager as `args` say, or its URLs are none.
    """
    path = load.find(args.site_file, args.site)
    site = load.load(path)
    host = _host(site, args.site_host, args.instance_id)
    given = {"wamp_server": args.site_hub, "wamp_http": args.site_http}
    try:
        Hub.model_validate({**site.hub.model_dump(), **_without_none(given)})
    except ValidationError as error:
        raise ConfigurationError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    variables = {load.HUB_VARIABLES[key]: url for key, url in _without_none(given).items()}
    docker = {key: getattr(args, key, None) for key in _OF_DOCKER}
    variables |= {_OF_DOCKER[key]: value for key, value in _without_none(docker).items()}
    return ["start", "--site-file", str(path), "--host", host.name], variables


def _without_none(values: dict[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in values.items() if value is not None}


def _host(site: Site, name: str | None, instance_id: str | None) -> Host:
    """Return the host of that name, else the one with that HostManager, else this machine's."""
    managers = {host.name: _managers(host) for host in site.hosts.values()}
    if name is None and instance_id is not None:
        holders = [host for host, ids in managers.items() if instance_id in ids]
        if len(holders) == 1:
            # In a container the machine's name is in no site file.
            return site.hosts[holders[0]]
    host = load.pick_host(site, name)
    answers_as = (managers[host.name] or [f"hm-{host.name}"])[0]
    if instance_id not in {None, answers_as}:
        raise ConfigurationError(
            f"host {host.name!r} in {site.path} has no HostManager {instance_id!r}: its daemon "
            f"answers as {answers_as!r}; leave --instance-id (INSTANCE_ID) out, or pass the right "
            "host with --site-host (SITE_HOST)"
        )
    return host


def _managers(host: Host) -> list[str]:
    return [each.instance_id for each in host.instances if each.agent_class == HOST_MANAGER]


if __name__ == "__main__":
    main()
