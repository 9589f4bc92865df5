"""The parts of a site file in the form that programs for OCS read.

Instances are plain dicts with the keys of the file, and nothing is checked, as in
OCS: a client library may read a file that the daemon would refuse. `ocsd.site.model`
has the checked form, which ocsd itself uses.
"""

import os
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from ocsd.errors import SiteFileError
from ocsd.site.values.hub import ADDRESS_ROOT, REALM, http_beside
from ocsd.site.values.instance import Manage

if TYPE_CHECKING:
    from ocsd.site.model import Site as Checked

_CROSSBAR_TIMEOUT_S = 10
"""The time without a router [s] that OCS gives a host which states none."""

_MANAGE: dict[Any, str] = {
    **dict.fromkeys((None, True, "yes", "up", "host", "host/up"), "host/up"),
    **dict.fromkeys(("down", "host/down"), "host/down"),
    **dict.fromkeys(("docker", "docker/up", Manage.DOCKER_UP.value), "docker/up"),
    **dict.fromkeys(("docker/down", Manage.DOCKER_DOWN.value), "docker/down"),
    **dict.fromkeys((False, "no", "ignore"), "ignore"),
}
"""OCS's full word for each value of ``manage``."""


class HubConfig:
    """The router's addresses.

    Attributes
    ----------
    data : dict
        As in the file; what OCS requires and ocsd does not is filled in.
    parent : SiteConfig or None
        The site.
    """

    def __init__(self) -> None:
        self.parent: SiteConfig | None = None
        self.data: dict[str, Any] = {}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], parent: "SiteConfig | None" = None) -> Self:
        """Make the hub of a file's ``hub``."""
        self = cls()
        self.parent = parent
        self.data = {"wamp_realm": REALM, "address_root": ADDRESS_ROOT, **data}
        if self.data.get("wamp_server") and not self.data.get("wamp_http"):
            self.data["wamp_http"] = http_beside(self.data["wamp_server"])
        return self

    def summary(self) -> str:
        """Return the keys and values, a line each."""
        return summarize_dict(self.data)

    @property
    def wamp_server(self) -> str:
        """The WebSocket URL of the router."""
        return str(self.data["wamp_server"])

    @property
    def wamp_http(self) -> str:
        """The HTTP URL of the router's call bridge."""
        return str(self.data["wamp_http"])

    @property
    def wamp_realm(self) -> str:
        """The WAMP realm."""
        return str(self.data["wamp_realm"])

    @property
    def address_root(self) -> str:
        """The first part of all addresses."""
        return str(self.data["address_root"])

    @property
    def access_policy(self) -> str | None:
        """The access policy, if there is one."""
        return self.data.get("access_policy")


class CrossbarConfig:
    """The router that a host runs.

    Attributes
    ----------
    binary : str or None
        The program; None if there is none on the search path.
    cbdir : str or None
        The folder of its configuration.
    cbdir_args : list of str
        The words that name the folder on its command line.
    parent : HostConfig or None
        The host.
    """

    def __init__(self) -> None:
        self.parent: HostConfig | None = None
        self.binary: str | None = None
        self.cbdir: str | None = None
        self.cbdir_args: list[str] = []

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any] | None, parent: "HostConfig | None" = None
    ) -> Self | None:
        """Make the router of a host's ``crossbar``; None if the host runs none."""
        if data is None:
            return None
        self = cls()
        self.parent = parent
        self.binary = data.get("bin", shutil.which("crossbar"))
        self.cbdir = data.get("config-dir")
        if self.cbdir is not None:
            self.cbdir_args = ["--cbdir", self.cbdir]
        return self

    def get_cmd(self, cmd: str) -> list[str]:
        """Return the command line for a subcommand of crossbar, e.g. ``start``.

        Raises
        ------
        RuntimeError
            If the program is not there.
        """
        if self.binary is None:
            raise RuntimeError("there is no program 'crossbar' on PATH; name it: crossbar, bin")
        if not os.path.exists(self.binary):
            raise RuntimeError(f"there is no program {self.binary}, which crossbar, bin names")
        return [self.binary, cmd, *self.cbdir_args]

    def summary(self) -> str:
        """Return program and folder, a line each."""
        return summarize_dict({"bin": self.binary, "config-dir": self.cbdir})


class InstanceConfig:
    """One agent.

    Attributes
    ----------
    data : dict
        As in the file.
    arguments : list
        Its ``arguments``; items may be lists.
    manage : str
        ``host/up``, ``host/down``, ``docker/up``, ``docker/down`` or ``ignore``.
    parent : HostConfig or None
        The host.
    """

    def __init__(self) -> None:
        self.parent: HostConfig | None = None
        self.data: dict[str, Any] = {}
        self.arguments: list[Any] = []
        self.manage: str = _MANAGE[None]

    @classmethod
    def from_dict(cls, data: dict[str, Any], parent: "HostConfig | None" = None) -> Self:
        """Make the instance of an entry of ``agent-instances``."""
        self = cls()
        self.parent = parent
        self.data = data
        self.arguments = data.get("arguments") or []
        word = data.get("manage")
        self.manage = _MANAGE.get(word, str(word))
        return self

    @property
    def instance_id(self) -> str:
        """The name of the instance."""
        return str(self.data["instance-id"])

    @property
    def agent_class(self) -> str | None:
        """The agent class."""
        return self.data.get("agent-class")


