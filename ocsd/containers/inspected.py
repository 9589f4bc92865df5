"""A container, as Docker's HTTP API describes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

Json = Mapping[str, Any]

_LABEL: Final = "com.docker.compose."
_EXITED: Final = re.compile(r"Exited \((\d+)\)")
_HEALTH: Final = re.compile(r"\((healthy|unhealthy|health: starting)\)")
_FRACTION: Final = re.compile(r"(\.\d{6})\d+")


@dataclass(frozen=True, slots=True)
class Row:
    """A container in the list of all: enough to see whether it has changed."""

    container_id: str
    service: str
    """Its service in the compose file."""
    files: tuple[str, ...]
    """The compose files that it was made from, as whole paths."""
    state: str
    health: str
    image_id: str
    exit_code: int
    """Its exit code; 127 if it is not told, as OCS's HostManager has it."""

    @property
    def mark(self) -> tuple[str, str, str]:
        """The part that changes when the container does."""
        return self.container_id, self.state, self.health


@dataclass(frozen=True, slots=True)
class Container:
    """All that matters about a container."""

    container_id: str
    name: str
    status: str
    """``created``, ``running``, ``restarting``, ``paused``, ``exited`` or ``dead``."""
    pid: int = 0
    started_at: str = ""
    """When its present or last run began, as Docker writes it: it names the run."""
    finished_at: float = 0.0
    """When its last run ended [s, Unix time]; 0 if none has."""
    exit_code: int = 0
    was_killed_for_memory: bool = False
    error: str = ""
    """Why Docker could not start it."""
    health: str = ""
    """``starting``, ``healthy`` or ``unhealthy``; empty without a HEALTHCHECK."""
    health_words: str = ""
    """The last output of its HEALTHCHECK."""
    failing_streak: int = 0
    """HEALTHCHECKs that have failed in a row."""
    restart: str = ""
    """The compose file's ``restart``: ``always``, ``unless-stopped``, ``on-failure`` or ``no``."""
    most_restarts: int = 0
    restarts: int = 0
    """Restarts by Docker itself, and the number after which it gives up; 0 if it never does."""
    memory_limit: int = 0
    """Its limit of memory [bytes]; 0 if there is none."""
    is_terminal: bool = False
    """Whether its output is that of a terminal."""
    stop_limit_s: float = 10.0
    """Time that it has to end after it was asked to [s]."""
    last_words: str = ""
    """The last line of its output."""

    @property
    def run(self) -> tuple[str, str]:
        """The name of its present run."""
        return self.container_id, self.started_at

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self.status in {"running", "paused"} and self.pid > 0


def row(listed: Json) -> Row | None:
    """Return a container of the list; None if docker compose has not made it for a service."""
    labels = listed.get("Labels") or {}
    service = labels.get(f"{_LABEL}service")
    if not service or str(labels.get(f"{_LABEL}oneoff")).lower() == "true":
        return None
    folder = str(labels.get(f"{_LABEL}project.working_dir") or "/")
    files = str(labels.get(f"{_LABEL}project.config_files") or "").split(",")
    status = str(listed.get("Status") or "")
    health, code = _HEALTH.search(status), _EXITED.search(status)
    return Row(
        container_id=str(listed.get("Id")),
        service=str(service),
        files=tuple(str(PurePosixPath(folder, file)) for file in files if file),
        state=str(listed.get("State") or ""),
        health=health.group(1) if health else "",
        image_id=str(listed.get("ImageID") or ""),
        exit_code=int(code.group(1)) if code else 127,
    )


def container(inspected: Json) -> Container:
    """Return a container from the answer to ``GET /containers/ID/json``."""
    state: Json = inspected.get("State") or {}
    health: Json = state.get("Health") or {}
    config: Json = inspected.get("Config") or {}
    host: Json = inspected.get("HostConfig") or {}
    policy: Json = host.get("RestartPolicy") or {}
    checks = health.get("Log") or [{}]
    return Container(
        container_id=str(inspected.get("Id")),
        name=str(inspected.get("Name") or "").lstrip("/"),
        status=str(state.get("Status") or ""),
        pid=int(state.get("Pid") or 0),
        started_at=str(state.get("StartedAt") or ""),
        finished_at=unix_time(str(state.get("FinishedAt") or "")),
        exit_code=int(state.get("ExitCode") or 0),
        was_killed_for_memory=bool(state.get("OOMKilled")),
        error=str(state.get("Error") or ""),
        health=str(health.get("Status") or "").replace("none", ""),
        health_words=" ".join(str(checks[-1].get("Output") or "").split()),
        failing_streak=int(health.get("FailingStreak") or 0),
        restart=str(policy.get("Name") or ""),
        most_restarts=int(policy.get("MaximumRetryCount") or 0),
        restarts=int(inspected.get("RestartCount") or 0),
        memory_limit=int(host.get("Memory") or 0),
        is_terminal=bool(config.get("Tty")),
        stop_limit_s=float(config.get("StopTimeout") or 10.0),
    )


def unix_time(text: str) -> float:
    """Return a time that Docker writes as Unix time [s]; 0 if it is none, or Docker's zero."""
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", text.replace("Z", "+00:00")))
        return max(0.0, moment.timestamp())
    except (ValueError, OverflowError):
        return 0.0
