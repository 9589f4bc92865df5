"""A container, as Docker's HTTP API describes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

Json = Mapping[str, Any]

_COMPOSE_LABEL: Final = "com.docker.compose."
STOP_LIMIT_S: Final = 10.0
"""Time that a container has to end after it was asked to, unless it says another [s]."""

_EXITED: Final = re.compile(r"Exited \((\d+)\)")
_CHECK_RESULT: Final = re.compile(r"\((healthy|unhealthy|health: starting)\)")
_FRACTION: Final = re.compile(r"(\.\d{6})\d+")


@dataclass(frozen=True, slots=True)
class ListedContainer:
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
    stop_limit_s: float = STOP_LIMIT_S
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


def row(listed: Json) -> ListedContainer | None:
    """Return a container of the list; None if docker compose has not made it for a service."""
    labels = _part(listed, "Labels")
    service = _text(labels, f"{_COMPOSE_LABEL}service")
    if not service or _text(labels, f"{_COMPOSE_LABEL}oneoff").lower() == "true":
        return None
    folder = _text(labels, f"{_COMPOSE_LABEL}project.working_dir")
    files = _text(labels, f"{_COMPOSE_LABEL}project.config_files").split(",")
    status = _text(listed, "Status")
    return ListedContainer(
        container_id=_text(listed, "Id"),
        service=service,
        files=tuple(str(PurePosixPath("/", folder, file)) for file in files if file),
        state=_text(listed, "State"),
        health="".join(_CHECK_RESULT.findall(status)),
        image_id=_text(listed, "ImageID"),
        exit_code=int(next(iter(_EXITED.findall(status)), 127)),
    )


def container(inspected: Json) -> Container:
    """Return a container from the answer to ``GET /containers/ID/json``."""
    state, config = _part(inspected, "State"), _part(inspected, "Config")
    host = _part(inspected, "HostConfig")
    health, policy = _part(state, "Health"), _part(host, "RestartPolicy")
    return Container(
        container_id=_text(inspected, "Id"),
        name=_text(inspected, "Name").lstrip("/"),
        status=_text(state, "Status"),
        pid=_number(state, "Pid"),
        started_at=_text(state, "StartedAt"),
        finished_at=unix_time(_text(state, "FinishedAt")),
        exit_code=_number(state, "ExitCode"),
        was_killed_for_memory=bool(state.get("OOMKilled")),
        error=_text(state, "Error"),
        health=_text(health, "Status").replace("none", ""),
        health_words=_last_output(health),
        failing_streak=_number(health, "FailingStreak"),
        restart=_text(policy, "Name"),
        most_restarts=_number(policy, "MaximumRetryCount"),
        restarts=_number(inspected, "RestartCount"),
        memory_limit=_number(host, "Memory"),
        is_terminal=bool(config.get("Tty")),
        stop_limit_s=float(_number(config, "StopTimeout") or STOP_LIMIT_S),
    )


def _part(whole: Json, key: str) -> Json:
    return whole.get(key) or {}


def _text(whole: Json, key: str) -> str:
    return str(whole.get(key) or "")


def _number(whole: Json, key: str) -> int:
    return int(whole.get(key) or 0)


def _last_output(health: Json) -> str:
    """Return the last output of a HEALTHCHECK, in one line."""
    checks = health.get("Log") or [{}]
    return " ".join(_text(checks[-1], "Output").split())


def unix_time(text: str) -> float:
    """Return a time that Docker writes as Unix time [s]; 0 if it is none, or Docker's zero."""
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", text.replace("Z", "+00:00")))
        return max(0.0, moment.timestamp())
    except (ValueError, OverflowError):
        return 0.0
