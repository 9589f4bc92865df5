"""Programs of ocsd run on what the fork server has loaded; all other commands are executed."""

import subprocess
import sys

import pytest

from ocsd.forkserver.programs import can_be_forked
from ocsd.forkserver.protocol import SpawnRequest

ROUTER = (sys.executable, "-P", "-m", "ocsd.router.crossbar_node", "start")


@pytest.mark.parametrize(
    ("command", "environment", "forked"),
    [
        (ROUTER, {}, True),
        (ROUTER, {"PYTHONPATH": "/shadow"}, True),
        (ROUTER, {"PYTHONMALLOC": "debug"}, False),
        (ROUTER, {"OMP_NUM_THREADS": "4"}, False),
        (("/usr/bin/python3", *ROUTER[1:]), {}, False),
        ((sys.executable, "-P", "-m", "crossbar"), {}, False),
        ((sys.executable, "-m", "ocsd.router.crossbar_node"), {}, False),
        (("/opt/crossbar", "start"), {}, False),
    ],
)
def test_only_programs_of_ocsd_for_this_python_are_forked(command, environment, forked):
    assert can_be_forked(SpawnRequest("router", "/log", "/", environment, command)) is forked


def test_a_program_that_fails_leaves_a_traceback_and_an_exit_code():
    code = (
        "import sys\n"
        "from ocsd.forkserver import programs\n"
        "from ocsd.forkserver.protocol import SpawnRequest\n"
        "command = (sys.executable, '-P', '-m', 'ocsd.testing.launcher')\n"
        "sys.exit(programs.run(SpawnRequest('probe', '/log', '/', {}, command)) + 40)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 41
    assert done.stderr.rstrip().splitlines()[-1].startswith("ValueError: not enough values")
