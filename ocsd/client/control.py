"""Clients for agents, made from the site file or from its stand-ins."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ocsd.site.arguments import parse_args
from ocsd.site.values import told as launches
from ocsd.site.values.hub import HubValues, ToldHub
from ocsd.site.values.told import CONTROL

if TYPE_CHECKING:
    from ocsd.client.http import ControlClient
    from ocsd.site.parts import SiteConfig


def get_control_client(
    instance_id: str,
    site: "SiteConfig | None" = None,
    args: Sequence[str] | argparse.Namespace | None = None,
    start: bool = True,
    client_type: str | None = "http",
) -> "ControlClient":
    """Return a client for an agent.

    Parameters
    ----------
    instance_id : str
        The agent's instance-id, or its whole address (which has dots).
    site : SiteConfig, optional
        Has the address of the router, in place of `args`.
    args : sequence of str or argparse.Namespace, optional
        Command line words that give the site file, or the result of `parse_args`.
        None means the words of this script, ``[]`` none. In an agent that the
        daemon started, None means the agent's own site.
    start : bool
        Accepted; there is nothing to start.
    client_type : str, optional
        ``'http'``, the one kind there is.

    Raises
    ------
    ConfigurationError
        If the site file is missing or wrong.
    ValueError
        If another `client_type` is asked for.
    """
    if client_type not in {None, "http"}:
        raise ValueError(f"client_type {client_type!r} is not available; use 'http'")
    # Most agents call no other one: what it loads takes as long as a start.
    from ocsd.client import http

    hub = (site and site.hub) or _hub(args)
    if "." not in instance_id:
        instance_id = f"{hub.address_root}.{instance_id}"
    return http.ControlClient(instance_id, url=hub.wamp_http, realm=hub.wamp_realm)


def _hub(args: Any) -> HubValues:
    if args is None and launches.current() is not None:
        args = []  # An agent's own words are not for this parser.
    if args is None:
        args = sys.argv[1:]
    if not hasattr(args, "instance_id"):
        args = parse_args(agent_class=CONTROL, args=args)
    launch = launches.current()
    if launch is not None and launch.is_meant(args):
        return launch.hub
    # Who reads a site file loads pydantic and yaml.
    from ocsd.site.configuration import get_config

    site = get_config(args, CONTROL).site
    if site is not None:
        return site.hub
    # --site=none
    return ToldHub(
        wamp_server=args.site_hub,
        wamp_http=args.site_http,
        wamp_realm=args.site_realm,
        address_root=args.address_root,
    )
