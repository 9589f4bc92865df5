"""Turns a freshly forked child into the process of an instance."""

import contextlib
import faulthandler
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeAlias

import setproctitle

from ocsd import site_config
from ocsd.agent.wellbeing.own_code import OWN_CODE
from ocsd.errors import (
    PERMANENT_FAILURE_EXIT,
    ConfigurationError,
    PluginError,
    UnknownAgentClassError,
)
from ocsd.forkserver import limits, program, programs, spool_folder
from ocsd.forkserver.protocol import SpawnRequest, decode, encode
from ocsd.forkserver.streams import open_streams
from ocsd.log import level_file, logs, printed
from ocsd.log import stream as log_stream
from ocsd.log.file import LogFile
from ocsd.log.stream import NOTE
from ocsd.reactor.lookout import LOOKOUT
from ocsd.site import plugins
from ocsd.site.values import told as launches
from ocsd.supervisor.policy import RestartPolicy

COLD_START = "OCSD_COLD_START"
"""Variable that hands the request of a class that is unsafe to fork to a new interpreter."""


Changed: TypeAlias = Callable[[], str | None]
"""Returns a path of what the fork server has loaded that has changed since; None if none has."""


def become(changed: Changed, request: SpawnRequest) -> NoReturn:
    """Turn this forked child into the process that `request` asks for.

    A command is executed, unless it is a program of ocsd. That and an agent run right here, on
    the code that the fork server has loaded, unless that has `changed`.
    """
    code = 1
    try:
        _stand_alone(request)
        if not request.command:
            code = _run_agent(request, changed)
        elif programs.can_be_forked(request) and _is_up_to_date(changed):
            code = programs.run(request)
        else:
            os.execvpe(request.command[0], request.command, os.environ)
    except (ConfigurationError, OSError, ValueError) as error:
        # E.g. a variable's name that the system refuses.
        failure = f"cannot start {request.instance_id!r}: {error}"
        code = program.report_failure(failure, PERMANENT_FAILURE_EXIT)
    except BaseException:  # noqa: BLE001 - nothing of the fork server may go on here
        traceback.print_exc()
    finally:
        # Neither atexit functions nor destructors of what the fork server loaded
        # may run here, and an agent's forgotten thread must not hold up its end.
        _flush()
        os._exit(code)


def _stand_alone(request: SpawnRequest) -> None:
    """Cut every tie to the fork server but the loaded libraries."""
    os.setsid()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    open_streams(request.log_path)
    # From here on, failures are reported to the daemon.
    os.environ.update(request.environment)
    # Before the change of user, who may not be allowed to enter it.
    os.chdir(request.working_dir)
    spool_folder.prepare(request)
    limits.apply(request)
    # Forked siblings would otherwise draw the same "random" numbers.
    random.seed()
    # Where it is not loaded yet, it will draw its own; a router has an empty module numpy.
    if numpy_random := sys.modules.get("numpy.random"):
        # numpy's own seeding would touch many pages that are still shared with the fork server.
        numpy_random.seed(random.getrandbits(32))


def become_anew() -> NoReturn:
    """Run the agent that `COLD_START` holds, in an interpreter of its own."""
    code = 1
    try:
        request = decode(os.environ.pop(COLD_START).encode())
        if isinstance(request, SpawnRequest):
            code = _run_agent(request)
    finally:
        _flush()
        os._exit(code)


def _run_agent(request: SpawnRequest, changed: Changed | None = None) -> int:
    """Run the agent and return its exit code; if this process was forked, unless code `changed`."""
    faulthandler.enable()
    # How a hang is examined; it works while other code holds the interpreter's lock.
    faulthandler.register(signal.SIGQUIT, all_threads=True)
    setproctitle.setproctitle(f"ocsd: {request.instance_id}")
    _look_after_log(request)
    own_launch = launches.ToldLaunch.of(request.launch or {})
    launches.be_told(own_launch)
    if own_launch.site_file:
        # Agents written for OCS search there for files of their own.
        os.environ.setdefault("OCS_CONFIG_DIR", os.path.dirname(own_launch.site_file))

    def anew(why: str = "") -> None:
        """Run this agent in a new interpreter, unless this is one."""
        if changed is None:
            return
        if why:
            # An editable install (PEP 660) is found by a new interpreter only.
            sys.stderr.write(f"{NOTE}looked for again in a new interpreter: {why}\n")
        os.environ[COLD_START] = encode(request).decode()
        os.execv(sys.executable, [sys.executable, "-P", "-m", "ocsd.forkserver.cold"])

    def find() -> plugins.AgentEntry:
        try:
            entry = site_config.agent_class(own_launch.instance.agent_class, own_launch.agent_paths)
        except (UnknownAgentClassError, PluginError) as error:
            # An installed package does not bring the next try, as an edited file does.
            again = f"{error}; when that is done: ocsd up {request.instance_id}"
            raise type(error)(again) from error
        fresh = not entry.fork_safe or limits.are_read_at_start(request.environment)
        if fresh or not _is_up_to_date(changed):
            anew()
        return entry

    endless = RestartPolicy(own_launch.instance.restart) is RestartPolicy.ALWAYS
    return program.run(find, endless=endless, anew=anew)


def _look_after_log(request: SpawnRequest) -> None:
    log_stream.install()
    if request.user is None:
        # Another user may not rename files in the folder of the logs: the daemon does it.
        LOOKOUT.add(LogFile(Path(request.log_path)).rotate_if_due)
    level = level_file.LevelFile(Path(f"{request.log_path}.level"), logs.set_level)
    level.apply()
    LOOKOUT.add(level.apply)
    OWN_CODE.begin()
    LOOKOUT.add(OWN_CODE.check)


def _is_up_to_date(changed: Changed | None) -> bool:
    """Whether the loaded libraries are those on the disk; if not, log that this costs time."""
    path = changed() if changed is not None else None
    if path:
        sys.stderr.write(
            f"{NOTE}{path} has changed since the fork server loaded it, so this process is "
            "started from scratch; `ocsd stop` and `ocsd start` make starts fast again\n"
        )
    return path is None


def _flush() -> None:
    printed.finish(sys.stdout, sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
