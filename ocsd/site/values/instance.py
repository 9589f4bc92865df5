"""One agent of a site file: its class, its name and how it is run, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

HOST_MANAGER = "HostManager"
"""The agent class that the daemon itself stands in for."""
WEB_NAME = "web"
"""The name of the process that serves the page, if no entry gives it another."""
BRIDGE_NAME = "bridge"
"""The name of the process that joins a host's own router to the hub, if no entry has another."""
ALARMS_NAME = "alarms"
"""The name of the process that evaluates alarms, if no entry gives it another."""


class Manage(StrEnum):
    """The target that an instance gets when the daemon starts."""

    UP = "up"
    DOWN = "down"
    IGNORE = "ignore"
    DOCKER_UP = "docker-up"
    DOCKER_DOWN = "docker-down"


@dataclass(frozen=True)
class ToldLimits:
    """The limits that a process was told."""

    memory: int | None = None
    nice: int = 0
    open_files: int | None = None


@dataclass(frozen=True)
class ToldInstance:
    """The instance that a process was told to be (`ocsd.site.model.Instance`)."""

    instance_id: str
    agent_class: str
    manage: str = Manage.UP.value
    arguments: tuple[str, ...] = ()
    restart: str = "always"
    runtime: str = "ocsd"
    python: str | None = None
    after: tuple[str, ...] = ()
    liveness: Mapping[str, str] = field(default_factory=dict)
    limits: ToldLimits = ToldLimits()
    retry_when: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    line: int | None = None
