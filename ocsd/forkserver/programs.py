"""Runs a program of ocsd in a fork, on the libraries that the fork server has loaded.

``python -P -m ocsd.MODULE`` would load most of them again, which is nearly all that the start of
a router takes.
"""

import atexit
import importlib
import os
import runpy
import sys
import traceback
from types import ModuleType
from typing import Final

import setproctitle

from ocsd.forkserver import limits
from ocsd.forkserver.protocol import SpawnRequest

_SEARCH_PATH: Final = "PYTHONPATH"


def can_be_forked(request: SpawnRequest) -> bool:
    """Whether a request's command is a module of ocsd, for this Python."""
    python, module = request.command[:3], "".join(request.command[3:4])
    variables = request.environment.keys() - {_SEARCH_PATH}
    return (
        python == (sys.executable, "-P", "-m")
        and module.startswith("ocsd.")
        and not limits.are_read_at_start(variables)
    )


def load(request: SpawnRequest) -> None:
    """Load such a program and what its function ``preload`` loads, if it has one."""
    os.environ.update(request.environment)
    _search_in_its_folders(request)
    module = importlib.import_module(request.command[3])
    getattr(module, "preload", lambda: None)()


def _search_in_its_folders(request: SpawnRequest) -> None:
    folders = request.environment.get(_SEARCH_PATH, "").split(os.pathsep)
    sys.path[:0] = [folder for folder in folders if folder and folder not in sys.path]


def run(request: SpawnRequest) -> int:
    """Run such a program to its end, as Python would; return its exit code."""
    module, *words = request.command[3:]
    sys.modules.pop(module, None)  # runpy warns of a module that is there already
    setproctitle.setproctitle(f"ocsd: {request.instance_id}")
    # Of the fork server's own libraries, none has anything to tidy up here.
    atexit._clear()  # noqa: SLF001 - as multiprocessing does it
    _search_in_its_folders(request)
    sys.modules["__main__"] = ModuleType("__main__")
    sys.argv = [module, *words]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ending:
        return _code(ending)
    except BaseException:  # noqa: BLE001 - the program's own fault, whatever it is
        traceback.print_exc()
        return 1
    finally:
        atexit._run_exitfuncs()  # noqa: SLF001 - as multiprocessing does it
    return 0


def _code(ending: SystemExit) -> int:
    if ending.code is None or isinstance(ending.code, int):
        return ending.code or 0
    print(ending.code, file=sys.stderr)  # noqa: T201 - the instance's log, as Python does it
    return 1
