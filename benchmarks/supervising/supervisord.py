"""A supervisord with programs that sleep, so its status command can be measured beside ours."""

import subprocess
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.ocs_venv import ROOT, install

DEFAULT = ROOT / ".venv-supervisor"
REQUIREMENT = "supervisor>=4.3,<5"
START_LIMIT_S = 30.0
STOP_LIMIT_S = 20.0

_CONFIGURATION = """\
[unix_http_server]
file = {folder}/sock
[supervisord]
directory = {folder}
pidfile = {folder}/pid
logfile = {folder}/log
nodaemon = true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl = unix://{folder}/sock
[program:agent]
command = sleep 1000
process_name = %(program_name)s-%(process_num)02d
numprocs = {programs}
"""


def installed(folder: Path = DEFAULT) -> Path:
    """Return the folder of the programs of an environment with supervisor, made if need be."""
    programs = folder / "bin"
    if not (programs / "supervisorctl").exists():
        venv.create(folder, with_pip=True)
        install(programs / "python", REQUIREMENT)
    return programs


@contextmanager
def status_command(folder: Path, programs: int) -> Iterator[list[str]]:
    """Run supervisord with some programs for the time of the context.

    Yields
    ------
    list of str
        The command that shows their status.

    Raises
    ------
    TimeoutError
        If they do not run in time.
    """
    tools = installed()
    folder.mkdir()
    file = folder / "supervisord.conf"
    file.write_text(_CONFIGURATION.format(folder=folder, programs=programs))
    status = [str(tools / "supervisorctl"), "-c", str(file), "status"]
    server = subprocess.Popen(
        [tools / "supervisord", "-c", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_all_run(status, programs)
        yield status
    finally:
        server.terminate()
        server.wait(STOP_LIMIT_S)


def _wait_until_all_run(status: list[str], programs: int) -> None:
    deadline_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline_s:
        shown = subprocess.run(status, capture_output=True, text=True).stdout
        if shown.count("RUNNING") == programs:
            return
        time.sleep(0.5)
    raise TimeoutError(f"{programs} programs did not run within {START_LIMIT_S:g} s: {shown}")
