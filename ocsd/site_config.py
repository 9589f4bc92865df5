"""Configuration of agents and clients, under the names that OCS gives it."""

import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Final

import ocsd
from ocsd.client.control import get_control_client
from ocsd.site.arguments import add_arguments, parse_args
from ocsd.site.configuration import get_config
from ocsd.site.model import Crossbar as CrossbarConfig
from ocsd.site.model import Host as HostConfig
from ocsd.site.model import Hub as HubConfig
from ocsd.site.model import Instance as InstanceConfig
from ocsd.site.model import Site as SiteConfig
from ocsd.site.plugin_file import register_agent_class
from ocsd.site.plugins import AgentEntry, Catalogue, all_classes, find_class

__all__ = [
    "CrossbarConfig",
    "HostConfig",
    "HubConfig",
    "InstanceConfig",
    "SiteConfig",
    "add_arguments",
    "agent_class",
    "agent_classes",
    "get_config",
    "get_control_client",
    "parse_args",
    "register_agent_class",
]

_MODULES_OF_OCS: Final[Mapping[str, ModuleType]] = {
    "ocs": ocsd,
    "ocs.site_config": sys.modules[__name__],
}
"""The modules that plug-in files, which are written for OCS, import."""


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
