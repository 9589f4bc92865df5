"""Finds the code of an agent class and runs it, in this process."""

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
from ocsd.log.stream import NOTE
from ocsd.site.plugins import AgentEntry, last_line
from ocsd.system.notify import Delivery, notify
from ocsd.text.reason import shortened

# An agent that ends can wait until its supervisor reads its last message.
LAST_WORDS_TRIES = 50
LAST_WORDS_PAUSE_S = 0.01

_interrupted = False


def run(
    find: Callable[[], AgentEntry],
    words: Sequence[str] = (),
    *,
    endless: bool = False,
    anew: Callable[[str], None] = lambda _: None,
) -> int:
    """Load the code of an agent class, fresh, and run it to its end.

    Parameters
    ----------
    find : callable
        Returns the place of the code.
    words : sequence of str
        The words of the agent's command line.
    endless : bool
        Whether the agent has to run until it is stopped: it has failed for good if it never ran.
    anew : callable
        Called with the reason before code that was not found is reported as missing. It may
        replace this process by a new interpreter, which sees the packages that are installed now.

    Returns
    -------
    int
        The exit code; if it is not 0, log and daemon have got the reason.
    """
    compat.use()
    # An agent's subprocesses (multiprocessing) import the main module of their parent:
    # it must not be the fork server's.
    sys.modules["__main__"] = ModuleType("__main__")
    subject = "the plug-ins"
    try:
        entry = find()
        subject = entry.class_name
        this_process.set_code_file(file_of(entry))
        for warning in entry.warnings:
            print(f"{NOTE}{warning}", file=sys.stderr)  # noqa: T201 - the instance's log
        main = entry_point(entry, words)
    except KeyboardInterrupt:
        return 0  # asked to end before it has begun
    except OcsdError as error:
        anew(str(error))
        return report_failure(str(error), PERMANENT_FAILURE_EXIT)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an import may raise anything
        if isinstance(error, ImportError):
            anew(last_line(error))
        traceback.print_exc()
        failure = f"cannot import {subject}: {last_line(error)}"
        return report_failure(failure, PERMANENT_FAILURE_EXIT)
    code = _call(main, anew)
    if endless and code == 0 and not _has_run():
        return report_failure(never_ran(entry), PERMANENT_FAILURE_EXIT)
    return code


def _has_run() -> bool:
    """Whether Twisted's reactor ran in this process, or was asked to end before it did."""
    reactor = sys.modules.get("twisted.internet.reactor")
    return bool(getattr(reactor, "_startedBefore", False)) or _interrupted


def never_ran(entry: AgentEntry) -> str:
    """Return the reason why an agent's code ended without an agent, and the remedy."""
    remedy = "; for a program that ends by itself, add `restart: on-failure` to its entry"
    if entry.script is None:
        return (
            f"NoRun: {entry.entry_point}() of {entry.module} returned without "
            f"runner.run(agent){remedy}"
        )
    script = str(entry.script)
    if _defines_main(script):
        return f"NoRun: main() of {script} returned without runner.run(agent){remedy}"
    if _has_code_under_main(script):
        return f"NoRun: the code under __main__ of {script} ended without runner.run(agent){remedy}"
    return f"NoMain: {script} defines no main() and has no code under __main__{remedy}"


def file_of(entry: AgentEntry) -> str:
    """Return the file that holds the agent's code, also of code that cannot be imported.

    If its package cannot be imported, that package's file is returned; empty if there is none.
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
    """Import a script under its name, so that its objects can be pickled."""
    name = os.path.splitext(os.path.basename(script))[0]
    if name in sys.modules:
        name = class_name
    spec = importlib.util.spec_from_file_location(name, script, loader=_FreshLoader(name, script))
    if spec is None or spec.loader is None:
        raise ImportError(f"{script} is no Python file: give it a name that ends with .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class _FreshLoader(SourceFileLoader):
    """Compiles a script each time.

    Python's cache of bytecode goes by the second and the length of a file: it would
    return the old code of a file that was saved twice within a second.
    """

    def path_stats(self, path: Any) -> Any:
        raise OSError("not cached")


def _required_arguments(function: Callable[..., object]) -> int:
    """Return the number of positional arguments that a function requires."""
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        # The case of nearly all agents; `inspect` takes 0.2 MB of private memory.
        return function.__code__.co_argcount - len(function.__defaults__ or ())
    parameters = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(value.default is value.empty and value.kind in kinds for value in parameters)


def _defines_main(script: str) -> bool:
    body = _statements(script)
    return any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in body)


def _has_code_under_main(script: str) -> bool:
    tests = (node.test for node in _statements(script) if isinstance(node, ast.If))
    return any("__main__" in ast.unparse(test) for test in tests)


def _statements(script: str) -> list[ast.stmt]:
    # As bytes, because a script may declare its encoding.
    with open(script, "rb") as file:
        return ast.parse(file.read(), script).body


def _call(main: Callable[[], object], anew: Callable[[str], None]) -> int:
    global _interrupted
    try:
        main()
    except KeyboardInterrupt:
        _interrupted = True
        return 0  # asked to end before its reactor ran
    except ConfigurationError as error:
        return report_failure(str(error), PERMANENT_FAILURE_EXIT)
    except SystemExit as ending:
        if isinstance(ending.code, str):
            return report_failure(ending.code, 1)
        return ending.code or 0
    except BaseException as error:  # noqa: BLE001 - the boundary to the agent's code
        if isinstance(error, ModuleNotFoundError) and not _has_run():
            anew(last_line(error))
        traceback.print_exc()
        # A missing library or a syntax error stays until a person mends it.
        if isinstance(error, ImportError | SyntaxError):
            return report_failure(last_line(error), PERMANENT_FAILURE_EXIT)
        return report_failure(last_line(error), 1)
    return 0


def report_failure(failure: str, code: int) -> int:
    """Report a failure to the log and to the daemon; return `code`."""
    print(f"ocsd: {failure}", file=sys.stderr)  # noqa: T201 - stderr is the instance's log
    reason = shortened(failure)
    fields = {"STATUS": reason, "X_FAILURE": reason}
    if this_process.code_file():
        fields["X_CODE"] = this_process.code_file()
    for _ in range(LAST_WORDS_TRIES):
        if notify(**fields) is not Delivery.BUSY:
            break
        time.sleep(LAST_WORDS_PAUSE_S)
    return code
