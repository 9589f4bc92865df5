"""The aggregator that records a feed, and where, by the site file. Pure.

A host with ``record: local`` has an aggregator of its own, which records the feeds of the agents
that this host's daemon runs, and nothing else. Its daemon tells them so, and they say it in every
message (``recorded_by``). All other messages are recorded by the site's aggregator.
"""

import os
from argparse import ArgumentError, ArgumentParser
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ocsd.site.values.instance import HOST_MANAGER, Manage

if TYPE_CHECKING:
    from ocsd.site.model import Host, Instance, Site

AGGREGATOR_CLASS: Final = "AggregatorAgent"
INFLUXDB_1_CLASS: Final = "InfluxDBAgent"
INFLUXDB_2_CLASS: Final = "InfluxDBAgentv2"
POSTGRES_CLASS: Final = "PostgreSQLAgent"
WRITERS: Final = frozenset({INFLUXDB_1_CLASS, INFLUXDB_2_CLASS, POSTGRES_CLASS})
"""The classes that write what the aggregator records to databases."""

_IN_THE_DAEMON = frozenset({HOST_MANAGER, "RegistryAgent"})


def data_folder(arguments: Sequence[str], state: Path) -> Path:
    """Return the absolute path of the folder that an aggregator writes to.

    A ``--data-dir`` among its `arguments` is relative to the working directory; the default
    is `data` in the host's state folder.
    """
    given = _value("--data-dir", arguments)
    return Path(os.path.abspath(Path(given).expanduser())) if given else state / "data"


def records_from_the_start(arguments: Sequence[str]) -> bool:
    """Whether an aggregator with these arguments records without being asked."""
    return _value("--initial-state", arguments) == "record"


def centre(site: "Site") -> str:
    """Return the host of the built-in agents: the first one with a router, or else the first."""
    routers = [host.name for host in site.hosts.values() if host.crossbar is not None]
    return next(iter(routers or site.hosts))


def site_hosts(site: "Site") -> tuple[str, ...]:
    """Return the hosts whose aggregators record what no host records itself.

    Those are the hosts without ``record: local`` that list an aggregator; if there are none, it is
    the first host with a router, or else the first one. Several of them record everything twice.
    """
    if not site.hosts:
        return ()
    listed = tuple(
        host.name for host in site.hosts.values() if host.record is None and _aggregators(host)
    )
    return listed or (centre(site),)


def records_itself(site: "Site", host: "Host") -> bool:
    """Return whether a host's aggregator records the feeds of its agents only."""
    return host.record is not None and host.name not in site_hosts(site)


def of_site(site: "Site") -> "list[Instance]":
    """Return all entries, but for aggregators of hosts that record themselves."""
    return [
        each
        for host in site.hosts.values()
        for each in host.instances
        if not (each.agent_class == AGGREGATOR_CLASS and records_itself(site, host))
    ]


def own_aggregator(host: "Host") -> "Instance | None":
    """Return the aggregator of ours that a host lists; None if there is none."""
    return next((each for each in _aggregators(host) if is_told(each)), None)


def built_in_name(site: "Site", host: "Host") -> str:
    """Return the name of the aggregator of a host that lists none."""
    plain = "aggregator"
    others = {each.instance_id for other in site.hosts.values() for each in _aggregators(other)}
    if records_itself(site, host) or plain in others:
        return f"{plain}-{host.name}"
    return plain


def is_told(instance: "Instance") -> bool:
    """Return whether the daemon can tell an instance who records what it publishes."""
    runs_here = instance.manage in {Manage.UP, Manage.DOWN} and instance.runtime == "ocsd"
    return runs_here and instance.agent_class not in _IN_THE_DAEMON


def told_agents(site: "Site", host: "Host") -> set[str]:
    """Return the agents of a host that its daemon can tell who records what they publish."""
    ours = {each.instance_id for each in host.instances if is_told(each)}
    if own_aggregator(host) is None:
        ours.add(built_in_name(site, host))
    return ours


def recorders_of(site: "Site", address: str) -> tuple[str, ...]:
    """Return the hosts whose aggregators record a feed: one, or as many as record everything.

    Parameters
    ----------
    site : Site
        The site.
    address : str
        Address of the feed, ``observatory.thermo1.feeds.temperatures``, or of its agent.
    """
    name = address.removeprefix(f"{site.hub.address_root}.").partition(".")[0]
    for host in site.hosts.values():
        if records_itself(site, host) and name in told_agents(site, host):
            return (host.name,)
    return site_hosts(site)


def twice(site: "Site") -> Iterator[str]:
    """Yield a warning for each two aggregators that record the same feeds."""
    hosts = site_hosts(site)
    if len(hosts) > 1:
        named = " and ".join(map(repr, hosts))
        yield (
            f"{site.place(_line(site, hosts[1]))}: the aggregators of the hosts {named} record "
            "every feed that no host records itself, so each is recorded more than once; leave one "
            "of them, or write record: local at the other hosts"
        )
    for host in site.hosts.values():
        ours = [each for each in _aggregators(host) if is_told(each)]
        for second in ours[1:]:
            yield (
                f"{site.place(second.line)}: {ours[0].instance_id!r} and {second.instance_id!r} "
                "record the same feeds; leave one of them"
            )
        for each in _aggregators(host):
            if host.record is not None and not is_told(each):
                yield (
                    f"{site.place(each.line)}: host {host.name!r} has record: local, but "
                    f"{each.instance_id!r} is not run by ocsd, so it cannot be told what to leave "
                    "to others; take its entry or record: local out"
                )


def _aggregators(host: "Host") -> "list[Instance]":
    return [each for each in host.instances if each.agent_class == AGGREGATOR_CLASS]


def _line(site: "Site", host: str) -> int | None:
    return next((each.line for each in _aggregators(site.hosts[host])), None)


def _value(option: str, arguments: Sequence[str]) -> str | None:
    return _parsed_value(option, tuple(arguments))


@lru_cache  # every status asks, and the parser takes a millisecond
def _parsed_value(option: str, arguments: tuple[str, ...]) -> str | None:
    parser = ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument(option, dest="value")
    try:
        given: str | None = parser.parse_known_args(arguments)[0].value
    except ArgumentError:  # it has no value, and the aggregator will complain
        given = None
    return given
