"""The configuration of a feed viewer: the variables of OCS's guide, or options."""

import argparse
from collections.abc import Sequence
from typing import Final, NamedTuple

from ocsd.system.address import Address, address_of

DEFAULT_VIEW_LISTEN: Final = "127.0.0.1:5000"
"""The port is that of OCS's data feed server."""
DEFAULT_BUFFER_TIME_S: Final = 3600.0


class ViewSettings(NamedTuple):
    """The configuration of a feed viewer."""

    target: str
    """Instance-id of the agent."""
    feed: str
    name: str
    """Beginning of the names of the fields, and title of the page."""
    description: str
    buffer_time_s: float
    """Time for which samples are kept [s]."""
    hub: str
    """WebSocket address of the router."""
    realm: str
    address_root: str
    listen: Address
    url: str = ""
    """The address under which people reach the page, if it is not the one that is listened at."""
    host: str = ""
    """The host whose page lists it; empty means each host with a daemon on this machine."""

    @property
    def agent_address(self) -> str:
        """Address of the agent."""
        return f"{self.address_root}.{self.target}"

    @property
    def topic(self) -> str:
        """Address of the feed."""
        return f"{self.agent_address}.feeds.{self.feed}"


def of_words(words: Sequence[str] | None = None) -> ViewSettings:
    """Return the configuration that command-line words give; `ocsd view-feed` has checked it."""
    parser = argparse.ArgumentParser(prog="ocsd view-feed")
    for key in ("target", "feed", "hub", "realm", "address-root"):
        parser.add_argument(f"--{key}", required=True)
    for key in ("name", "description", "url", "host"):
        parser.add_argument(f"--{key}", default="")
    parser.add_argument(
        "--buffer-time", dest="buffer_time_s", type=float, default=DEFAULT_BUFFER_TIME_S
    )
    parser.add_argument("--listen", type=address_of, default=address_of(DEFAULT_VIEW_LISTEN))
    return ViewSettings(**vars(parser.parse_args(words)))
