"""`ocsd check`: whether the site file is right and every agent class installed."""

import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ocsd.cli.arguments import options
from ocsd.errors import ConfigurationError, OcsdError

if TYPE_CHECKING:
    from ocsd.site.model import Host, Instance, Site
    from ocsd.site.plugins import Catalogue


@click.command(
    epilog=options.examples(
        "ocsd check",
        "ocsd check --site-file site-configs/observatory.yaml",
        "ocsd check --host grumpy           # only what runs on grumpy",
    )
    + "\n\nExit code 78 means that something has to be corrected."
)
@options.site_file_option
@click.option("--host", metavar="HOST", help="Check this host's entry only.")
def check(site_file: str | None, host: str | None) -> int:
    """Check a site file and find every agent class that it names.

    Nothing is started or changed, and no agent's own module is imported. For this machine's
    host, users and programs of hooks that it has not, and limits above its own, are warned of.
    """
    # pydantic and yaml cost more than all of `ocsd status`.
    from ocsd.site import load

    path = load.find(site_file)
    site = load.load(path)
    print(f"ok  site file {path}")
    hosts = [load.pick_host(site, host)] if host else list(site.hosts.values())
    problems = [problem for one in hosts for problem in _problems_of_host(site, one)]
    for one in hosts:
        # What other machines have cannot be seen from here.
        if host or len(hosts) == 1 or one.name in _names_of_this_machine():
            _warn_of_what_is_missing(one)
    problems = list(dict.fromkeys(problems))
    for problem in problems:
        print(f"ocsd: {problem}", file=sys.stderr)
    if not problems:
        return 0
    print(f"ocsd: {len(problems)} problem{'s' * (len(problems) > 1)} in {path}", file=sys.stderr)
    return ConfigurationError.exit_code


def _problems_of_host(site: "Site", host: "Host") -> Iterator[str]:
    from ocsd import site_config

    catalogue = site_config.agent_classes(host.agent_paths)
    for warning in catalogue.warnings:
        print(f"ocsd: warning: {warning}", file=sys.stderr)
    problems = [str(failure) for failure in catalogue.failures]
    # Told once above, not again for each class that may be missing because of them.
    classes = replace(catalogue, failures=())
    # A class of an instance that something else runs need not be installed here.
    ours = [one for one in host.instances if one.manage in {"up", "down"}]
    for instance in ours:
        place = f"{site.path}:{instance.line}" if instance.line else site.path
        try:
            _find_class(instance, classes)
        except OcsdError as error:
            problems.append(f"{place}: instance '{instance.instance_id}': {error}")
    if not problems:
        others = len(host.instances) - len(ours)
        also = f", {others} run by others" if others else ""
        count = f"{len(ours)} instance{'s' * (len(ours) != 1)}"
        print(f"ok  host {host.name}: {count}, every class found{also}")
    yield from problems


def _names_of_this_machine() -> set[str]:
    name = socket.gethostname()
    return {name, name.partition(".")[0], "localhost"}


def _warn_of_what_is_missing(host: "Host") -> None:
    from ocsd.site import machine

    for warning in machine.missing(host):
        print(f"ocsd: warning: {warning}", file=sys.stderr)


def _find_class(instance: "Instance", classes: "Catalogue") -> None:
    if instance.runtime == "ocsd":
        classes.find(instance.agent_class)
    elif instance.python and shutil.which(instance.python) is None:
        # Its classes are those of an interpreter that is only asked at the start.
        raise ConfigurationError(f"python {instance.python} is no program; correct its path")
