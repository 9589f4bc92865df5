"""Be a fork server: ``python -m ocsd.forkserver``, which only the daemon starts.

The daemon starts it before it knows the site, so that both load their libraries
at the same time, and then writes two lines to its standard input: the socket on
which to listen and the file for what it prints. An end of the input without
them means that it is not needed.
"""

import gc
import importlib
import os
import socket
import sys

PRELOADED = (
    # What nearly every agent needs; none of these starts a thread, installs a
    # reactor or opens a descriptor (tests/system/test_forkserver.py).
    "argparse",
    "encodings.idna",
    "numpy",
    "numpy.random",
    "numpy.typing",
    "ocsd.site_config",
    "ocsd.ocs_agent",
    "ocsd.ocs_twisted",
    "twisted.internet.epollreactor",
    "twisted.internet.endpoints",
)


def main() -> None:
    """Load the libraries, then serve until the daemon says that all is over."""
    for name in PRELOADED:
        importlib.import_module(name)
    from ocsd.forkserver import child, server

    gc.collect()
    # Objects that are never collected are never touched by the collector, so
    # their pages stay shared between all children.
    gc.freeze()
    path, log_path = (sys.stdin.readline().rstrip("\n") for _ in range(2))
    if not log_path:
        return
    _redirect(log_path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    os.chmod(path, 0o600)
    listener.listen(8)
    server.ForkServer(listener, child.become).serve()
    os.unlink(path)
    # All is over: an orderly end of the interpreter would only take time.
    os._exit(0)


def _redirect(log_path: str) -> None:
    """Let go of the daemon's pipe and terminal."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(nothing)
    os.close(log)


if __name__ == "__main__":
    main()
