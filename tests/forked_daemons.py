"""Forks the daemon and the fork server of `ocsd start -d` from a process that has loaded them.

A start of a site is mostly the loading of the same thousand modules, once for each of the two.
Both are started with `subprocess.Popen` before anything of Twisted runs: here the interpreter
that it would execute is a fork that runs the same module, with the title, session, environment,
descriptors and signals that it would have. Whatever else starts them runs a new interpreter: in the
foreground, under systemd, in containers, namespaces and terminals, after a crash and an upgrade.
"""

import atexit
import contextlib
import functools
import importlib
import os
import runpy
import signal
import subprocess
import sys
import threading
import traceback
import types
from collections.abc import Callable
from typing import Any, NoReturn

MODULES = ("ocsd.daemon", "ocsd.forkserver")
# -P as the daemon has it, so that what it starts has it too; a fork cannot change this.
HOW = (
    *("-P", "-c"),
    "import os, sys; sys.path.insert(0, os.getcwd()); from tests import forked_commands; "
    "forked_commands.main(daemons=True)",
)
"""Words for Python that make it the process that forks, in the folder of the repository."""
_INTERPRETER = [sys.executable, "-P", "-m"]
_REACTOR = "twisted.internet.reactor"
# Places of arguments of `_posixsubprocess.fork_exec`.
_CWD, _ENVIRONMENT, _STREAMS, _SESSION, _OTHERS = 4, 5, slice(6, 12), 15, slice(16, 22)

_execute: Any = subprocess._fork_exec  # type: ignore[attr-defined]


def is_begun_by(words: tuple[str, ...]) -> bool:
    """Whether a command starts a daemon in the background."""
    return words[:1] == ("start",) and "-d" in words


def load() -> None:
    """Load what both load, but make no reactor; from now on, fork them."""
    import setproctitle

    from ocsd.forkserver.warmth import loading

    setproctitle.getproctitle()  # while the environment still lies behind the arguments
    main = importlib.import_module("ocsd.daemon.__main__")
    names = (*main.LOADED_LATE, "ocsd.forkserver.streams", *loading.FOR_ALL, *loading.FOR_AGENTS)
    with loading.one_thread():
        for name in names:
            if name != _REACTOR:
                importlib.import_module(name)
    assert _REACTOR not in sys.modules
    del sys.modules["ocsd.daemon.__main__"]  # runpy warns of a module that is there already
    subprocess._fork_exec = _fork_or_execute  # type: ignore[attr-defined]


def _fork_or_execute(*given: Any) -> int:
    """Do what `_posixsubprocess.fork_exec` does, without a new interpreter where none is needed."""
    words = [os.fsdecode(word) for word in given[0]]
    others = (-1, None, None, None, -1, None)
    can_be_forked = (
        words[:3] == _INTERPRETER
        and words[3:4] in ([each] for each in MODULES)
        and _REACTOR not in sys.modules
        and threading.active_count() == 1
        and (given[_CWD], given[_OTHERS]) == (None, others)
    )
    if not can_be_forked:
        return int(_execute(*given))
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _become(words, *(given[place] for place in (_ENVIRONMENT, _STREAMS, _SESSION)))
            code = run(words[3], words[4:])
        finally:
            end(code)
    return pid


def _become(
    words: list[str], environment: list[bytes] | None, streams: tuple[int, ...], session: bool
) -> None:
    """Take over everything that a new process is given."""
    import setproctitle

    from tests.forked_commands import renew_streams

    standard_input, _, _, output, _, errors = streams
    for number, each in enumerate((standard_input, output, errors)):
        if each == number:
            os.set_inheritable(each, True)
        elif each >= 0:
            os.dup2(each, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    if session:
        os.setsid()
    if environment is not None:
        os.environb.clear()
        os.environb.update(pair.split(b"=", 1) for pair in environment)
    setproctitle.setproctitle(" ".join(words))
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            at_start = signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler
            signal.signal(number, at_start)
    renew_streams()
    atexit._clear()
    del sys.path[0]  # as -P does


def end(code: int) -> NoReturn:
    """End without taking apart what was loaded: most of it is memory shared with the parent."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if not stream.closed:
                stream.flush()
        except Exception as error:  # noqa: BLE001 - as an interpreter does
            code = code or 120
            with contextlib.suppress(OSError):
                os.write(2, f"Exception ignored in: {stream!r}\n{error!r}\n".encode())
    os._exit(code)


def run(module: str, words: list[str]) -> int:
    """Run the module to its end, as Python would; return its exit code."""
    sys.argv[1:] = words
    return _to_the_end(
        functools.partial(runpy.run_module, module, run_name="__main__", alter_sys=True)
    )


def run_words(words: list[str]) -> int:
    """Run a command of ocsd, or after ``-c`` a script; return the exit code."""
    if words[:1] != ["-c"]:
        return run("ocsd", words)
    sys.argv[:] = ["-c", *words[2:]]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    return _to_the_end(functools.partial(exec, compile(words[1], "<string>", "exec"), vars(main)))


def _to_the_end(code_of: Callable[[], object]) -> int:
    code: Any = 0
    try:
        code_of()
    except SystemExit as ending:
        code = ending.code
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1
