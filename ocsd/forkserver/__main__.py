"""Be a fork server: ``python -m ocsd.forkserver``, which only the daemon starts.

The daemon starts it before it knows the site, so that both load their libraries
at the same time, and then writes two lines to its standard input: the socket to
listen on, and the file for its output. An end of the input without them means
that it is not needed.
"""

import gc
import importlib
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import ocsd
from ocsd.forkserver.loaded import LoadedCode, package_folders

PRELOADED = (
    # Libraries of nearly every agent; none of these starts a thread, installs a
    # reactor or opens a descriptor (tests/system/supervision/test_forkserver.py).
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

THREAD_COUNTS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    """Load the libraries, then serve until the daemon ends everything."""
    trouble, loaded = load()
    path, log_path = (sys.stdin.readline().rstrip("\n") for _ in range(2))
    if not log_path:
        return
    from ocsd.forkserver import child, record, server
    from ocsd.forkserver.place import Place

    # Lets go of the daemon's pipe and terminal.
    child.open_streams(log_path)
    if trouble:
        print(f"rehearsal failed, agents take more memory:\n{trouble}", file=sys.stderr)  # noqa: T201 - our log
    # Fails if another fork server serves here, which leaves that one's record alone.
    place = Place(Path(path))
    # Before a daemon can ask for a process.
    processes = record.Record(record.beside(Path(path)))
    place.listen()
    server.ForkServer(place, processes, partial(child.become, loaded)).serve()
    # Another daemon may have started another fork server in the meantime.
    if place.is_ours:
        place.leave()
        processes.remove()
    # All is over: an orderly end of the interpreter would only take time.
    os._exit(0)


def load() -> tuple[str, LoadedCode]:
    """Load and warm up the code that agents need.

    Returns
    -------
    trouble : str
        The traceback of a failure to warm up; normally empty.
    loaded : LoadedCode
        The code that is loaded now.
    """
    with one_thread():
        for name in PRELOADED:
            importlib.import_module(name)
    from ocsd.forkserver import child, rehearsal  # noqa: F401 - child is loaded before the fork

    trouble = ""
    try:
        rehearsal.rehearse()
    except Exception:  # noqa: BLE001 - a saving must never cost an agent
        trouble = traceback.format_exc()
    own = os.path.dirname(ocsd.__file__)
    loaded = LoadedCode(list(sys.modules.values()), own, package_folders())
    _forget_missing_folders()
    gc.collect()
    # Objects that are never collected are never touched by the collector, so
    # their pages stay shared between all children.
    gc.freeze()
    return trouble, loaded


def _forget_missing_folders() -> None:
    """Let agents search again for folders of the search path that are missing now.

    Folders that are there are listed again when they change. `importlib.invalidate_caches`
    has all of them listed again at once, in the private memory of each agent.
    """
    missing = [path for path, finder in sys.path_importer_cache.items() if finder is None]
    for path in missing:
        del sys.path_importer_cache[path]


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep numpy's linear algebra from starting threads, here and nowhere else.

    A thread that exists when the fork server forks is missing in the child, which
    may wait for it for ever. Programs that are executed later get the environment as it was.
    """
    before = {name: os.environ.get(name) for name in THREAD_COUNTS}
    os.environ.update(dict.fromkeys(THREAD_COUNTS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


if __name__ == "__main__":
    main()
