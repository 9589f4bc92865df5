"""Be a fork server: ``python -m ocsd.forkserver``, which only the daemon starts.

The daemon starts it before it knows the site, so that both load their libraries
at the same time, and then writes lines to its standard input: the socket to listen on,
the file for its output, the number of agents to come and, if it will be asked for a program
of ocsd at once, that request. An end of the input without them means that it is not needed.
"""

import os
import select
import sys
from pathlib import Path

from ocsd.forkserver import record, server, streams
from ocsd.forkserver.place import Place
from ocsd.forkserver.protocol import SpawnRequest, decode
from ocsd.forkserver.warmth.loading import Loading
from ocsd.forkserver.warmth.spares import Spares


def main(loading: Loading, guess: SpawnRequest | None = None, agents_guess: int = 0) -> None:
    """Load the libraries, and serve from when the daemon has said where until all is over.

    A router that will probably be asked for, as the `guess`, is loaded at the same time. For
    many agents, their life is rehearsed while the daemon reads the site.
    """
    spares = Spares(loading)
    if guess is not None:
        spares.router.guess(guess)
    while loading.lacks(agents_guess) and not select.select([sys.stdin], [], [], 0)[0]:
        loading.step()
    path, log_path, agents, program = (sys.stdin.readline().rstrip("\n") for _ in range(4))
    if not log_path:
        spares.end()
        return
    # An upgrade may have replaced these files under a daemon that does not write the number yet.
    loading.expect(int(agents or 0))
    # Lets go of the daemon's pipe and terminal.
    streams.open_streams(log_path)
    # Fails if another fork server serves here, which leaves that one's record alone.
    place = Place(Path(path))
    # Before a daemon can ask for a process.
    processes = record.Record(record.beside(Path(path)))
    place.listen()
    spares.router.expect(decode(program.encode()) if program else None)
    server.ForkServer(place, processes, loading, spares).serve()
    # Another daemon may have started another fork server in the meantime.
    if place.is_ours:
        place.leave()
        processes.remove()
    # All is over: an orderly end of the interpreter would only take time.
    os._exit(0)


if __name__ == "__main__":
    main(Loading())
