"""Start a fork server: ``python -m ocsd.forkserver SOCKET``.

The socket is bound before the libraries are loaded, so that the daemon can
connect and hand in its requests at once.
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
    "numpy",
    "ocsd.site_config",
    "ocsd.ocs_agent",
    "ocsd.ocs_twisted",
    "twisted.internet.epollreactor",
    "twisted.internet.endpoints",
)


def main(path: str) -> None:
    """Serve on the Unix socket `path` until the daemon says that all is over."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if os.path.exists(path):
        os.unlink(path)
    listener.bind(path)
    os.chmod(path, 0o600)
    listener.listen(8)
    for name in PRELOADED:
        importlib.import_module(name)
    from ocsd.forkserver import child, server

    gc.collect()
    # Objects that are never collected are never touched by the collector, so
    # their pages stay shared between all children.
    gc.freeze()
    server.ForkServer(listener, child.become).serve()
    os.unlink(path)


if __name__ == "__main__":
    main(sys.argv[1])
