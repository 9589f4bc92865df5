"""The site of a soak."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.one_host import OneHost, instance

HOST = "soak"
CRASHING = "crash-01"
HANGING = "hang-01"
RESTLESS = frozenset({CRASHING, HANGING})
"""Instances that end by themselves, so nobody wonders at their new processes."""


class Scene(OneHost):
    """One host with its agents.

    Parameters
    ----------
    folder : Path
        Gets everything; its path must be short, for sockets are in it.
    agents : int
        How many agents, with the one that crashes over and over and the one that
        hangs now and then.
    """

    def __init__(self, folder: Path, agents: int) -> None:
        super().__init__(folder, HOST, Path(__file__).with_name("soak_agent.py"), "SoakAgent")
        self.willing = [f"soak-{number:02d}" for number in range(1, max(2, agents // 8) + 1)]
        plain = agents - len(self.willing) - len(RESTLESS)
        self.fakes = [f"fake-{number:02d}" for number in range(1, plain + 1)]
        self.names = [*self.fakes, *self.willing]
        self.entries = {entry["instance-id"]: entry for entry in self._entries()}
        self.write()

    def fork_server(self) -> int | None:
        """Return the pid of the fork server; None if there is none."""
        found = []
        for each in self.processes():
            try:
                if "ocsd.forkserver" in " ".join(each.cmdline()):
                    found.append((each.create_time(), each.pid))
            except psutil.Error:
                continue
        return min(found)[1] if found else None

    def fork_server_listens(self) -> bool:
        """Whether a fork server takes requests, found out without disturbing it (proc_net(5))."""
        accepts = "00010000"
        for line in Path("/proc/net/unix").read_text().splitlines():
            fields = line.split()
            if fields[-1] == str(self.paths.forkserver_socket) and fields[3] == accepts:
                return True
        return False

    def _entries(self) -> Iterator[dict[str, Any]]:
        for number, name in enumerate(self.fakes):
            words = ["--mode", "acq", "--num-channels", 2, "--sample-rate", 1]
            entry = instance("FakeDataAgent", name, words)
            if number % 5 == 4:  # every fifth waits for the one before it
                entry["after"] = [self.fakes[number - 1]]
            yield entry
        for name in self.willing:
            yield instance("SoakAgent", name, [])
        yield instance("SoakAgent", CRASHING, ["--crash-after", 2])
        yield instance("SoakAgent", HANGING, ["--hang-after", 90])
