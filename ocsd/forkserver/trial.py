"""Try the arguments of agents without starting one: ``python -m ocsd.forkserver.trial``.

Standard input has a launch (JSON) on each line; standard output gets a `Trial` for each. An
agent's own module is loaded in a child, and its main function runs up to the moment when it has
parsed its arguments. There it ends: no agent is made, no device is touched, unless the author's
code does so while it is being imported.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from ocsd.system.garbage import loaded

with loaded():
    from ocsd import compat, ocs_agent, site_config
    from ocsd.errors import OcsdError
    from ocsd.forkserver import program
    from ocsd.forkserver.warmth.loading import FOR_AGENTS, FOR_ALL, one_thread
    from ocsd.site import launch as launches
    from ocsd.site.launch import Launch
    from ocsd.site.plugins import last_line
    from ocsd.supervisor.policy import RestartPolicy

TRIAL_LIMIT_S = 20.0
"""After this long, an agent that has not parsed its arguments is given up [s]."""

_END = b"\n"
_ENDED = "it ended before it had parsed its arguments"

_SITE_OPTIONS = frozenset((*vars(site_config.add_arguments().parse_args([])), "agent_class"))


class _Parsed(BaseException):
    """Ends an agent's main function once its arguments are known."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__()
        self.values = values


def main() -> int:
    """Try each launch of standard input in a child of its own."""
    compat.use()
    with one_thread(), loaded():
        for name in (*FOR_ALL, *FOR_AGENTS):
            importlib.import_module(name)
    # What is read of the installed packages here is inherited by every child.
    site_config.agent_classes()
    for line in sys.stdin:
        here = Launch.model_validate_json(line)
        print(json.dumps(_tried(here)), flush=True)  # noqa: T201 - the answer
    return 0


def _tried(here: Launch) -> dict[str, Any]:
    """Return the values of an agent's options, and the problem, empty if there is none."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be_the_agent(here, writing)
    os.close(writing)
    answer = _line(reading)
    os.close(reading)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    found = {"problem": _ENDED}
    if answer is None:
        found = {"problem": f"its arguments were not parsed within {TRIAL_LIMIT_S:g} s"}
    elif answer.endswith(_END):
        found = json.loads(answer)
    return {"instance_id": here.instance.instance_id, "problem": "", "values": {}, **found}


def _line(descriptor: int) -> bytes | None:
    """Return what comes up to the end of a line or of the pipe; None if that takes too long.

    A process that the agent's code has started may keep the pipe open.
    """
    found = b""
    deadline_s = time.monotonic() + TRIAL_LIMIT_S
    while not found.endswith(_END):
        left_s = max(0.0, deadline_s - time.monotonic())
        if not select.select([descriptor], [], [], left_s)[0]:
            return None
        block = os.read(descriptor, 1 << 16)
        if not block:
            break
        found += block
    return found


def _be_the_agent(here: Launch, descriptor: int) -> NoReturn:
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        os.environ.update(here.instance.env)
        if here.site_file:
            os.environ.setdefault("OCS_CONFIG_DIR", str(Path(here.site_file).parent))
        with os.fdopen(descriptor, "wb") as pipe:
            pipe.write(json.dumps(_outcome(here)).encode() + _END)
    finally:
        # No function of atexit, and no thread of the agent's, may hold it up.
        os._exit(0)


def _outcome(here: Launch) -> dict[str, Any]:
    launches.set_current(here)
    try:
        entry = site_config.agent_class(here.instance.agent_class, here.agent_paths)
        with _ending_after_parsing():
            program.entry_point(entry)()
    except _Parsed as parsed:
        return {"values": dict(_plain(parsed.values))}
    except OcsdError as error:
        return {"problem": str(error)}
    except SystemExit as ended:
        return {"problem": f"{_ENDED}: sys.exit({ended.code!r})"}
    except Exception as error:  # noqa: BLE001 - the boundary to the agent's code
        return {"problem": f"cannot try its arguments: {last_line(error)}"}
    if RestartPolicy(here.instance.restart) is not RestartPolicy.ALWAYS:
        return {}  # A program that ends by itself need not have arguments.
    return {"problem": program.never_ran(entry)}


@contextlib.contextmanager
def _ending_after_parsing() -> Iterator[None]:
    """Let the functions that an agent calls first end it; its module is loaded afterwards."""
    parse = site_config.parse_args

    def parse_and_end(*args: Any, **kwargs: Any) -> NoReturn:
        raise _Parsed(vars(parse(*args, **kwargs)))

    def end(args: Any, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise _Parsed(vars(args))

    site_config.parse_args = parse_and_end
    ocs_agent.init_site_agent = end
    yield


def _plain(values: Mapping[str, Any]) -> Iterator[tuple[str, str | int]]:
    for name, value in values.items():
        if name not in _SITE_OPTIONS and type(value) in {str, int}:
            yield name, value


if __name__ == "__main__":
    sys.exit(main())
