"""Warnings about a site file that can be used, but not as its author may expect."""

from collections.abc import Iterator

from ocsd.site import recording
from ocsd.site.model import Host, Hub, Manage, Site
from ocsd.site.recording import AGGREGATOR_CLASS, records_from_the_start

_WANTED_BY_OCS = ("wamp_http", "wamp_realm", "address_root")


def of_site(site: Site) -> Iterator[str]:
    """Yield a warning if OCS's own clients cannot use the site, or everybody can."""
    yield from openness(site, site.hub)
    yield from recording.twice(site)
    if site.hub.is_closed:
        return  # There they have a file of their own, of `ocsd access client-url` or `agent-url`.
    lacking = [key for key in _WANTED_BY_OCS if f"hub/{key}" not in site.lines]
    if lacking:
        values = ", ".join(f"{key}: {getattr(site.hub, key)}" for key in lacking)
        place = site.place(site.lines.get("hub"))
        yield (
            f"{place}: hub has no {' and no '.join(lacking)}; ocsd takes "
            f"{values}, but clients of the published OCS need it in the file: write it there"
        )


def openness(site: Site, hub: Hub) -> Iterator[str]:
    """Yield a warning if other machines reach the router and need no login."""
    if hub.is_closed or hub.is_local:
        return
    place = site.place(site.lines.get("hub/wamp_server"))
    remedy = "to close it: ocsd access init"
    if hub.wamp_tls is not None:
        remedy = "who still needs that: ocsd access check"
    yield (
        f"{place}: the router at {hub.wamp_server} is open: whoever reaches it may start and stop "
        f"every operation; {remedy}"
    )


def of_host(site: Site, host: Host) -> Iterator[str]:
    """Yield a warning for each aggregator of a host that records nothing when it starts."""
    for each in host.instances:
        ours = each.manage in {Manage.UP, Manage.DOWN} and each.agent_class == AGGREGATOR_CLASS
        if ours and not records_from_the_start(each.arguments):
            yield (
                f"{site.place(each.line)}: instance {each.instance_id!r} records nothing until "
                "somebody starts its operation 'record'; to record from the start, add "
                "--initial-state record to its arguments"
            )
