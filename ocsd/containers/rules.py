"""Compares a container with what its keeper knows, and decides what follows.

Who restarts
------------
A container of which the compose file says ``restart: always``, ``unless-stopped`` or
``on-failure`` is restarted by Docker. ocsd then waits for Docker, reports each end and each start,
and starts the container itself only when Docker has given up, or was told to stop it. All others
are restarted by ocsd alone. So never do both start the same container: docker compose would
restart it twice, and the delays of one would defeat those of the other.
"""

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ocsd.containers.inspected import Container, unix_time
from ocsd.text.reason import shortened

Run = tuple[str, str]
"""The name of a run of a container: its id, and when it began."""

ENGINE_RESTARTS_WITHIN_S: Final = 10.0
"""Time after an end in which a container that Docker restarts is left to it [s]."""

_SIGNALLED: Final = 128
_MEBIBYTE: Final = 2**20


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run of a container is over."""

    code: int | None
    """Its exit code; None if that is not known."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A container runs, by whoever's order."""

    container: Container


Step = RunEnded | RunBegan


def steps(known: Run | None, seen: Container | None, died_with: int | None = None) -> list[Step]:
    """Return what has happened to a container since its keeper was told last.

    Parameters
    ----------
    known : Run, optional
        The run that the keeper knows; None if none.
    seen : Container, optional
        The container as it is now; None if there is none.
    died_with : int, optional
        The exit code of the known run, by Docker's events.
    """
    if seen is not None and seen.is_running:
        if seen.run == known:
            return []
        ended = RunEnded(died_with, "Docker has started it again since then")
        return [ended, RunBegan(seen)] if known else [RunBegan(seen)]
    if known is None:
        return []
    if seen is None or seen.container_id != known[0]:
        return [RunEnded(died_with, "its container was removed")]
    return [end_of(seen)]


def end_of(container: Container) -> RunEnded:
    """Return the end of a container that does not run, in words that say why."""
    code = container.exit_code
    parts: list[str] = []
    if container.was_killed_for_memory:
        limit = ""
        if container.memory_limit:
            limit = f" of {container.memory_limit / _MEBIBYTE:.0f}M"
        parts.append(
            f"it needed more memory than its limit{limit} (OOM); raise mem_limit in the compose "
            "file, or let it need less"
        )
    elif container.error:
        parts.append(f"Docker could not start it: {container.error}")
    elif name := _signal_name(code):
        parts.append(f"killed by {name}")
    if code and container.last_words and not container.was_killed_for_memory:
        parts.append(container.last_words)
    if container.error and not code:
        code = 1
    return RunEnded(code, shortened(": ".join(parts)))


def _signal_name(code: int) -> str:
    try:
        return signal.Signals(code - _SIGNALLED).name
    except ValueError:
        return ""


def is_left_to_engine(container: Container | None, now_at: float) -> bool:
    """Return whether Docker will start a container again itself, at `now_at` [s, Unix time]."""
    if container is None or container.restart not in {"always", "unless-stopped", "on-failure"}:
        return False
    if container.status == "restarting":
        return True
    if container.restart == "on-failure":
        is_exhausted = 0 < container.most_restarts <= container.restarts
        if container.exit_code == 0 or is_exhausted:
            return False
    return container.status == "exited" and (
        now_at - container.finished_at < ENGINE_RESTARTS_WITHIN_S
    )


def report(container: Container) -> Mapping[str, str]:
    """Return what a running container reports, in the assignments of sd_notify(3)."""
    if container.status == "paused":
        return _says(f"it is paused; docker unpause {container.name} lets it go on")
    words = shortened(container.health_words) or "it prints nothing"
    match container.health:
        case "starting":
            text = f"its HEALTHCHECK has not passed yet: {words}"
            return {"READY": "0", "WATCHDOG": "1", "STATUS": text, "X_CALL": ""}
        case "unhealthy":
            return _says(f"its HEALTHCHECK has failed {container.failing_streak} times: {words}")
        case _:
            return _says("")


def silence(trouble: str, is_up: bool) -> Mapping[str, str]:
    """Return what is reported of a container while Docker does not answer."""
    return {"READY": str(int(is_up)), "WATCHDOG": "1", "X_CALL": trouble}


def _says(status: str) -> Mapping[str, str]:
    return {"READY": "1", "WATCHDOG": "1", "STATUS": status, "X_CALL": ""}


def began_at(container: Container) -> float:
    """Return when the present run of a container began [s, Unix time]."""
    return unix_time(container.started_at)
