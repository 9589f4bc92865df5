"""The commands that run on this host for people on other hosts, and their output in pieces."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple, TypeGuard

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer

from ocsd.daemon.api.askers import Asker
from ocsd.daemon.children.orphans import Orphan
from ocsd.daemon.instances.ports import Timer
from ocsd.errors import NoSuchOperationError, OcsdError, UsageError
from ocsd.text.characters import FAR_TERMINAL

MOST_COMMANDS: Final = 16
"""Commands that run at once; each takes a tenth of a second of CPU and 30 MB."""
CALLER_LIMIT_S: Final = 30.0
"""Time after which a caller that has not come back is gone."""
PIECE_LIMIT_S: Final = 1.0
"""Time that an answer waits for output."""
COLLECT_S: Final = 0.05
"""Time in which output that has begun is collected for one answer."""
MOST_OUTPUT_BYTES: Final = 1 << 18
"""Output that waits for the caller; the command waits then."""
_LEAST_COLUMNS, _MOST_SIZE = 20, 1000
"""Width and height of the caller's terminal [characters]."""
_MOST_INPUT_BYTES: Final = 1 << 20
_BLOCK_BYTES: Final = 1 << 16


class FarScreen(NamedTuple):
    """The output of the caller of a command."""

    columns: int = 80
    lines: int | None = None
    """Its height; None if it is no terminal."""
    colour: bool = False

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "FarScreen":
        """Return that of a request; what is no good size is left out."""
        columns, lines = body.get("columns"), body.get("lines")
        return cls(
            columns if _is_size(columns, _LEAST_COLUMNS) else cls().columns,
            lines if _is_size(lines, 1) else None,
            body.get("colour") is True,
        )

    def environment(self) -> dict[str, str]:
        """Return the variables by which a command knows it."""
        return {
            "COLUMNS": str(self.columns),
            "LINES": str(self.lines or ""),
            "NO_COLOR": "" if self.colour else "1",
            "TERM": "xterm" if self.lines else "dumb",
            FAR_TERMINAL: "1" if self.lines else "",
        }


def _is_size(value: object, least: int) -> TypeGuard[int]:
    return isinstance(value, int) and least <= value <= _MOST_SIZE


@implementer(IReadDescriptor)
class _Output:
    """One of the output streams of a process."""

    def __init__(self, reactor: Any, descriptor: int, on_change: Callable[[], None]) -> None:
        os.set_blocking(descriptor, False)
        self._reactor = reactor
        self._descriptor = descriptor
        self._on_change = on_change
        self._bytes = b""
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self.is_open = True
        reactor.addReader(self)

    def __len__(self) -> int:
        return len(self._bytes)

    def take(self) -> str:
        """Return what has come since the last time; half a character at its end is kept."""
        taken, self._bytes = self._bytes, b""
        if self.is_open:
            self._reactor.addReader(self)
        return self._decoder.decode(taken, final=not self.is_open)

    def drain(self) -> None:
        """Read what is left of a process that has ended; its own children may hold the pipe."""
        while self.is_open and self._read():
            pass
        self.close()

    def close(self) -> None:
        """Read no more."""
        if self.is_open:
            self.is_open = False
            self._reactor.removeReader(self)
            os.close(self._descriptor)

    def doRead(self) -> None:
        """Read what is there."""
        self._read()
        self._on_change()

    def _read(self) -> bool:
        try:
            block = os.read(self._descriptor, _BLOCK_BYTES)
        except BlockingIOError:
            return False
        if not block:
            self.close()
            return False
        self._bytes += block
        if len(self._bytes) >= MOST_OUTPUT_BYTES:
            self._reactor.removeReader(self)
        return True

    def fileno(self) -> int:
        """Return the descriptor to watch."""
        return self._descriptor

    def connectionLost(self, reason: object) -> None:
        """Nothing to lose: a pipe has no connection."""

    def logPrefix(self) -> str:
        """Return the name under which the reactor logs."""
        return "run"


class CommandRun:
    """One command.

    Parameters
    ----------
    reactor : Any
        Gives the time, and watches descriptors.
    command : sequence of str
        Its words.
    environment : mapping of str to str
        Its environment.
    given : bytes
        Its standard input.
    asker : Asker
        The person for whom it runs.
    changes : bool
        Whether it changes anything: then it goes on without its caller.
    """

    def __init__(
        self,
        reactor: Any,
        command: Sequence[str],
        environment: Mapping[str, str],
        given: bytes,
        asker: Asker,
        changes: bool,
    ) -> None:
        with tempfile.TemporaryFile() as content:
            content.write(given)
            content.seek(0)
            self._process = subprocess.Popen(
                command,
                stdin=content,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                start_new_session=True,
            )
        self.asker = asker
        self.changes = changes
        self.exit_code: int | None = None
        self._reactor = reactor
        self._waiting: Deferred[None] | None = None
        self._timer: Timer | None = None
        self._collects = False
        out, err = (os.dup(stream.fileno()) for stream in self._streams())
        for stream in self._streams():
            stream.close()
        self._out = _Output(reactor, out, self._came)
        self._err = _Output(reactor, err, self._came)
        Orphan(reactor, self._process.pid, self._gone)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def wait(self) -> "Deferred[None]":
        """Return what fires when there is output, or the command has ended, or after a while."""
        self._fire()  # a caller that asks twice has lost the first answer
        waited: Deferred[None] = Deferred()
        self._waiting = waited
        self._collects = bool(self._out or self._err)
        limit_s = PIECE_LIMIT_S
        if self._collects:
            limit_s = COLLECT_S
        if self.exit_code is not None:
            limit_s = 0.0
        self._fire_after(limit_s)
        return waited

    def piece(self) -> dict[str, Any]:
        """Return the output since the last piece, and the exit code once all of it was taken."""
        return {"out": self._out.take(), "err": self._err.take(), "exit_code": self.exit_code}

    def end(self) -> None:
        """End the command, and all that it started."""
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ProcessLookupError):
                if self.exit_code is None:
                    os.killpg(self.pid, number)

    def _streams(self) -> tuple[Any, Any]:
        return self._process.stdout, self._process.stderr

    def _came(self) -> None:
        if self._waiting is not None and not self._collects:
            self._collects = True
            self._fire_after(COLLECT_S)

    def _gone(self) -> None:
        code = self._process.wait()
        self._out.drain()
        self._err.drain()
        # As a shell reports a process that a signal has ended.
        self.exit_code = code if code >= 0 else 128 - code
        if self._waiting is not None:
            self._fire_after(0.0)

    def _fire_after(self, delay_s: float) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._reactor.callLater(delay_s, self._fire)

    def _fire(self) -> None:
        waited, self._waiting = self._waiting, None
        if waited is not None:
            waited.callback(None)


