"""Configuration of agents and clients, under the names that OCS gives it."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Final

from ocsd.system.garbage import loaded

with loaded():
    import ocsd
    from ocsd.client.control import get_control_client
    from ocsd.site import configuration
    from ocsd.site.arg_container import ArgContainer
    from ocsd.site.arguments import add_arguments, parse_args
    from ocsd.site.parts import (
        CrossbarConfig,
        HostConfig,
        HubConfig,
        InstanceConfig,
        SiteConfig,
        SiteParts,
        site_of,
        summarize_dict,
    )
    from ocsd.site.plugin_file import register_agent_class
    from ocsd.site.plugins import AgentEntry, Catalogue, all_classes, find_class

__all__ = [
    "ArgContainer",
    "CrossbarConfig",
    "HostConfig",
    "HubConfig",
    "InstanceConfig",
    "SiteConfig",
    "add_arguments",
    "add_site_attributes",
    "agent_class",
    "agent_classes",
    "get_config",
    "get_control_client",
    "parse_args",
    "register_agent_class",
    "summarize_dict",
]

_MODULES_OF_OCS: Final[Mapping[str, ModuleType]] = {
    "ocs": ocsd,
    "ocs.site_config": sys.modules[__name__],
}
"""The modules that plug-in files, which are written for OCS, import."""


def get_config(args: argparse.Namespace, agent_class: str | None = None) -> SiteParts:
    """Find the part of the site file that `args` mean.

    Parameters
    ----------
    args : argparse.Namespace
        Has what `add_arguments` declares.
    agent_class : str, optional
        As for `parse_args`.

    Returns
    -------
    tuple of (SiteConfig, HostConfig, InstanceConfig)
        The site's hub has the host's overrides and those of `args`. Host and instance
        are None where `agent_class` asks for none; all three with ``--site=none``.

    Raises
    ------
    ConfigurationError
        If the site file is missing or wrong, or has no such host or instance.
    """
    found = configuration.get_config(args, agent_class)
    if found.site is None:
        return SiteParts(None, None, None)
    site = site_of(found.site)
    if found.host is None:
        return SiteParts(site, None, None)
    host = site.hosts[found.host.name]
    host.working_dir = args.working_dir or host.working_dir
    host.log_dir = args.log_dir or host.log_dir
    instance = None
    for entry in host.instances:
        if found.instance is not None and entry["instance-id"] == found.instance.instance_id:
            instance = InstanceConfig.from_dict(entry, host)
    return SiteParts(site, host, instance)


def add_site_attributes(
    args: argparse.Namespace, site: SiteConfig, host: HostConfig | None = None
) -> None:
    """Give the options of `add_arguments` that are None the values of the site file.

    Parameters
    ----------
    args : argparse.Namespace
        Changed in place.
    site : SiteConfig
        Gives addresses and the file's name.
    host : HostConfig, optional
        Gives ``log_dir`` and ``crossbar_timeout``.
    """
    values = {
        "site_hub": site.hub.data["wamp_server"],
        "site_http": site.hub.data.get("wamp_http"),
        "site_realm": site.hub.data["wamp_realm"],
        "address_root": site.hub.data["address_root"],
        "access_policy": site.hub.data.get("access_policy"),
        "site_file": site.source_file,
    }
    if host is not None:
        values |= {"log_dir": host.log_dir, "crossbar_timeout": host.crossbar_timeout}
    for name, value in values.items():
        if getattr(args, name) is None:
            setattr(args, name, value)


def agent_classes(agent_paths: Sequence[str] = ()) -> Catalogue:
    """Return every agent class that this machine has.

    Parameters
    ----------
    agent_paths : sequence of str
        Folders with plug-in files.
    """
    return all_classes(agent_paths, _MODULES_OF_OCS)


def agent_class(class_name: str, agent_paths: Sequence[str] = ()) -> AgentEntry:
    """Return the place of an agent class's code; site files name the class ``agent-class``.

    Raises
    ------
    UnknownAgentClassError
        If no plug-in has it; names the nearest.
    PluginError
        If no plug-in has it, but not all plug-ins could be read.
    """
    return find_class(class_name, agent_paths, _MODULES_OF_OCS)
