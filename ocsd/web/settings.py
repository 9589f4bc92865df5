"""The settings of the process that serves the page: from its launch and its surroundings."""

import argparse
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ocsd.errors import ConfigurationError
from ocsd.site.values import told as launches
from ocsd.site.values.hub import HubValues
from ocsd.site.values.instance import WEB_NAME
from ocsd.site.values.told import ToldLaunch
from ocsd.system import paths
from ocsd.system.address import DEFAULT_LISTEN, Address, address_of, port_of
from ocsd.system.paths import HostPaths


class PageSettings(NamedTuple):
    """The settings of the process."""

    host: str
    """The host whose daemon has started it."""
    paths: HostPaths
    hub: HubValues
    listen: Address
    people_hub: HubValues | None = None
    """The site's router, which knows the people, if `hub` is the host's own one."""
    socket: Path | None = None
    """The Unix socket to listen on instead of a port."""
    path_prefix: str = ""
    """The path below which a web server in front has the page; empty, or it begins with ``/``."""
    name: str = ""
    """The name of the site, for people."""
    colour: str = ""
    instance_id: str = WEB_NAME
    """The name of this process among the host's instances."""
    data_dir: Path | None = None
    """The data folder of the host's aggregator; None if it has none."""
    names: tuple[str, ...] = ()
    """Names of this machine under which people open the page."""
    tls: bool | None = None
    """Whether it is served with TLS; None: if `needs_login` and others reach it."""
    certificate: Path | None = None
    key: Path | None = None
    """Its certificate and the key of that; None: those of the site."""
    proxies: tuple[str, ...] = ()
    """Web servers in front of it that say who somebody is."""

    @property
    def needs_login(self) -> bool:
        """Whether people have to log in: the site is closed."""
        return self.hub.is_closed

    @property
    def uses_tls(self) -> bool:
        """Whether it is served with TLS."""
        if self.socket is not None:
            return False
        if self.needs_login and not self.listen.is_local:
            # Whatever the site file says: passwords do not go through a network in clear.
            return True
        return bool(self.tls)

    @property
    def host_names(self) -> frozenset[str] | None:
        """The names in ``Host`` that are answered, without ports; None: all of them.

        A web server in front of a Unix socket answers for the names that lead to it.
        """
        if self.socket is not None:
            return None
        if self.listen.is_local:
            return frozenset(self.names)
        if not self.names and not self.needs_login:
            return None
        machine = (socket.gethostname().lower(), socket.getfqdn().lower())
        return frozenset((*self.names, *machine, self.listen.host.lower()))

    @property
    def ports_of_router(self) -> set[int]:
        """The ports at which the site's router listens, if it is on this machine."""
        return {port_of(urlsplit(url)) for url in (self.hub.wamp_server, self.hub.wamp_http)}


def of_this_process() -> PageSettings:
    """Return the settings that the daemon has given to this process.

    Raises
    ------
    ConfigurationError
        If no daemon has started it, or a word of its entry's arguments is wrong.
    """
    launch = launches.current()
    if launch is None:
        raise ConfigurationError("the page is served by the daemon's own child; use `ocsd start`")
    return of_launch(launch, os.environ.get("NOTIFY_SOCKET", ""))


def of_launch(launch: ToldLaunch, notify_socket: str = "") -> PageSettings:
    """Return the settings of a launch.

    The runtime folder is that of the daemon's `notify_socket`, which may be another one than the
    environment names.
    """
    host_paths = paths.of_host(launch.host, launch.log_dir)
    if notify_socket:
        host_paths = host_paths._replace(runtime=Path(notify_socket).parent)
    words = _words(launch.instance.arguments)
    return PageSettings(
        host=launch.host,
        paths=host_paths,
        hub=launch.hub,
        listen=words.listen,
        people_hub=launch.site_hub,
        socket=words.socket,
        path_prefix=words.path_prefix,
        name=words.name,
        colour=words.colour,
        instance_id=launch.instance.instance_id,
        data_dir=words.data_dir,
        names=tuple(words.named),
        tls=words.tls,
        certificate=words.certificate,
        key=words.key,
        proxies=tuple(words.trusted_proxy),
    )


def _words(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="web", exit_on_error=False, add_help=False)
    parser.add_argument("--listen", type=address_of, default=address_of(DEFAULT_LISTEN))
    parser.add_argument("--socket", type=Path)
    parser.add_argument("--path-prefix", default="")
    parser.add_argument("--name", default="")
    parser.add_argument("--colour", default="")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--named", action="append", default=[])
    parser.add_argument("--tls", type=lambda word: word == "true")
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    parser.add_argument("--trusted-proxy", action="append", default=[])
    try:
        found, unknown = parser.parse_known_args(arguments)
    except (argparse.ArgumentError, argparse.ArgumentTypeError) as error:
        raise ConfigurationError(f"an argument of the page's entry is wrong: {error}") from error
    if unknown:
        raise ConfigurationError(
            f"the page has no argument {unknown[0]!r}; use the keys of `web:` in the host's entry"
        )
    return found