@dataclass(eq=False)
class CommandRuns:
    """All commands that run for others."""

    reactor: Any
    host: str
    """The host whose daemon they ask."""
    _runs: dict[str, CommandRun] = field(default_factory=dict, init=False)
    _left: list[CommandRun] = field(default_factory=list, init=False)
    _limits: dict[str, Timer] = field(default_factory=dict, init=False)

    def asker(self, pid: int) -> Asker | None:
        """Return the person for whom a process runs, if it is one of these."""
        for run in (*self._runs.values(), *self._left):
            # The number of one that has ended may be another process's.
            if run.pid == pid and run.exit_code is None:
                return run.asker
        return None

    def begin(
        self,
        words: Sequence[str],
        asker: Asker,
        *,
        changes: bool,
        given: str = "",
        screen: FarScreen = FarScreen(),  # noqa: B008 - it is a value
    ) -> "Deferred[dict[str, Any]]":
        """Start ``ocsd WORDS`` on this host; fire with its first piece.

        Raises
        ------
        OcsdError
            If too many run already, or it cannot be started.
        """
        if len(self._runs) + len(self._left) >= MOST_COMMANDS:
            raise OcsdError(
                f"host {self.host!r} runs {MOST_COMMANDS} commands for other hosts already; try "
                "again when one of them has ended"
            )
        if len(given) > _MOST_INPUT_BYTES:
            raise UsageError(f"a command's input has at most {_MOST_INPUT_BYTES:,} bytes")
        # -P: a module in the working directory must not be taken for a library.
        command = [sys.executable, "-P", "-m", "ocsd", *words, "--host", self.host]
        own = {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
        environment = {**os.environ, **own, **screen.environment()}
        try:
            run = CommandRun(self.reactor, command, environment, given.encode(), asker, changes)
        except OSError as error:
            raise OcsdError(f"host {self.host!r} cannot start a command: {error}") from error
        number = secrets.token_hex(8)
        self._runs[number] = run
        return self._piece_of(number)

    def more(self, number: object, person: Asker) -> "Deferred[dict[str, Any]]":
        """Fire with the next piece of a run.

        Raises
        ------
        NoSuchOperationError
            If there is no such run, or it is somebody else's.
        """
        run = self._runs.get(str(number))
        if run is None or run.asker.person != person.person:
            raise NoSuchOperationError(
                f"host {self.host!r} runs no command {number!r} for you: its daemon was restarted, "
                f"or you have not asked for {CALLER_LIMIT_S:.0f} s; see what came of it with: ocsd "
                f"history {self.host}:"
            )
        return self._piece_of(str(number))

    def end_what_looks(self) -> None:
        """End all that change nothing: this daemon ends, and nobody gets their output."""
        for run in (*self._runs.values(), *self._left):
            if not run.changes:
                run.end()

    def _piece_of(self, number: str) -> "Deferred[dict[str, Any]]":
        run = self._runs[number]
        self._forget_limit(number)

        def piece(_: object) -> dict[str, Any]:
            told = {"run": number, **run.piece()}
            if told["exit_code"] is None:
                self._limits[number] = self.reactor.callLater(CALLER_LIMIT_S, self._abandon, number)
            else:
                del self._runs[number]
            return told

        return run.wait().addCallback(piece)

    def _abandon(self, number: str) -> None:
        """Nobody asks any more: what only looks ends, what changes something goes on."""
        run = self._runs.pop(number)
        self._limits.pop(number, None)
        # Until its end it asks the daemon in the name of its person.
        self._left.append(run)
        if not run.changes:
            run.end()
        self._pass_over(run)

    def _pass_over(self, run: CommandRun, _: object = None) -> None:
        """Throw away the output of a run without a caller, until it ends."""
        if run.piece()["exit_code"] is None:
            run.wait().addCallback(partial(self._pass_over, run))
        else:
            self._left.remove(run)

    def _forget_limit(self, number: str) -> None:
        timer = self._limits.pop(number, None)
        if timer is not None and timer.active():
            timer.cancel()
