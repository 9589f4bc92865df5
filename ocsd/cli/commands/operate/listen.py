"""`ocsd listen`: print the messages of feeds as they arrive."""

import sys

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.become import become
from ocsd.cli.talk import site_router
from ocsd.cli.talk.site_router import SiteRouter
from ocsd.client.http import ControlClientError
from ocsd.errors import NoSuchOperationError

_FEEDS_LIMIT_S = 2.0
HEARTBEAT = "heartbeat"


@options.command(
    "ocsd listen fake-data1.false_temperatures",
    "ocsd listen fake-data1             # all its feeds",
    "ocsd listen fake-data1.heartbeat",
    "ocsd listen observatory..feeds.    # all feeds of the site",
    "ocsd listen fake-data1 --json | jq .message",
)
@click.argument("feed", metavar="FEED", shell_complete=completion.feeds)
@click.option("--heartbeats", is_flag=True, help="Print heartbeats, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for programs.")
@options.site_file_option
@options.host_option
def listen(
    feed: str, heartbeats: bool, as_json: bool, site_file: str | None, host: str | None
) -> None:
    """Print the messages of FEED until Ctrl-C.

    FEED is NAME.FEED, NAME for all feeds of an agent, or an address
    (`observatory.fake-data1.feeds.false_temperatures`), in which an empty part
    stands for anything. If the router goes away, the command waits for it.
    """
    router = site_router.find(site_file, host)
    topic = _topic(feed, router)
    _check_feed(topic, router)
    command = [sys.executable, "-P", "-m", "ocsd.client.listen"]
    command += ["--url", router.wamp_server, "--realm", router.wamp_realm, topic]
    if as_json:
        command.append("--json")
    if heartbeats or topic.endswith(f".{HEARTBEAT}"):
        command.append("--heartbeats")
    # This process never loads Twisted, which takes longer to load than all else.
    become(command)


def _topic(feed: str, router: SiteRouter) -> str:
    """Return the address to subscribe to; one with an empty part is a wildcard."""
    if feed.startswith(f"{router.address_root}.") or ".." in feed:
        return feed
    instance_id, _, feed_name = feed.partition(".")
    return f"{router.address_root}.{instance_id}.feeds.{feed_name}"


def _check_feed(topic: str, router: SiteRouter) -> None:
    """Refuse a feed that its agent does not have; an agent may start later."""
    address, between, feed_name = topic.rpartition(".feeds.")
    if not between or "" in address.split("."):
        return
    try:
        feeds = router.client(address, timeout_s=_FEEDS_LIMIT_S).get_api(simple=True)["feeds"]
    except ControlClientError as error:
        name = address.removeprefix(f"{router.address_root}.")
        print(f"ocsd: {router.explained(error, name)}; listening all the same", file=sys.stderr)
        return
    if feed_name not in ("", HEARTBEAT, *feeds):
        from ocsd.text.nearest import nearest_or_all

        near = nearest_or_all(feed_name, feeds)
        raise NoSuchOperationError(f"agent {address} has no feed '{feed_name}'{near}")
