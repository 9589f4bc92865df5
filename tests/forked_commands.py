"""Runs `python -m ocsd …` in a process forked from one that has loaded the command line already.

Each command is a process of its own, with its own arguments, environment, folder, standard
streams and exit code; only the start of the interpreter and its imports, most of what a command
costs, are shared. What is special to the interpreter runs in a new one: other settings of
it (``PYTHON…``, locale, preloaded libraries), and in tests/unit/cli/test_cheap_commands.py what
a command loads.
"""

import contextlib
import functools
import importlib
import io
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import forked_daemons, forked_inside

REPOSITORY = Path(__file__).resolve().parents[1]
OF_INTERPRETER = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "COVERAGE_")
REQUEST_BYTES = 1 << 17


def run(
    words: tuple[str, ...],
    environment: Mapping[str, str],
    folder: Path,
    limit_s: float,
    forks_daemons: bool = False,
    inside: int | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end, as `subprocess.run` does; return what it said, as text.

    With `forks_daemons`, the daemon that it starts is forked too (`forked_daemons`). The
    environment has to be usual if the command is to run `inside` the namespaces of a process.

    Raises
    ------
    subprocess.TimeoutExpired
        If it runs for longer than `limit_s` [s]; it is killed.
    """
    command = [sys.executable, "-m", "ocsd", *words]
    settings = _settings(environment)
    if is_usual(environment):
        has_daemons = forks_daemons and forked_daemons.is_begun_by(words)
        server = _server(os.getpid(), settings, has_daemons)
        return server.run(command, environment, folder, limit_s, inside)
    assert inside is None
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=limit_s
    )


def _settings(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return what an interpreter reads of an environment before it runs any code."""
    chosen = (pair for pair in environment.items() if pair[0].startswith(OF_INTERPRETER))
    return tuple(sorted(chosen))


_USUAL = dict(_settings(os.environ))


def is_usual(environment: Mapping[str, str]) -> bool:
    """Whether a command with this environment is forked: many tests have the same settings."""
    given = dict(_settings(environment))
    path = set(given.pop("PYTHONPATH", "").split(":")) - {"", str(REPOSITORY)}
    given.pop("PYTHONUTF8", None)
    usual = {key: word for key, word in _USUAL.items() if key not in {"PYTHONPATH", "PYTHONUTF8"}}
    return given == usual and path <= set(_USUAL.get("PYTHONPATH", "").split(":"))


def server_of_daemons(environment: Mapping[str, str]) -> "_Server | None":
    """Return the process that forks daemons and scripts; None if the environment is special."""
    if not is_usual(environment):
        return None
    return _server(os.getpid(), _settings(environment), True)


@functools.cache
def _server(_pid: int, settings: tuple[tuple[str, str], ...], has_daemons: bool) -> "_Server":
    return _Server(settings, has_daemons)


class _Server:
    """The near end of a process that forks commands; it ends with this one."""

    def __init__(self, settings: tuple[tuple[str, str], ...], has_daemons: bool) -> None:
        self._socket, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * REQUEST_BYTES)
        plain = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        # A process of ours shows its title in the place of its first environment.
        plain["ROOM_FOR_TITLES"] = " " * 1000
        how = forked_daemons.HOW if has_daemons else ("-m", "tests.forked_commands")
        with far:
            self._process = subprocess.Popen(
                [sys.executable, *how, str(far.fileno())],
                env={**plain, **dict(settings)},
                cwd=REPOSITORY,
                pass_fds=[far.fileno()],
            )

    def run(
        self,
        command: list[str],
        environment: Mapping[str, str],
        folder: Path,
        limit_s: float,
        inside: int | None,
    ) -> "subprocess.CompletedProcess[str]":
        deadline_s = time.monotonic() + limit_s
        ours, theirs = zip(*(os.pipe() for _ in range(3)), strict=True)
        request = [command[3:], dict(environment), str(folder), inside]
        self._ask(request, [0, *theirs], theirs)
        pid, _, ended = os.read(ours[2], 64).decode().partition(" ")
        said = _read_all(ours, deadline_s)
        if said is None:
            os.kill(int(pid), signal.SIGKILL)
            raise subprocess.TimeoutExpired(command, limit_s)
        out, err, status = said
        code = os.waitstatus_to_exitcode(int(ended + status.decode()))
        return subprocess.CompletedProcess(command, code, _text(out), _text(err))

    def start(
        self,
        words: list[str],
        environment: Mapping[str, str],
        folder: Path,
        streams: list[int],
    ) -> tuple[int, int]:
        """Start a script; return its process id, and a pipe in which its end is told."""
        told, theirs = os.pipe()
        self._ask([words, dict(environment), str(folder), None], [*streams, theirs], (theirs,))
        pid = b""
        while not pid.endswith(b" "):
            pid += os.read(told, 1)
        return int(pid), told

    def _ask(self, request: list[Any], descriptors: list[int], ours: tuple[int, ...]) -> None:
        """Ask for a fork with these descriptors; close those that are for it alone."""
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
        finally:
            for each in ours:
                os.close(each)


