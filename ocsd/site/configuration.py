"""Finds the part of the site file that a program's arguments mean."""

import argparse
import os
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from ocsd.errors import (
    ConfigurationError,
    SeveralDaemonsError,
    SiteFileError,
    UnknownHostError,
)
from ocsd.site.load import find, load, pick_host
from ocsd.site.model import Host, Hub, Instance, Site
from ocsd.site.values import told as launches
from ocsd.site.values.told import CONTROL, HOST, ToldLaunch
from ocsd.system import whereabouts
from ocsd.text.nearest import did_you_mean


class Configuration(NamedTuple):
    """The result of `get_config`; with ``--site=none`` all three are None, as in OCS."""

    site: Site | None
    host: Host | None
    instance: Instance | None


def get_config(args: argparse.Namespace, agent_class: str | None = None) -> Configuration:
    """Find the part of the site file that `args` mean.

    Parameters
    ----------
    args : argparse.Namespace
        Has what `add_arguments` declares.
    agent_class : str, optional
        As for `parse_args`.

    Returns
    -------
    Configuration
        ``(site, host, instance)``. The site's hub has the host's overrides and those of
        `args`.

    Raises
    ------
    ConfigurationError
        If the site file is missing or wrong, or has no such host or instance.
    """
    launch = launches.current()
    if launch is not None and launch.is_meant(args):
        return _of_launch(launch, agent_class)
    if args.site == "none":
        return Configuration(None, None, None)
    site = _site(args, agent_class)
    host = site.hosts.get(args.site_host)
    if agent_class != CONTROL:
        host = _host(site, args)
    site = _with_overrides(site, host, args)
    if host is None or agent_class in {CONTROL, HOST}:
        return Configuration(site, host, None)
    return Configuration(site, host, _instance(site, host, args.instance_id, agent_class))


def _site(args: argparse.Namespace, agent_class: str | None) -> Site:
    """Read the site file; a client without one is for the site whose daemon runs here."""
    try:
        path = _file(args)
    except SiteFileError as error:
        named = args.site_file is not None or args.site is not None
        if agent_class != CONTROL or named or os.environ.get("OCS_CONFIG_DIR"):
            raise
        return Site(hub=_hub_of_running_site(error), hosts={})
    return load(path)


def _hub_of_running_site(no_file: SiteFileError) -> Hub:
    """Return the hub of the one site that runs on this machine; `no_file` if none does."""
    sites, closed = whereabouts.running_sites()
    if len(sites) > 1:
        listed = "; ".join(f"{each['wamp_server']} ({name})" for name, each in sites.items())
        raise SeveralDaemonsError(
            f"there is no site file, and several sites run here: {listed}; pass --site-file, or "
            "set OCS_CONFIG_DIR"
        ) from no_file
    for addresses in sites.values():
        return Hub.model_validate(dict(addresses))
    if closed:
        places = ", ".join(map(str, closed))
        raise SiteFileError(
            f"{no_file}\nocsd runs here ({places}), but this user may not read for which site: use "
            "its owner's account, or join its group"
        ) from no_file
    raise no_file


def _with_overrides(site: Site, host: Host | None, args: argparse.Namespace) -> Site:
    hub = site.hub
    if host is not None:
        hub = host.hub(hub)
    hub = hub.overridden(
        wamp_server=args.site_hub,
        wamp_http=args.site_http,
        wamp_realm=args.site_realm,
        address_root=args.address_root,
    )
    return site.model_copy(update={"hub": hub})


def _file(args: argparse.Namespace) -> Path:
    if args.site is not None and args.site_file is not None:
        named = find(site=args.site)
        if args.site_file == str(named.absolute()):  # filled in by parse_args
            return named
    return find(args.site_file, args.site)


def _host(site: Site, args: argparse.Namespace) -> Host:
    try:
        return pick_host(site, args.site_host)
    except UnknownHostError as error:
        # In a container the machine's name does not help.
        raise UnknownHostError(f"{error}{_elsewhere(site, args.instance_id)}") from None


def _elsewhere(site: Site, instance_id: str | None) -> str:
    """Name the hosts on which the site lists an instance; nothing if there are none."""
    hosts = [
        host.name
        for host in site.hosts.values()
        for instance in host.instances
        if instance.instance_id == instance_id
    ]
    if not hosts:
        return ""
    return (
        f"; host {' and '.join(map(repr, hosts))} has an instance {instance_id!r}: pass "
        f"--site-host {hosts[0]}, or set SITE_HOST"
    )


def _of_launch(launch: ToldLaunch, agent_class: str | None) -> Configuration:
    instance = Instance.model_validate(asdict(launch.instance))
    host = Host(
        name=launch.host,
        instances=(instance,),
        agent_paths=launch.agent_paths,
        log_dir=launch.log_dir,
        crossbar_timeout=launch.crossbar_timeout,
    )
    hub = Hub.model_validate(asdict(launch.hub))
    site = Site(hub=hub, hosts={launch.host: host}, path=launch.site_file)
    if agent_class in {CONTROL, HOST}:  # e.g. an agent that is another's client
        return Configuration(site, host, None)
    return Configuration(site, host, instance)


def _instance(
    site: Site, host: Host, instance_id: str | None, agent_class: str | None
) -> Instance | None:
    if instance_id is not None:
        return _instance_of_id(site, host, instance_id)
    if agent_class is None:
        return None
    where = f"host {host.name!r} in {site.path}"
    entries = [entry for entry in host.instances if entry.agent_class == agent_class]
    if len(entries) > 1:
        ids = ", ".join(entry.instance_id for entry in entries)
        raise ConfigurationError(
            f"{where} has {len(entries)} instances of {agent_class}: {ids}; pass --instance-id"
        )
    if entries:
        return entries[0]
    near = did_you_mean(agent_class, (instance.agent_class for instance in host.instances))
    raise ConfigurationError(f"{where} has no instance of {agent_class}{near}")


def _instance_of_id(site: Site, host: Host, instance_id: str) -> Instance:
    ids = {instance.instance_id: instance for instance in host.instances}
    if instance_id in ids:
        return ids[instance_id]
    near = _elsewhere(site, instance_id) or did_you_mean(instance_id, ids)
    raise ConfigurationError(
        f"host {host.name!r} in {site.path} has no instance {instance_id!r}{near}"
    )
