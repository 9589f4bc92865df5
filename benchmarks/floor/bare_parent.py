"""The least supervisor: forks bare agents, and forks one again as soon as it has ended.

::

    python -m benchmarks.floor.bare_parent ROUTER REALM ROOT NAME...

ROUTER is a ``ws://`` URL or the path of a Unix socket. A name on a line of the standard input ends
that agent, which is then forked again; the end of the input ends all. So does an agent that ends by
itself, as without a router.
"""

import gc
import importlib
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import NoReturn


class BareParent:
    """The parent of some agents.

    Parameters
    ----------
    live : callable
        Lives the life of the agent of a name; called in the child.
    """

    def __init__(self, live: Callable[[str], object]) -> None:
        self._live = live
        self._poll = select.poll()
        self._names: dict[int, str] = {}
        """Names of agents, by pidfd."""
        self._pids: dict[str, int] = {}

    def fork(self, name: str) -> None:
        """Fork an agent."""
        pid = os.fork()
        if pid == 0:
            self._become(name)
        self._pids[name] = pid
        descriptor = os.pidfd_open(pid)
        self._names[descriptor] = name
        self._poll.register(descriptor, select.POLLIN)

    def _become(self, name: str) -> NoReturn:
        try:
            os.closerange(3, max(self._names, default=3) + 1)
            gc.enable()
            self._live(name)
        finally:
            os._exit(1)

    def serve(self) -> None:
        """Fork again whatever ends, until the input does."""
        self._poll.register(0, select.POLLIN)
        while True:
            for descriptor, _ in self._poll.poll():
                goes_on = self._replace(descriptor) if descriptor else self._obey()
                if not goes_on:
                    return

    def _obey(self) -> bool:
        """End the agents that are named; return whether there is more to come."""
        names = os.read(0, 2**16).decode().split()
        for name in names:
            os.kill(self._pids[name], signal.SIGTERM)
        return bool(names)

    def _replace(self, descriptor: int) -> bool:
        """Fork an agent again, unless it has ended by itself; return whether it has not."""
        name = self._names.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(self._pids.pop(name), 0)
        if not os.WIFSIGNALED(status):
            return False
        self.fork(name)
        return True

    def end(self) -> None:
        """End all agents, and wait for them."""
        for pid in self._pids.values():
            os.kill(pid, signal.SIGTERM)
        for pid in self._pids.values():
            os.waitpid(pid, 0)


def main(router: str, realm: str, root: str, names: list[str]) -> None:
    """Load the libraries, fork the agents and serve them."""
    # autobahn imports it where it is installed, and with it numpy, which nothing here needs.
    sys.modules.setdefault("autobahn.flatbuffers", None)  # type: ignore[arg-type]
    agent = importlib.import_module("benchmarks.floor.bare_agent")
    # What is loaded is never collected, and is not written to by the collector of any child.
    gc.collect()
    gc.disable()
    gc.freeze()
    parent = BareParent(lambda name: agent.live(router, realm, f"{root}.{name}"))
    for name in names:
        parent.fork(name)
    parent.serve()
    parent.end()


if __name__ == "__main__":
    main(*sys.argv[1:4], sys.argv[4:])
