"""The messages of the daemon and its fork server: JSON, one on each line.

The daemon sends requests (`SpawnRequest`, `KillRequest`, `ForgetRequest`, `EndRequest`); the
fork server answers each connection with `Hello`, and reports `Spawned` and `Ended`.
An `Ended` is repeated in every `Hello` until it is forgotten on request, so no
exit code is lost while no daemon is connected. Both sides may be of different
releases: unknown fields are skipped, and new ones have defaults.
"""

import json
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeAlias, TypeVar

PROTOCOL_VERSION: Final = 1
LONGEST_REPORT_BYTES: Final = 1 << 22
FOR_THE_LEADER: Final = frozenset({signal.SIGQUIT})
"""Signals for the process alone: a request for stacks would kill the programs it has started."""


@dataclass(frozen=True, slots=True)
class SpawnRequest:
    """Start a process."""

    instance_id: str
    """The instance. If its process runs already, that one is reported as `Spawned` again: an
    earlier daemon may have asked for it.
    """
    log_path: str
    """File to which its stdout and stderr are appended."""
    working_dir: str
    """Its working directory."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables to set on top of the fork server's own."""
    command: tuple[str, ...] = ()
    """The command to execute; empty for an agent, which runs in the forked child itself."""
    launch: Mapping[str, Any] | None = None
    """The agent's `ocsd.site.launch.Launch`, as JSON."""
    nice: int = 0
    """Its niceness; 0 for that of the fork server."""
    open_files: int | None = None
    """The limit of its open files; None for that of the fork server."""
    user: str | None = None
    """The user who runs it; None for that of the fork server."""


@dataclass(frozen=True, slots=True)
class KillRequest:
    """Send a signal to the process group of an instance, if it still is process `pid`.

    Signals in `FOR_THE_LEADER` go to the process alone.
    """

    instance_id: str
    pid: int
    signal: int


@dataclass(frozen=True, slots=True)
class ForgetRequest:
    """Stop repeating that process `pid` ended: its end is on record."""

    pid: int


@dataclass(frozen=True, slots=True)
class EndRequest:
    """End as soon as no child is left."""


@dataclass(frozen=True, slots=True)
class Spawned:
    """The process of an instance runs."""

    instance_id: str
    """The instance."""
    pid: int
    """Its process id, which is its process group and session as well."""
    start_ticks: int
    """The time of its start in the kernel's clock ticks since boot: with the pid it names the
    process beyond doubt (proc(5), field 22 of stat).
    """
    log_inode: int = 0
    log_bytes: int = 0
    """Its log when it was started: the file, and the size that earlier processes had written to it.
    """
    waited_s: float = 0.0
    """Time from its start for which it waited to become that of the instance [s]."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A process ended, or could not be started (then `pid` is 0)."""

    instance_id: str
    pid: int
    """The instance and its process."""
    code: int | None
    signal: int | None
    """The exit code, or the signal that ended it; both None if unknown."""
    detail: str = ""
    """More about the end."""
    ended_at: float | None = None
    """The time of the end [s, Unix time]."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The greeting of a fork server on each connection."""

    pid: int
    version: int
    """Its process, and the protocol's version."""
    running: tuple[Spawned, ...]
    """Its children."""
    ended: tuple[Ended, ...]
    """Children that have ended, until they are forgotten."""
    orphans: tuple[Spawned, ...] = ()
    """Processes of fork servers that were killed, which run on. Their exit codes will stay unknown.
    """
    notice: str = ""
    """The fault of the record of these."""


Request: TypeAlias = SpawnRequest | KillRequest | ForgetRequest | EndRequest
Report: TypeAlias = Hello | Spawned | Ended
Message: TypeAlias = Request | Report

_Made = TypeVar("_Made")

_KINDS: Final[dict[str, type[Message]]] = {
    "Spawn": SpawnRequest,
    "Kill": KillRequest,
    "Forget": ForgetRequest,
    "End": EndRequest,
    "Spawned": Spawned,
    "Ended": Ended,
    "Hello": Hello,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}

_SENT_AS: Final = {"instance_id": "name"}
"""Fields that have another name on the wire, which older releases use."""

_FIELDS: Final[dict[type[Message], dict[str, str]]] = {
    kind: {each.name: _SENT_AS.get(each.name, each.name) for each in fields(kind)}
    for kind in _KINDS.values()
}
"""The names on the wire of the fields of each message."""


def encode(message: Message) -> bytes:
    """Return the line that carries `message`."""
    sent = [_NAMES[type(message)], message]
    # Not `dataclasses.asdict`, which copies all settings of an agent, one by one.
    return json.dumps(sent, default=_as_sent).encode() + b"\n"


def _as_sent(message: Message) -> dict[str, Any]:
    """Return the fields of a message under their names on the wire."""
    return {key: getattr(message, name) for name, key in _FIELDS[type(message)].items()}


def decode(line: bytes) -> Message:
    """Return the message of a line.

    Raises
    ------
    ValueError
        If the line holds no known message.
    """
    try:
        kind, sent = json.loads(line)
        if kind == "Hello":
            for key, part in (("running", Spawned), ("ended", Ended), ("orphans", Spawned)):
                sent[key] = tuple(_made(part, values) for values in sent.get(key, ()))
        if kind == "Spawn":
            sent["command"] = tuple(sent["command"])
        return _made(_KINDS[kind], sent)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"no message of the fork server's protocol: {line[:200]!r}") from error


def _made(kind: type[_Made], sent: Mapping[str, Any]) -> _Made:
    keys = _FIELDS[kind]  # type: ignore[index] # all are messages
    return kind(**{name: sent[key] for name, key in keys.items() if key in sent})


class LineBuffer:
    """Collects received bytes and gives out the messages that are complete."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """Add received bytes and yield every message that they complete.

        Raises
        ------
        ValueError
            If a line is not a message, or too long.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_REPORT_BYTES:
            raise ValueError("a line of the fork server's protocol does not end")
        for line in lines:
            yield decode(line)