class HostConfig:
    """One host's part of the file.

    Attributes
    ----------
    name : str or None
        The host's name in the file.
    data : dict
        As in the file.
    instances : list of dict
        The entries of ``agent-instances``, as in the file.
    crossbar : CrossbarConfig or None
        None: this host runs no router.
    log_dir : str or None
        The folder for log files.
    working_dir : str
        The folder that relative paths start from.
    crossbar_timeout : float
        OCS's agents end after this time without a router [s]; ocsd's do not.
    parent : SiteConfig or None
        The site.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self.parent: SiteConfig | None = None
        self.data: dict[str, Any] = {}
        self.instances: list[dict[str, Any]] = []
        self.crossbar: CrossbarConfig | None = None
        self.log_dir: str | None = None
        self.working_dir = os.getcwd()
        self.crossbar_timeout: float | None = None

    @classmethod
    def from_dict(
        cls,
        data: dict[str, Any] | None,
        parent: "SiteConfig | None" = None,
        name: str | None = None,
    ) -> Self:
        """Make the host of an entry of ``hosts``; one without content has no instances."""
        self = cls(name)
        self.parent = parent
        self.data = data or {}
        self.instances = self.data.get("agent-instances") or []
        self.crossbar = CrossbarConfig.from_dict(self.data.get("crossbar"), self)
        self.log_dir = self.data.get("log-dir")
        self.crossbar_timeout = self.data.get("crossbar_timeout", _CROSSBAR_TIMEOUT_S)
        return self


class SiteConfig:
    """A site file.

    Attributes
    ----------
    hub : HubConfig
        The router's addresses.
    hosts : dict of str to HostConfig
        The hosts by name.
    source_file : str or None
        The file, absolute.

    Examples
    --------
    >>> site = SiteConfig.from_yaml("site-configs/default.yaml")
    >>> [entry["instance-id"] for host in site.hosts.values() for entry in host.instances]
    """

    def __init__(self) -> None:
        self.hub: HubConfig = HubConfig()
        self.hosts: dict[str, HostConfig] = {}
        self.source_file: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the site of a file's content.

        Raises
        ------
        SiteFileError
            If it is no mapping, or has no ``hub``.
        """
        return cls._made(data, "the site")

    @classmethod
    def from_yaml(cls, filename: str | os.PathLike[str]) -> Self:
        """Read a site file.

        Raises
        ------
        OSError
            If it cannot be read.
        yaml.YAMLError
            If it is no YAML; names the line.
        SiteFileError
            If it is no mapping, or has no ``hub``.
        """
        # Few agents read a site file.
        import yaml

        from ocsd.site.document import LOADER

        path = os.path.abspath(filename)
        with open(path, encoding="utf-8-sig") as file:
            content = yaml.load(file, Loader=LOADER)  # one of PyYAML's safe loaders
        self = cls._made(content, path)
        self.source_file = path
        return self

    @classmethod
    def _made(cls, data: Any, place: str) -> Self:
        if not isinstance(data, Mapping) or not isinstance(data.get("hub"), Mapping):
            raise SiteFileError(f"{place} has no mapping 'hub', which says where the router is")
        self = cls()
        for name, host in (data.get("hosts") or {}).items():
            self.hosts[name] = HostConfig.from_dict(host, self, name)
        self.hub = HubConfig.from_dict(data["hub"], self)
        return self


MaybeNone = Any
"""In a union: None only with ``--site=none`` or by the caller's own wish, so that type
checkers do not ask every program for a check (typeshed has it under this name)."""


class SiteParts(NamedTuple):
    """The site, this program's host and its instance; each None where there is none."""

    site: SiteConfig | MaybeNone
    host: HostConfig | MaybeNone
    instance: InstanceConfig | MaybeNone


def site_of(checked: "Checked") -> SiteConfig:
    """Return a checked site in the form of OCS."""
    content = checked.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for host in content.get("hosts", {}).values():
        del host["name"]
        host.setdefault("agent-instances", [])
        for entry in host["agent-instances"]:
            entry.pop("line", None)
            if "manage" in entry:
                entry["manage"] = _MANAGE[entry["manage"]]
    site = SiteConfig.from_dict(content)
    site.source_file = checked.path
    return site


def summarize_dict(d: Mapping[Any, Any]) -> str:
    """Return keys and values of a dict, a line each, in braces."""
    lines = (f"  {key!r}: {value!r}," for key, value in d.items())
    return "\n".join(("{", *lines, "}"))
