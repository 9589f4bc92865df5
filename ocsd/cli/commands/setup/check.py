"""`ocsd check`: check the site file, and that every agent class is installed."""

import shutil
import socket
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ocsd.cli.arguments import options
from ocsd.errors import ConfigurationError, OcsdError
from ocsd.text.reason import clause

if TYPE_CHECKING:
    from ocsd.site.model import Host, Instance, Site
    from ocsd.site.plugins import Catalogue


@options.command(
    "ocsd check",
    "ocsd check --site-file site-configs/observatory.yaml",
    "ocsd check --host grumpy           # only what runs on grumpy",
    after="Exit code 78 means that something has to be corrected.",
)
@options.site_file_option
@click.option("--host", metavar="HOST", help="Check this host's entry only.")
def check(site_file: str | None, host: str | None) -> int:
    """Check a site file and find every agent class that it names.

    Nothing is started or changed, and no agent's own module is imported. If the host is this
    machine, a warning names users and programs of hooks that are missing, and limits above its own.
    """
    # pydantic and yaml take longer to load than all of `ocsd status`.
    from ocsd.site import load, machine

    path = load.find(site_file)
    site = load.load(path)
    print(f"ok  site file {path}")
    hosts = list(site.hosts.values())
    if host:
        hosts = [load.pick_host(site, host)]
    problems: dict[str, None] = {}
    for entry in hosts:
        problems.update(dict.fromkeys(_problems_of_host(site, entry)))
        # Users and programs of other machines cannot be seen from here.
        if len(hosts) == 1 or entry.name in _names_of_this_machine():
            for warning in machine.missing(entry):
                print(f"ocsd: warning: {warning}", file=sys.stderr)
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
    # The class of an instance that something else runs need not be installed here.
    ours = [instance for instance in host.instances if instance.manage in {"up", "down"}]
    # Each failure is reported once, not again for each class that may be missing because of it.
    problems += _missing_classes(site, ours, replace(catalogue, failures=()))
    if not problems:
        count = f"{len(ours)} instance{'s' * (len(ours) != 1)}, every class found"
        if len(ours) < len(host.instances):
            count += f", {len(host.instances) - len(ours)} run by others"
        print(f"ok  host {host.name}: {count}")
    yield from problems


def _missing_classes(
    site: "Site", instances: Iterable["Instance"], classes: "Catalogue"
) -> Iterator[str]:
    for instance in instances:
        try:
            _find_class(instance, classes)
        except OcsdError as error:
            place = f"{site.path}{clause(':', str(instance.line or ''))}"
            yield f"{place}: instance '{instance.instance_id}': {error}"


def _names_of_this_machine() -> set[str]:
    name = socket.gethostname()
    return {name, name.partition(".")[0], "localhost"}


def _find_class(instance: "Instance", classes: "Catalogue") -> None:
    if instance.runtime == "ocsd":
        classes.find(instance.agent_class)
    elif instance.python and shutil.which(instance.python) is None:
        # Its classes belong to another interpreter, which is asked only at the start.
        raise ConfigurationError(f"python {instance.python} is not a program; correct its path")
