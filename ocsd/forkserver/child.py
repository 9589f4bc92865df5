"""What a freshly forked child does until the agent's own code runs."""

import ast
import contextlib
import faulthandler
import importlib
import inspect
import os
import random
import runpy
import signal
import sys
import time
import traceback
from collections.abc import Callable
from types import FunctionType
from typing import NoReturn

import setproctitle

import ocsd
from ocsd.errors import PERMANENT_FAILURE_EXIT, ConfigurationError, OcsdError
from ocsd.forkserver.loaded import LoadedCode
from ocsd.forkserver.protocol import Spawn, decode, encode
from ocsd.notify import Delivery, notify
from ocsd.site import launch, plugins

COLD_START = "OCSD_COLD_START"
"""Variable that hands the request of a class that is unsafe to fork to a new interpreter."""

# An agent that ends has nothing better to do than to wait until it is heard.
LAST_WORDS_TRIES = 50
LAST_WORDS_PAUSE_S = 0.01


def become(request: Spawn) -> NoReturn:
    """Turn this forked child into the process that `request` asks for.

    Parameters
    ----------
    request : Spawn
        A command is executed; an agent runs right here, on the libraries that
        the fork server has loaded.
    """
    code = 1
    try:
        _stand_alone(request)
        if request.command:
            os.execvpe(request.command[0], request.command, os.environ)
        code = _run_agent(request)
    except OSError as error:
        code = _tell(f"cannot start {request.name!r}: {error}", PERMANENT_FAILURE_EXIT)
    finally:
        # Neither atexit functions nor destructors of what the fork server loaded
        # may run here, and an agent's forgotten thread must not hold up its end.
        _flush()
        os._exit(code)


def _stand_alone(request: Spawn) -> None:
    """Cut every tie to the fork server but the loaded libraries."""
    os.setsid()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    os.environ.update(request.environment)
    _open_streams(request.log_path)
    os.chdir(request.working_dir)
    # Forked siblings would otherwise draw the same "random" numbers.
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


def _open_streams(log_path: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(nothing)
    os.close(log)


def become_anew() -> NoReturn:
    """Run the agent that `COLD_START` holds, in an interpreter of its own."""
    code = 1
    try:
        request = decode(os.environ.pop(COLD_START).encode())
        if isinstance(request, Spawn):
            code = _run_agent(request, forked=False)
    finally:
        _flush()
        os._exit(code)


def _run_agent(request: Spawn, forked: bool = True) -> int:
    """Run the agent and return its exit code."""
    faulthandler.enable()
    setproctitle.setproctitle(f"ocsd: {request.name}")
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # a TextIOWrapper
    told = launch.Launch.model_validate(request.launch)
    launch.set_current(told)
    agent_class = told.instance.agent_class
    try:
        entry = plugins.find_class(agent_class, told.agent_paths)
        if forked and not (entry.fork_safe and _is_up_to_date()):
            os.environ[COLD_START] = encode(request).decode()
            os.execv(sys.executable, [sys.executable, "-P", "-m", "ocsd.forkserver.cold"])
        main = entry_point(entry)
    except OcsdError as error:
        return _tell(str(error), PERMANENT_FAILURE_EXIT)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an import may raise anything
        traceback.print_exc()
        return _tell(f"cannot import {agent_class}: {_last_line(error)}", PERMANENT_FAILURE_EXIT)
    return _call(main)


def note_loaded() -> None:
    """Note what the fork server has loaded; call it once all of that is loaded."""
    _Parent.loaded = LoadedCode(list(sys.modules.values()), os.path.dirname(ocsd.__file__))


def _is_up_to_date() -> bool:
    """Whether the loaded libraries are those on the disk; if not, they are loaded anew."""
    changed = _Parent.loaded.changed() if _Parent.loaded else None
    if changed:
        sys.stderr.write(
            f"ocsd: {changed} has changed since the fork server loaded it, so this agent is "
            "started from scratch; `ocsd stop` and `ocsd start` make starts fast again\n"
        )
    return changed is None


class _Parent:
    loaded: LoadedCode | None = None


def entry_point(entry: plugins.AgentEntry) -> Callable[[], object]:
    """Return the function that runs an agent; its module is loaded here, fresh.

    Parameters
    ----------
    entry : AgentEntry
        Where the code is.
    """
    if entry.script is None:
        sys.argv = [entry.class_name]
        main = getattr(importlib.import_module(str(entry.module)), entry.entry_point)
    else:
        script = str(entry.script)
        sys.argv = [script]
        sys.path.insert(0, os.path.dirname(script))
        if not _defines_main(script):
            # Set-up under `if __name__ == '__main__':`, as the oldest agents have it.
            return lambda: runpy.run_path(script, run_name="__main__")
        main = runpy.run_path(script, run_name=entry.class_name)["main"]
    arguments = [None] * _required_arguments(main)
    return lambda: main(*arguments)


def _required_arguments(function: Callable[..., object]) -> int:
    """Return how many positional arguments a function cannot do without."""
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        # What nearly all agents have; `inspect` takes 0.2 MB of private memory.
        return function.__code__.co_argcount - len(function.__defaults__ or ())
    parameters = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.default is each.empty and each.kind in kinds for each in parameters)


def _defines_main(script: str) -> bool:
    with open(script, encoding="utf-8") as file:
        body = ast.parse(file.read(), script).body
    return any(isinstance(each, ast.FunctionDef) and each.name == "main" for each in body)


def _call(main: Callable[[], object]) -> int:
    try:
        main()
    except ConfigurationError as error:
        return _tell(str(error), PERMANENT_FAILURE_EXIT)
    except SystemExit as ending:
        if isinstance(ending.code, str):
            return _tell(ending.code, 1)
        return ending.code or 0
    except BaseException as error:  # noqa: BLE001 - the boundary to the agent's code
        traceback.print_exc()
        # A missing library or a slip of the pen stays until somebody mends it.
        permanent = isinstance(error, ImportError | SyntaxError)
        return _tell(_last_line(error), PERMANENT_FAILURE_EXIT if permanent else 1)
    return 0


def _last_line(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip()


def _tell(failure: str, code: int) -> int:
    """Put a failure on record, in the log and with the daemon."""
    print(f"ocsd: {failure}", file=sys.stderr)  # noqa: T201 - stderr is the instance's log
    for _ in range(LAST_WORDS_TRIES):
        if notify(STATUS=failure, X_FAILURE=failure) is not Delivery.BUSY:
            break
        time.sleep(LAST_WORDS_PAUSE_S)
    return code


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
