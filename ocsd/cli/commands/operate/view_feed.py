"""`ocsd view-feed`: the last hour of one feed, for browsers and for Grafana."""

import os
import sys

import click

from ocsd.cli.arguments import options
from ocsd.cli.become import become
from ocsd.cli.talk import site_router
from ocsd.cli.talk.site_router import SiteRouter
from ocsd.errors import OcsdError

_DEFAULT_ROOT = "observatory"
_DEFAULT_REALM = "test_realm"


def _address(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    from ocsd.system.address import address_of

    try:
        address_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


@options.command(
    "ocsd view-feed --target fake-data1 --feed false_temperatures",
    "TARGET=fake-data1 FEED=false_temperatures NAME=lab ocsd view-feed",
    "ocsd view-feed --target thermo1 --feed temperatures --listen 0.0.0.0:5000",
    after="The variables are those of OCS's data feed server: TARGET, FEED, NAME, DESCRIPTION, "
    "BUFFER_TIME, SITE_HUB; an option has precedence over its variable.",
)
@click.option("--target", metavar="NAME", envvar="TARGET", help="Instance-id of the agent.")
@click.option("--feed", metavar="FEED", envvar="FEED", help="Name of the agent's feed.")
@click.option(
    "--name", metavar="TEXT", envvar="NAME", help="Title, and beginning of the fields' names."
)
@click.option("--description", metavar="TEXT", envvar="DESCRIPTION", default="", help="For people.")
@click.option(
    "--buffer-time",
    "buffer_time_s",
    metavar="SECONDS",
    envvar="BUFFER_TIME",
    type=click.IntRange(min=1, max=30 * 86400),
    default=3600,
    show_default=True,
    help="How long samples are kept in memory.",
)
@click.option(
    "--hub",
    metavar="URL",
    envvar="SITE_HUB",
    help="WebSocket address of the router; by default that of the site.",
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    envvar="LISTEN",
    default="127.0.0.1:5000",
    show_default=True,
    callback=_address,
    help="Where to serve; 0.0.0.0:5000 in a container.",
)
@click.option(
    "--url",
    metavar="URL",
    envvar="VIEW_URL",
    default="",
    help="Address for people, if it differs from --listen; the host's page links to it.",
)
@options.site_file_option
@options.host_option
def view_feed(
    target: str | None,
    feed: str | None,
    name: str | None,
    description: str,
    buffer_time_s: int,
    hub: str | None,
    listen: str,
    url: str,
    site_file: str | None,
    host: str | None,
) -> None:
    """Show the last hour of one feed in a browser and in Grafana.

    It subscribes to the feed, keeps its samples in memory, and serves a plot at / and the two
    addresses that Grafana's SimpleJSON data source asks, /search and /query. Agent and router may
    come later. Ctrl-C ends it.
    """
    if not target or not feed:
        missing = "--target or $TARGET" if not target else "--feed or $FEED"
        what = "the instance-id of the agent" if not target else "the name of its feed"
        raise click.UsageError(f"say with {missing} {what}, e.g. `ocsd ops` shows both")
    router = _router(hub, site_file, host)
    command = [sys.executable, "-P", "-m", "ocsd.web.feedview"]
    words = {
        "target": target,
        "feed": feed,
        "name": name or f"{target}.{feed}",
        "description": description,
        "buffer-time": str(buffer_time_s),
        "hub": router.wamp_server,
        "realm": router.wamp_realm,
        "address-root": router.address_root,
        "listen": listen,
        "url": url,
        "host": host or "",
    }
    # This process never loads Twisted, which takes longer to load than all else.
    become(command + [f"--{key}={value}" for key, value in words.items()], os.environ)


def _router(hub: str | None, site_file: str | None, host: str | None) -> SiteRouter:
    """Return the router: with a hub, a site file is needed only for a realm of its own."""
    if hub is None:
        return site_router.find(site_file, host)
    try:
        found = site_router.find(site_file, host)
    except OcsdError:
        if site_file:
            raise
        found = SiteRouter(hub, "", _DEFAULT_REALM, _DEFAULT_ROOT)
    return SiteRouter(hub, "", found.wamp_realm, found.address_root)
