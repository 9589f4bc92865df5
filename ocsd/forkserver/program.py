"""Finding the code of an agent class and running it, in this process."""

import ast
import importlib.util
import inspect
import os
import runpy
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from importlib.machinery import SourceFileLoader
from types import FunctionType, ModuleType
from typing import Any

from ocsd import compat
from ocsd.agent.wellbeing import this_process
from ocsd.errors import PERMANENT_FAILURE_EXIT, ConfigurationError, OcsdError
from ocsd.site.plugins import AgentEntry, last_line
from ocsd.system.notify import Delivery, notify
from ocsd.text.reason import shortened

# An agent that ends has nothing better to do than to wait until it is heard.
LAST_WORDS_TRIES = 50
LAST_WORDS_PAUSE_S = 0.01


def run(find: Callable[[], AgentEntry], words: Sequence[str] = ()) -> int:
    """Load the code of an agent class, fresh, and run it to its end.

    Parameters
    ----------
    find : callable
        Returns where the code is.
    words : sequence of str
        For the agent's command line.

    Returns
    -------
    int
        The exit code; why it is not 0 has been told to the log and to the daemon.
    """
    compat.use()
    # An agent's subprocesses (multiprocessing) import the main module of their parent,
    # which is none of the agent's business.
    sys.modules["__main__"] = ModuleType("__main__")
    what = "the plug-ins"
    try:
        entry = find()
        what = entry.class_name
        this_process.set_code_file(file_of(entry))
        for warning in entry.warnings:
            print(f"ocsd: warning: {warning}", file=sys.stderr)  # noqa: T201 - the instance's log
        main = entry_point(entry, words)
    except KeyboardInterrupt:
        return 0  # asked to end before it has begun
    except OcsdError as error:
        return tell(str(error), PERMANENT_FAILURE_EXIT)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an import may raise anything
        traceback.print_exc()
        return tell(f"cannot import {what}: {last_line(error)}", PERMANENT_FAILURE_EXIT)
    return _call(main)


def file_of(entry: AgentEntry) -> str:
    """Return the file that holds the agent's code, also of code that cannot be imported.

    Parameters
    ----------
    entry : AgentEntry
        Where the code is. If its package cannot be imported, that package's file is
        returned; empty if nothing is found.
    """
    if entry.script is not None:
        return str(entry.script)
    name = entry.module or ""
    while name:
        try:
            spec = importlib.util.find_spec(name)
        except Exception:  # noqa: BLE001 - importing its package may raise anything
            spec = None
        if spec is not None and spec.origin:
            return spec.origin
        name = name.rpartition(".")[0]
    return ""


def entry_point(entry: AgentEntry, words: Sequence[str] = ()) -> Callable[[], object]:
    """Return the function that runs an agent; its module is loaded here.

    Parameters
    ----------
    entry : AgentEntry
        Where the code is.
    words : sequence of str
        For the agent's command line.

    Raises
    ------
    ConfigurationError
        If there is none: the daemon plays the part of this class.
    """
    if entry.script is None and entry.module is None:
        raise ConfigurationError(
            f"the daemon itself plays the part of {entry.class_name}; use `ocsd start`"
        )
    if entry.script is None:
        sys.argv = [entry.class_name, *words]
        main = getattr(importlib.import_module(str(entry.module)), entry.entry_point)
    else:
        script = str(entry.script)
        sys.argv = [script, *words]
        sys.path.insert(0, os.path.dirname(script))
        if not _defines_main(script):
            # Set-up under `if __name__ == '__main__':`, as the oldest agents have it.
            return lambda: runpy.run_path(script, run_name="__main__")
        main = _module(script, entry.class_name).main
    arguments = [None] * _required_arguments(main)
    return lambda: main(*arguments)


def _module(script: str, class_name: str) -> ModuleType:
    """Import a script, findable under its name: what it defines may be pickled."""
    stem = os.path.splitext(os.path.basename(script))[0]
    name = class_name if stem in sys.modules else stem
    spec = importlib.util.spec_from_file_location(name, script, loader=_FreshLoader(name, script))
    if spec is None or spec.loader is None:
        raise ImportError(f"{script} is no Python file: give it a name that ends with .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class _FreshLoader(SourceFileLoader):
    """Compiles a script anew each time.

    Python's cache of bytecode goes by the second and the length of a file: it would
    return the old code of a file that was saved twice within a second.
    """

    def path_stats(self, path: Any) -> Any:
        raise OSError("not cached")


def _required_arguments(function: Callable[..., object]) -> int:
    """Return how many positional arguments a function cannot do without."""
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        # What nearly all agents have; `inspect` takes 0.2 MB of private memory.
        return function.__code__.co_argcount - len(function.__defaults__ or ())
    parameters = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.default is each.empty and each.kind in kinds for each in parameters)


def _defines_main(script: str) -> bool:
    # As bytes, for a script may say which encoding it has.
    with open(script, "rb") as file:
        body = ast.parse(file.read(), script).body
    return any(isinstance(each, ast.FunctionDef) and each.name == "main" for each in body)


def _call(main: Callable[[], object]) -> int:
    try:
        main()
    except KeyboardInterrupt:
        return 0  # asked to end before its reactor ran
    except ConfigurationError as error:
        return tell(str(error), PERMANENT_FAILURE_EXIT)
    except SystemExit as ending:
        if isinstance(ending.code, str):
            return tell(ending.code, 1)
        return ending.code or 0
    except BaseException as error:  # noqa: BLE001 - the boundary to the agent's code
        traceback.print_exc()
        # A missing library or a slip of the pen stays until somebody mends it.
        permanent = isinstance(error, ImportError | SyntaxError)
        return tell(last_line(error), PERMANENT_FAILURE_EXIT if permanent else 1)
    return 0


def tell(failure: str, code: int) -> int:
    """Put a failure on record, in the log and with the daemon; return `code`."""
    print(f"ocsd: {failure}", file=sys.stderr)  # noqa: T201 - stderr is the instance's log
    told = shortened(failure)
    where = {"X_CODE": this_process.code_file()} if this_process.code_file() else {}
    for _ in range(LAST_WORDS_TRIES):
        if notify(STATUS=told, X_FAILURE=told, **where) is not Delivery.BUSY:
            break
        time.sleep(LAST_WORDS_PAUSE_S)
    return code
