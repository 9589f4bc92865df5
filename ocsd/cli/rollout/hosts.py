"""The hosts of a roll-out, and the file that they are to take."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from ocsd.cli.arguments import options
from ocsd.cli.rollout import looking
from ocsd.cli.rollout.port import FarPort, HostPort
from ocsd.cli.rollout.report import NewFile
from ocsd.cli.screen.progress import WaitIndicator
from ocsd.cli.site import far
from ocsd.errors import ConfigurationError, OcsdError, SiteFileError, UnknownHostError
from ocsd.rollout.standing import Sight, obstacles
from ocsd.text.nearest import did_you_mean
from ocsd.text.plural import plural

hosts_option = click.option(
    "--hosts",
    "names",
    metavar="HOST,…",
    help="Only these hosts, in this order.",
)
waves_option = click.option(
    "--waves",
    metavar="N,…",
    default="1",
    show_default=True,
    help="How many hosts at once, e.g. 1,3,rest; the last number holds for all that follow.",
)
upgrade_option = click.option(
    "--upgrade",
    "upgrades",
    is_flag=True,
    help="First give each host the version of ocsd that is installed there.",
)
arguments: Callable[[Callable[..., Any]], Callable[..., Any]] = options.with_all(
    options.json_option, hosts_option, options.site_file_option
)
"""The options of all commands of `ocsd site`."""


class RollOut(NamedTuple):
    """A new site file, and the hosts that are to take it."""

    new: NewFile
    ports: dict[str, HostPort]
    """The hosts, in their order."""
    strangers: dict[str, str]
    """Hosts that the site has had until now and that are not in the file, and how they are."""

    def looked(self, *, upgrades: bool = False) -> list[Sight]:
        """Ask the hosts what the file would change."""
        with WaitIndicator(f"asking {plural(len(self.ports), 'host')}"):
            return looking.looked(list(self.ports.values()), self.new.text, upgrades=upgrades)


def refuse(sights: Sequence[Sight], digest: str) -> None:
    """Refuse to begin if a host refuses the file.

    Raises
    ------
    ConfigurationError
        With the reason of each of these hosts.
    """
    refusals = list(obstacles(sights, digest))
    if refusals:
        raise ConfigurationError("\n".join(("no host was changed:", *refusals)))


def found(site_file: str | None, names: str | None) -> RollOut:
    """Return the site file, after a first look at it, and its hosts.

    Raises
    ------
    SiteFileError
        If the file is broken: no host is asked then.
    UnknownHostError
        If one of the names is none of its hosts.
    OcsdError
        If no daemon of the site can be asked.
    """
    from ocsd.site import load  # pydantic and yaml take long to load

    path = load.find(site_file)
    text = _text(path)
    site = load.load(path, text)
    chosen = _chosen(names, tuple(site.hosts), str(path))
    with WaitIndicator("asking which hosts there are"):
        way, known = far.whole_site(site_file)
    strangers = {
        host.host: host.trouble or "it answers; to end what it runs, there: ocsd stop"
        for host in known
        if host.host not in site.hosts
    }
    ports: dict[str, HostPort] = {
        name: FarPort(far.FarHost(name, way), str(path)) for name in chosen
    }
    return RollOut(NewFile(str(path), text, load.digest(text.encode())), ports, strangers)


def _text(path: Path) -> str:
    # As bytes, for what the hosts get has to have the digest of this file.
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise SiteFileError(f"cannot read site file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SiteFileError(f"{path} is not UTF-8: {error.reason}; save it as UTF-8") from error


def _chosen(names: str | None, hosts: Sequence[str], path: str) -> Sequence[str]:
    if names is None:
        return hosts
    chosen = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    for name in chosen:
        if name not in hosts:
            near = did_you_mean(name, hosts)
            raise UnknownHostError(f"{path} has no host {name!r}; it has {', '.join(hosts)}{near}")
    if not chosen:
        raise OcsdError("--hosts names no host")
    return chosen
