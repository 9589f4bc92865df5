"""The content of a site file, as values.

The models know nothing of YAML, files or lines (`ocsd.site.load` does), are
frozen and survive a trip through JSON. Their aliases are the keys of the file.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ocsd.site.supervision import (
    Conditions,
    Hooks,
    KeysModel,
    LivenessKeys,
    ResourceLimits,
    Variables,
    key,
)
from ocsd.site.supervision import Web as Web  # a model of the file like the others here
from ocsd.site.values.hub import ADDRESS_ROOT as ADDRESS_ROOT
from ocsd.site.values.hub import REALM as REALM
from ocsd.site.values.hub import HubValues, server_url
from ocsd.site.values.hub import http_beside as http_beside
from ocsd.site.values.instance import ALARMS_NAME as ALARMS_NAME
from ocsd.site.values.instance import BRIDGE_NAME as BRIDGE_NAME
from ocsd.site.values.instance import HOST_MANAGER as HOST_MANAGER
from ocsd.site.values.instance import WEB_NAME as WEB_NAME
from ocsd.site.values.instance import Manage as Manage
from ocsd.system.address import at_loopback, checked_interface, checked_url, misfit, unencrypted
from ocsd.text.nearest import did_you_mean

LONGEST_INSTANCE_ID = 128


IN_CONTAINERS = frozenset({Manage.DOCKER_UP, Manage.DOCKER_DOWN})
"""Instances that Docker runs."""

# The words of OCS site files. YAML 1.1 reads `yes` and `no` as booleans.
MANAGE_WORDS: Mapping[str | bool, Manage] = {
    **{manage.value: manage for manage in Manage},
    "host": Manage.UP,
    "host/up": Manage.UP,
    "host/down": Manage.DOWN,
    "docker": Manage.DOCKER_UP,
    "docker/up": Manage.DOCKER_UP,
    "docker/down": Manage.DOCKER_DOWN,
    "yes": Manage.UP,
    "no": Manage.IGNORE,
    True: Manage.UP,
    False: Manage.IGNORE,
}
_TAUGHT_WORDS = ("up", "down", "ignore", "host/up", "host/down", "docker/up", "docker/down")


def word_of(manage: Manage) -> str:
    """Return a target as site files spell it."""
    return manage.value.replace("docker-", "docker/")


def _manage(value: object) -> Manage:
    if value is None:
        return Manage.UP
    if isinstance(value, str | bool) and value in MANAGE_WORDS:
        return MANAGE_WORDS[value]
    near = did_you_mean(str(value), (word for word in MANAGE_WORDS if isinstance(word, str)))
    raise ValueError(f"manage is {value!r}, not one of {', '.join(_TAUGHT_WORDS)}{near}")


def _instance_id(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", value) and len(value) <= LONGEST_INSTANCE_ID:
        return value
    # WAMP addresses end a component at a dot, log files are named by the id, and
    # the registry makes recorded field names of it.
    proposal = re.sub(r"[^A-Za-z0-9_-]+", "-", value).strip("-")[:LONGEST_INSTANCE_ID]
    raise ValueError(
        f"instance-id {value!r} cannot be part of an address and of a file name; use 1 to "
        f"{LONGEST_INSTANCE_ID} letters, digits, '_' and '-', the first one not '-', "
        f"e.g. {proposal or 'fake-data1'!r}"
    )


def _agent_class(value: str) -> str:
    if value and not re.search(r"\s", value):
        return value
    raise ValueError(f"agent-class {value!r} is not a name; write the class, e.g. FakeDataAgent")


def _host_name(value: str) -> str:
    if re.fullmatch(r"[^\s/\\\x00-\x1f]+", value) and value not in {".", ".."}:
        return value
    raise ValueError(f"host name {value!r} cannot be the name of a folder; use e.g. 'lab-1'")


def _address_root(value: str) -> str:
    if re.fullmatch(r"[^\s.#]+(\.[^\s.#]+)*", value):
        return value
    raise ValueError(f"address_root {value!r} is not a WAMP address; use e.g. 'observatory'")


def _http_url(value: str) -> str:
    return checked_url(value, "wamp_http", "http://localhost:8001/call", ("http", "https"))


InstanceId = Annotated[str, AfterValidator(_instance_id)]
HostName = Annotated[str, AfterValidator(_host_name)]
ServerUrl = Annotated[str, AfterValidator(server_url)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Part(KeysModel):
    @property
    def data(self) -> dict[str, Any]:
        """The same as a dict with the keys of the site file, as agents for OCS read it."""
        return self.model_dump(mode="json", by_alias=True)


class Hub(_Part, HubValues):
    """The site's router and the names that everyone uses on it."""

    access: Literal["open", "closed"] = "open"
    """``closed``: nobody joins the router without a login."""
    listen: Annotated[str, AfterValidator(checked_interface)] | None = None
    """The address of this machine at which the router listens; None: that of `wamp_server`."""
    wamp_server: ServerUrl
    wamp_http: HttpUrl
    wamp_tls: ServerUrl | None = None
    """The address at which an open router takes logins, too, until the site is closed."""
    wamp_realm: Annotated[str, Field(min_length=1)] = REALM
    address_root: Annotated[str, AfterValidator(_address_root)] = ADDRESS_ROOT
    access_policy: str | None = None
    take_files: bool = False
    """Whether the hosts of an open site take a new site file over a router for all machines."""
    registry_address: str | None = None
    """Kept for old site files; nothing reads it."""

    @model_validator(mode="before")
    @classmethod
    def _derive_http(cls, value: object) -> object:
        # OCS has wamp_http optional. The call bridge that OCS sites and ocsd's
        # own router offer stands beside the WebSocket.
        if isinstance(value, dict) and value.get("wamp_http") is None:
            return {**value, "wamp_http": http_beside(value.get("wamp_server"))}
        return value

    @field_validator("wamp_server", "wamp_http")
    @classmethod
    def _closed_is_encrypted(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("access") != "closed":
            return value
        if info.field_name == "wamp_http" and "wamp_server" not in info.data:
            return value  # it may be derived from a wamp_server that is refused already
        if text := unencrypted(str(info.field_name), value):
            raise ValueError(f"hub has access: closed, but {text}")
        return value

    @field_validator("wamp_tls")
    @classmethod
    def _tls_is_beside_the_open_one(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None or "access" not in info.data:
            return value
        if info.data["access"] == "closed":
            raise ValueError(
                "hub has access: closed, so wamp_server is the only address of the router; "
                "take wamp_tls out"
            )
        if text := unencrypted("wamp_tls", value):
            raise ValueError(text)
        return value

    def overridden(self, **values: str | None) -> Self:
        """Return the hub with those of `values` that are not None."""
        given = {name: value for name, value in values.items() if value is not None}
        return self.model_copy(update=given)


class Crossbar(_Part):
    """The router that a host runs."""

    bin: str | None = None
    config_dir: str | None = key("config-dir", default=None)


class Instance(_Part):
    """One agent: its class, its name and how it is run."""

    instance_id: InstanceId = key("instance-id")
    agent_class: Annotated[str, AfterValidator(_agent_class)] = key("agent-class")
    manage: Annotated[Manage, BeforeValidator(_manage)] = Manage.UP
    arguments: tuple[str, ...] = ()
    restart: Literal["always", "on-failure", "never"] = "always"
    runtime: Literal["ocsd", "ocs"] = "ocsd"
    """``ocs``: executed with the published package of that name."""
    python: str | None = None
    """Interpreter that has the published package; None: the daemon's own."""
    after: tuple[InstanceId, ...] = ()
    """Instances of this host that have to be ready before this one is started."""
    liveness: LivenessKeys = LivenessKeys()
    limits: ResourceLimits = ResourceLimits()
    retry_when: Conditions = key("retry-when", default=())
    """Conditions to retry a failed start at once, e.g. ``tcp://device:4001``."""
    env: Variables = Field(default={})
    user: str | None = None
    """The user that runs it; only a daemon of root can change users."""
    line: int | None = None
    """Where the entry starts in the site file, from 1."""

    @model_validator(mode="after")
    def _python_is_used(self) -> Self:
        if self.python is not None and self.runtime != "ocs":
            raise ValueError(
                f"instance {self.instance_id!r} has 'python' but not 'runtime: ocs'; agents on "
                "ocsd run in ocsd's own interpreter, so add 'runtime: ocs' or leave 'python' out"
            )
        return self


class Host(_Part):
    """One host's part of the site file."""

    name: HostName
    log_dir: str | None = key("log-dir", default=None)
    crossbar: Crossbar | None = None
    """None: this host does not run the router."""
    router: Literal["hub", "local"] = "hub"
    """``local``: this host has a router of its own, which a bridge joins to the hub."""
    agent_paths: tuple[str, ...] = key("agent-paths", default=())
    instances: tuple[Instance, ...] = key("agent-instances", default=())
    wamp_server: ServerUrl | None = None
    wamp_http: HttpUrl | None = None
    wamp_realm: Annotated[str, Field(min_length=1)] | None = None
    crossbar_timeout: Seconds | None = None
    hooks: Hooks = Field(default={})
    """Commands to run when something happens, by occasion, e.g. ``on-failed``."""
    web: Web = Web()
    """The page in the browser."""
    record: Literal["local"] | None = None
    """``local``: an aggregator of this host records the feeds of its agents, and nothing else."""
    alarms: dict[str, Any] | None = None
    """Rules, receivers and heartbeats as they stand in the file; `ocsd.site.alarms` has checked
    them, and makes values of them. None: this host has no alarms.
    """
    lines: Mapping[str, int] = Field(default={}, exclude=True)
    """Where its values stand in the site file, e.g. ``agent-paths/0``, from 1."""

    def hub(self, site_hub: Hub) -> Hub:
        """Return the router that programs of this host use: `site_hub` with what it overrides.

        A router of its own is at loopback, at the port and path of the site's, in the same realm.
        """
        server, http, realm = self.wamp_server, self.wamp_http, self.wamp_realm
        if not self.has_own_router:
            return site_hub.overridden(wamp_server=server, wamp_http=http, wamp_realm=realm)
        server = server or at_loopback(site_hub.wamp_server, closed=site_hub.is_closed)
        own = {"wamp_server": server, "wamp_http": http or http_beside(server)}
        own["wamp_realm"] = realm or site_hub.wamp_realm
        return site_hub.model_copy(update={**own, "wamp_tls": None, "listen": None})

    @property
    def has_own_router(self) -> bool:
        """Whether a router runs here beside that of the site."""
        return self.router == "local"


class Site(_Part):
    """A whole site file."""

    hub: Hub
    hosts: dict[str, Host] = Field(default={})
    path: str | None = None
    """The file, absolute; None if there is none."""
    warnings: tuple[str, ...] = Field(default=(), exclude=True)
    """Things that the file says in vain, or may not mean: ``FILE:LINE: thing, remedy``."""
    lines: Mapping[str, int] = Field(default={}, exclude=True)
    """Where the hub and its values stand in the file, e.g. ``hub/wamp_server``, from 1."""
    digest: str = Field(default="", exclude=True)
    """SHA-256 of the file, in hex; empty if there is none."""

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        for name, host in self.hosts.items():
            if host.name != name:
                raise ValueError(f"hosts[{name!r}] is a host of another name, {host.name!r}")
        return self

    @model_validator(mode="after")
    def _routers_fit(self) -> Self:
        for host in self.hosts.values():
            for name in ("wamp_server", "wamp_http", "router"):
                if text := self._fault(host, name):
                    raise ValueError(f"line {host.lines.get(name, 1)}: {text}")
        return self

    def _fault(self, host: Host, name: str) -> str:
        if name == "router":
            return self._misfit(host) if host.has_own_router else ""
        url = getattr(host, name)
        text = url and self.hub.is_closed and unencrypted(name, url)
        return f"hub has access: closed, but {text}" if text else ""

    def _misfit(self, host: Host) -> str:
        if host.crossbar is not None:
            return "a host runs the router of the site (crossbar) or one of its own (router: local)"
        own = host.hub(self.hub)
        return misfit(self.hub.wamp_server, own.wamp_server, own.wamp_http)

    def place(self, line: int | None) -> str:
        """Return a place in the file for messages: ``FILE:LINE``."""
        return ":".join(filter(None, (self.path or "the site file", str(line or ""))))

    @property
    def source_file(self) -> str | None:
        """The file, under the name that OCS gives it."""
        return self.path
