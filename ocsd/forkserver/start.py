"""Finds a running fork server, or starts one, before anything heavy is imported."""

import contextlib
import importlib
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from ocsd.errors import ForkServerError
from ocsd.forkserver.protocol import Hello, LineBuffer, SpawnRequest, encode
from ocsd.forkserver.warmth.loading import Loading
from ocsd.system.peer import peer_of
from ocsd.system.proc import why_silent
from ocsd.system.whereabouts import is_bound

HELLO_LIMIT_S = 5.0

# These belong to the daemon's own supervisor and must not reach its children.
_DAEMONS_OWN = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")

_WORDS: Final = [
    sys.executable,
    "-P",
    "-m",
    "ocsd.forkserver",
]  # -P: no module of the working folder
_SIGNALS: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}

REMADE_LIMIT_S = 5.0
"""A fork server whose socket was removed has made another one within this time."""


def running(path: Path, remade_limit_s: float = REMADE_LIMIT_S) -> frozenset[str] | None:
    """Return the instances that the fork server at `path` runs; None if there is none.

    Raises
    ------
    ForkServerError
        If there is one that does not answer.
    """
    _await_socket(path, remade_limit_s)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(HELLO_LIMIT_S)
        try:
            connection.connect(str(path))
            return _instances(connection)
        except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
            return None  # there is none, or it has just ended
        except OSError as error:
            pid = peer_of(connection).pid
            why = why_silent(pid) or f"has not answered ({error})"
            raise ForkServerError(
                f"the fork server at {path} (pid {pid}) does not answer, and its agents may be "
                f"alive, so no other one is started; it {why}"
            ) from error


def _await_socket(path: Path, limit_s: float) -> None:
    """Wait until a fork server whose socket was removed has made another one."""
    deadline_s = time.monotonic() + limit_s
    while not path.exists() and is_bound(path):
        if time.monotonic() > deadline_s:
            raise ForkServerError(
                f"a fork server listens at {path}, but that socket was removed; its "
                "agents may be alive, so no other one is started: it makes the socket again "
                "within seconds, unless it is stopped: ps -eo pid,stat,cmd | grep "
                "ocsd.forkserver shows state T then, and kill -CONT lets it go on"
            )
        time.sleep(0.02)


def _instances(connection: socket.socket) -> frozenset[str] | None:
    """Return the instances in the `Hello` of a fork server; None if it hangs up before."""
    received = LineBuffer()
    while data := connection.recv(1 << 16):
        for message in received.feed(data):
            if isinstance(message, Hello):
                processes = (*message.running, *message.orphans)
                return frozenset(process.instance_id for process in processes)
    return None


