"""The settings of the process that serves the page: from its launch and its surroundings."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ocsd.errors import ConfigurationError
from ocsd.site import launch as launches
from ocsd.site.launch import Launch
from ocsd.site.model import WEB_NAME, Hub
from ocsd.system import paths
from ocsd.system.address import DEFAULT_LISTEN, Address, address_of, port_of
from ocsd.system.paths import HostPaths


class PageSettings(NamedTuple):
    """The settings of the process."""

    host: str
    """The host whose daemon has started it."""
    paths: HostPaths
    hub: Hub
    listen: Address
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


def of_launch(launch: Launch, notify_socket: str = "") -> PageSettings:
    """Return the settings of a launch.

    The runtime folder is that of the daemon's `notify_socket`, which may be another one than the
    environment names.
    """
    host_paths = paths.of_host(launch.host, launch.log_dir)
    if notify_socket:
        host_paths = replace(host_paths, runtime=Path(notify_socket).parent)
    words = _words(launch.instance.arguments)
    return PageSettings(
        host=launch.host,
        paths=host_paths,
        hub=launch.hub,
        listen=words.listen,
        socket=words.socket,
        path_prefix=words.path_prefix,
        name=words.name,
        colour=words.colour,
        instance_id=launch.instance.instance_id,
        data_dir=words.data_dir,
    )


def _words(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="web", exit_on_error=False, add_help=False)
    parser.add_argument("--listen", type=address_of, default=address_of(DEFAULT_LISTEN))
    parser.add_argument("--socket", type=Path)
    parser.add_argument("--path-prefix", default="")
    parser.add_argument("--name", default="")
    parser.add_argument("--colour", default="")
    parser.add_argument("--data-dir", type=Path)
    try:
        found, unknown = parser.parse_known_args(arguments)
    except (argparse.ArgumentError, argparse.ArgumentTypeError) as error:
        raise ConfigurationError(f"an argument of the page's entry is wrong: {error}") from error
    if unknown:
        raise ConfigurationError(
            f"the page has no argument {unknown[0]!r}; use the keys of `web:` in the host's entry"
        )
    return found