def _read_all(pipes: tuple[int, ...], deadline_s: float) -> list[bytes] | None:
    """Read pipes to their ends and close them; None if that takes too long."""
    said = {pipe: bytearray() for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline_s - time.monotonic()))
            if not ready and time.monotonic() >= deadline_s:
                break
            for key, _ in ready:
                block = os.read(key.fd, 1 << 16)
                said[key.fd] += block
                if not block:
                    selector.unregister(key.fd)
        is_whole = not selector.get_map()
    for pipe in pipes:
        os.close(pipe)
    return [bytes(each) for each in said.values()] if is_whole else None


def _text(data: bytes) -> str:
    with io.TextIOWrapper(io.BytesIO(data)) as file:
        return file.read()


def serve(descriptor: int) -> None:
    """Fork a command for each request; return in the process of a command, ready to run it."""
    requests = socket.socket(fileno=descriptor)
    requests.set_inheritable(False)
    running: dict[int, tuple[int, int]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd == descriptor:
                    data, received, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 4)
                    if not data:
                        os._exit(0)
                    pid = os.fork()
                    if pid == 0:
                        _become(json.loads(data), received)
                        os.close(descriptor)
                        return
                    for each in received[:3]:
                        os.close(each)
                    os.set_inheritable(received[3], False)
                    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
                        os.write(received[3], f"{pid} ".encode())
                    watched = os.pidfd_open(pid)
                    running[watched] = (pid, received[3])
                    selector.register(watched, selectors.EVENT_READ)
                else:
                    pid, answer = running.pop(key.fd)
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    end = str(os.waitpid(pid, 0)[1]).encode()
                    with contextlib.suppress(BrokenPipeError):
                        os.write(answer, end)
                    os.close(answer)


def _become(request: list[Any], received: list[int]) -> None:
    """Take over everything that a new process is given."""
    words, environment, folder, inside = request
    if inside is not None:
        forked_inside.enter(inside)
    for number, each in enumerate(received[:3]):
        os.dup2(each, number)
    for each in received:
        os.close(each)
    renew_streams()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.path[0] = folder
    sys.argv[1:] = words


def renew_streams() -> None:
    """Make text files for the standard streams, as an interpreter does when it starts.

    Those of the server remember what it had there, files that have a position.
    """
    _earlier_streams.extend([sys.stdin, sys.stdout, sys.stderr])  # deleted, they would close
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        earlier = getattr(sys, name)
        made = open(  # noqa: SIM115 # open to the end of the process
            earlier.fileno(), mode, encoding=earlier.encoding, errors=earlier.errors, closefd=False
        )
        made.reconfigure(line_buffering=made.isatty() or name == "stderr")
        setattr(sys, name, made)
        setattr(sys, f"__{name}__", made)


_earlier_streams: list[Any] = []


def main(daemons: bool) -> None:
    """Be the process that forks, and in its forks the commands."""
    load(daemons)
    serve(int(sys.argv[1]))
    code = 1
    try:
        code = forked_daemons.run_words(sys.argv[1:])
    finally:
        forked_daemons.end(code)


def load(daemons: bool) -> None:
    """Load the command line and all of its commands, but nothing that has threads."""
    from ocsd.system.garbage import loaded
    from ocsd.system.late import load_late

    with loaded():
        if daemons:
            forked_daemons.load()
        load_late()
        import ocsd.cli

        for module in pkgutil.walk_packages(ocsd.cli.__path__, "ocsd.cli."):
            if not module.name.startswith(("ocsd.cli.top", "ocsd.cli.scaffold.")):
                importlib.import_module(module.name)
        for name in ("ocsd.site.load", "ocsd.client.http"):
            importlib.import_module(name)


if __name__ == "__main__":
    main(daemons=False)