class ServerProcess(Protocol):
    """The process of a fork server, as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int:
        """Its pid."""
        ...

    @property
    def stdin(self) -> Any:
        """The pipe to its standard input."""
        ...

    def poll(self) -> int | None:
        """Return its exit code, or the negative number of a signal; None while it lives."""
        ...

    def kill(self) -> None:
        """Kill it."""
        ...

    def wait(self) -> int | None:
        """Wait for its end."""
        ...


def executed() -> ServerProcess:
    """Start a fork server in an interpreter of its own."""
    environment = {key: value for key, value in os.environ.items() if key not in _DAEMONS_OWN}
    return subprocess.Popen(_WORDS, stdin=subprocess.PIPE, env=environment, start_new_session=True)


def forked(guess: SpawnRequest | None = None, agents_guess: int = 0) -> ServerProcess:
    """Fork a fork server off this process, which must not have a thread, a reactor or a file yet.

    Daemon and fork server need the same libraries, which are loaded only once like this. The
    `guess` is a router that will probably be asked for, besides about so many agents.
    """
    loading = Loading()
    try:
        loading.make_ready(for_agents=False)
    except Exception:  # noqa: BLE001 - a library may raise anything
        return executed()  # which fails in the same way, and says so
    reading, writing = os.pipe()
    # No handler of the daemon's may run in the fork server.
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            _be_fork_server(loading, reading, guess, agents_guess)
    except OSError as error:
        os.close(writing)
        raise ForkServerError(
            f"cannot fork the fork server: {error.strerror}; look for what uses up processes or "
            "memory (ulimit -u, the unit's TasksMax and MemoryMax), then start again"
        ) from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        os.close(reading)
    return _ForkedServer(pid, open(writing, "wb"))


def _be_fork_server(
    loading: Loading, reading: int, guess: SpawnRequest | None, agents_guess: int
) -> NoReturn:
    """Be what `executed` starts, in a fork of the daemon."""
    try:
        os.setsid()
        os.dup2(reading, 0)
        # The daemon's lock among them.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as it lives
        sys.unraisablehook = sys.__unraisablehook__
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        for variable in _DAEMONS_OWN:
            os.environ.pop(variable, None)
        sys.argv[:], sys.orig_argv[:] = _WORDS[-1:], _WORDS
        # Not needed in the daemon.
        importlib.import_module("setproctitle").setproctitle(" ".join(_WORDS))
        importlib.import_module("ocsd.forkserver.__main__").main(loading, guess, agents_guess)
    except BaseException:  # noqa: BLE001 - the daemon's own code must not go on here
        traceback.print_exc()
    os._exit(1)


class _ForkedServer:
    """A fork server that is a fork of this process (`ServerProcess`)."""

    def __init__(self, pid: int, stdin: Any) -> None:
        self.pid = pid
        self.stdin = stdin
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, or the negative number of a signal; None while it lives."""
        return self._reaped(os.WNOHANG)

    def kill(self) -> None:
        """Kill it."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int | None:
        """Wait for its end."""
        return self._reaped(0)

    def _reaped(self, options: int) -> int | None:
        if self._code is None:
            try:
                ended, status = os.waitpid(self.pid, options)
            except ChildProcessError:
                # Who started the daemon ignores SIGCHLD, and so does the daemon: nobody knows.
                self._code = 0
                return self._code
            if ended:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code


class PreparedServer:
    """A fork server that loads its libraries, and then waits for the socket to listen on.

    It is started in a session of its own, because it will outlive this process.

    Parameters
    ----------
    start : callable
        Starts it: `executed`, or `forked` as long as this process has neither threads nor files.

    Attributes
    ----------
    discarded : bool
        Whether it was not needed.
    """

    def __init__(self, start: Callable[[], ServerProcess] = executed) -> None:
        self._process = start()
        self._log_hint = ""
        self._is_kept = False
        self.discarded = False

    def listen(
        self, path: Path, log_path: Path, agents: int = 0, program: SpawnRequest | None = None
    ) -> None:
        """Let the fork server serve at `path`, replacing any file there, and log to `log_path`.

        It will be asked for about that many `agents`, and soon for the `program`.
        """
        path.unlink(missing_ok=True)
        self._log_hint = f"; see {log_path} or what it printed above"
        lines = os.fsencode(f"{path}\n{log_path}\n{agents}\n")
        if program is not None:
            lines += encode(program)
        # If it has died already, `failure` reports it.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(lines)
            self._process.stdin.close()

    def keep(self) -> None:
        """Let it outlive this process."""
        self._is_kept = True

    def discard(self) -> None:
        """End the fork server if it is not kept, because it is not needed."""
        if not self._is_kept:
            self.discarded = True
            self._process.kill()
            self._process.wait()

    def exit_code(self, pid: int) -> int | None:
        """Return how a fork server ended that this process, maybe before an upgrade, has started.

        Returns
        -------
        int or None
            Its exit code, or the negative number of a signal; None if unknown (yet).
        """
        if pid == self._process.pid:
            return self._process.poll()
        with contextlib.suppress(ChildProcessError):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
        return None

    def failure(self) -> str:
        """Return why it ended, if it did before its first greeting; else nothing."""
        code = self._process.poll()
        if code is None:
            return ""
        how = f"exit code {code}"
        if code < 0:
            how = f"signal {-code}"
        return f"the fork server ended with {how} while it started{self._log_hint}"
