"""What the daemon and its fork server say to each other: JSON, a line each.

The daemon sends requests (`SpawnRequest`, `KillRequest`, `ForgetRequest`, `EndRequest`); the
fork server answers with `Hello` when somebody connects, and reports `Spawned` and `Ended`.
An `Ended` is repeated in every `Hello` until it is forgotten on request, so no
exit code is lost while no daemon is connected. Both sides may be of different
releases: fields that are not known are skipped, and new ones have defaults.
"""

import json
import signal
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, TypeAlias, TypeVar

PROTOCOL_VERSION: Final = 1
LONGEST_REPORT_BYTES: Final = 1 << 22
FOR_THE_LEADER: Final = frozenset({signal.SIGQUIT})
"""Signals for the process itself: what it has started would die of a request for stacks."""


@dataclass(frozen=True, slots=True)
class SpawnRequest:
    """Start a process.

    Attributes
    ----------
    instance_id : str
        Its instance-id. If a process of that name runs already, that one is
        reported as `Spawned` again: it may be what an earlier daemon asked for.
    log_path : str
        File to which its stdout and stderr are appended.
    working_dir : str
        Its working directory.
    environment : mapping of str to str
        Variables to set on top of the fork server's own.
    command : tuple of str
        What to execute; empty for an agent, which runs in the forked child itself.
    launch : mapping or None
        The agent's `ocsd.site.launch.Launch`, as JSON.
    nice : int
        Its niceness; 0 leaves it that of the fork server.
    open_files : int or None
        How many files it may have open at most; None leaves that as it is.
    user : str or None
        Who runs it; None for whoever runs the fork server.
    """

    instance_id: str
    log_path: str
    working_dir: str
    environment: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    launch: Mapping[str, Any] | None = None
    nice: int = 0
    open_files: int | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class KillRequest:
    """Send a signal to the process group of a name, if it still is process `pid`.

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
    """A process of that name runs.

    Attributes
    ----------
    instance_id : str
        Its instance-id.
    pid : int
        Its process id, which is its process group and session as well.
    start_ticks : int
        When it was started, in the kernel's clock ticks since boot: with the
        pid it names the process beyond doubt (proc(5), field 22 of stat).
    log_inode, log_bytes : int
        Its log when it was started: which file, and how much earlier processes had
        written to it.
    """

    instance_id: str
    pid: int
    start_ticks: int
    log_inode: int = 0
    log_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """A process ended, or could not be started (then `pid` is 0).

    Attributes
    ----------
    instance_id, pid
        Which.
    code, signal : int or None
        How; both None if nobody knows.
    detail : str
        More about it.
    ended_at : float or None
        When [s, Unix time].
    """

    instance_id: str
    pid: int
    code: int | None
    signal: int | None
    detail: str = ""
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Hello:
    """What a fork server tells whoever connects.

    Attributes
    ----------
    pid, version : int
        Its process, and the protocol's version.
    running : tuple of Spawned
        Its children.
    ended : tuple of Ended
        Children that have ended, until they are forgotten.
    orphans : tuple of Spawned
        Processes of fork servers that were killed, which run on. Nobody will tell
        how they end.
    notice : str
        What is wrong with the record of those.
    """

    pid: int
    version: int
    running: tuple[Spawned, ...]
    ended: tuple[Ended, ...]
    orphans: tuple[Spawned, ...] = ()
    notice: str = ""


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
"""The fields whose name on the wire, which older releases know, is another one."""


def encode(message: Message) -> bytes:
    """Return the line that carries `message`."""
    fields_sent = asdict(message, dict_factory=_as_sent)
    return json.dumps([_NAMES[type(message)], fields_sent]).encode() + b"\n"


def _as_sent(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of a message under their names on the wire."""
    return {_SENT_AS.get(key, key): value for key, value in pairs}


def decode(line: bytes) -> Message:
    """Return the message of a line.

    Raises
    ------
    ValueError
        If the line holds no known message.
    """
    try:
        kind, told = json.loads(line)
        if kind == "Hello":
            for key, of_what in (("running", Spawned), ("ended", Ended), ("orphans", Spawned)):
                told[key] = tuple(_made(of_what, each) for each in told.get(key, ()))
        if kind == "Spawn":
            told["command"] = tuple(told["command"])
        return _made(_KINDS[kind], told)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"no message of the fork server's protocol: {line[:200]!r}") from error


def _made(kind: type[_Made], told: Mapping[str, Any]) -> _Made:
    names = (each.name for each in fields(kind))  # type: ignore[arg-type]  # all are dataclasses
    sent = {name: _SENT_AS.get(name, name) for name in names}
    return kind(**{name: told[key] for name, key in sent.items() if key in told})


class LineBuffer:
    """Collects received bytes and gives out the messages that are complete."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """Add received bytes and yield every message that they complete.

        Raises
        ------
        ValueError
            If a line is no message or grows beyond all limits.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_REPORT_BYTES:
            raise ValueError("a line of the fork server's protocol does not end")
        for line in lines:
            yield decode(line)
