"""Configuration of agents and clients, under the names that OCS gives it."""

from ocsd.client.control import get_control_client
from ocsd.site.arguments import add_arguments, parse_args
from ocsd.site.configuration import get_config
from ocsd.site.model import Crossbar as CrossbarConfig
from ocsd.site.model import Host as HostConfig
from ocsd.site.model import Hub as HubConfig
from ocsd.site.model import Instance as InstanceConfig
from ocsd.site.model import Site as SiteConfig
from ocsd.site.plugin_file import register_agent_class
from ocsd.site.plugins import all_classes as agent_classes

__all__ = [
    "CrossbarConfig",
    "HostConfig",
    "HubConfig",
    "InstanceConfig",
    "SiteConfig",
    "add_arguments",
    "agent_classes",
    "get_config",
    "get_control_client",
    "parse_args",
    "register_agent_class",
]
