"""Runs crossbar with one set of imports for its two processes.

A node of crossbar is a controller, which starts a worker as another interpreter. Both import
the same thousand modules, which is nearly all the time that a start takes. This program imports
them once and forks before there is a reactor: the parent becomes the controller, and the child
waits until the controller starts the worker, which it then becomes.
"""

import fcntl
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, Final

WORKER: Final = "crossbar.worker.main"

_PRELOADED: Final = (
    "crossbar.node.main",
    "crossbar.personality",
    "crossbar.edge.worker.router",
    "autobahn.twisted.websocket",
    "setproctitle",
    "twisted.internet.epollreactor",
    "twisted.internet.process",
    "twisted.internet.stdio",
)
_REACTOR: Final = "twisted.internet.reactor"
_LONGEST_START_BYTES: Final = 2**18
_MOST_PLACES: Final = 8
_FIRST_FREE: Final = 16


class _LaterReactor(ModuleType):
    """Stands where a module imports the reactor before there is one, and passes on to it."""

    def __getattr__(self, name: str) -> Any:
        from twisted.internet import reactor

        return getattr(reactor, name)


def main() -> None:
    """Be crossbar, with the words of its command line."""
    preload()
    controller, worker = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    gc.freeze()
    pid = os.fork()
    if pid == 0:
        controller.close()
        _wait_and_be_worker(worker)
    worker.close()
    _take_for_worker(pid, controller)
    sys.argv[0] = "crossbar"
    sys.exit(importlib.import_module("crossbar").run())


def preload() -> None:
    """Import what both processes need, and make no reactor."""
    gc.disable()
    sys.modules[_REACTOR] = _LaterReactor(_REACTOR)
    for name in _PRELOADED:
        importlib.import_module(name)
    del sys.modules[_REACTOR]
    # Where `from twisted.internet import reactor` has put it.
    vars(sys.modules["twisted.internet"]).pop("reactor", None)
    gc.enable()


def _wait_and_be_worker(controller: socket.socket) -> None:
    """Wait for the start of the worker, and be it; end if the controller ends before."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the controller ends both
    content, descriptors, *_ = socket.recv_fds(controller, _LONGEST_START_BYTES, _MOST_PLACES)
    controller.close()
    if not content:
        os._exit(0)
    start = json.loads(content)
    # Out of the way of the places that they get.
    high = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE) for each in descriptors]
    for each, place in zip(high, start["places"], strict=True):
        os.dup2(each, place)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)  # type: ignore[union-attr] # as of "python -u"
    os.environ.clear()
    os.environ.update(start["environment"])
    sys.argv = [WORKER, *start["words"]]
    sys.modules.pop(WORKER)  # runpy warns of a module that is there already
    runpy.run_module(WORKER, run_name="__main__", alter_sys=True)
    sys.exit()


def _take_for_worker(pid: int, waiting: socket.socket) -> None:
    """Have Twisted take the waiting process in place of the first worker that it starts."""
    from twisted.internet.process import Process

    # Twisted has no public way to take a process over.
    usual: Any = Process._trySpawnInsteadOfFork  # noqa: SLF001

    def take(
        process: Process,
        path: str | None,
        uid: int | None,
        gid: int | None,
        executable: str,
        words: Sequence[str],
        environment: Mapping[str, str],
        more: Mapping[str, Any],
    ) -> bool:
        if WORKER not in words:
            return bool(usual(process, path, uid, gid, executable, words, environment, more))
        Process._trySpawnInsteadOfFork = usual  # type: ignore[method-assign] # noqa: SLF001
        places = more["fdmap"]
        own_words = words[words.index(WORKER) + 1 :]
        start = {"places": [*places], "words": own_words, "environment": dict(environment)}
        socket.send_fds(waiting, [json.dumps(start).encode()], [*places.values()])
        waiting.close()
        process.pid, process.status = pid, -1
        return True

    Process._trySpawnInsteadOfFork = take  # type: ignore[method-assign] # noqa: SLF001


if __name__ == "__main__":
    main()
