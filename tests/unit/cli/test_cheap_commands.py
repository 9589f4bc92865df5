"""Commands that people and scripts issue all the time load little: docs/develop/architecture.md."""

import subprocess
import sys

import pytest

from ocsd.cli.main import _COMMANDS

READING = ("status", "why", "logs", "history")

# Each takes 2 to 30 ms of the 120 that `ocsd status` may take in all.
DEAR = (
    "asyncio",
    "concurrent",
    "email",
    "http.client",
    "importlib.metadata",
    "logging",
    "random",
    "ssl",
    "statistics",
    "subprocess",
    "tempfile",
    "urllib.request",
    "xml",
)
RULES = (
    "ocsd.agent",
    "ocsd.aggregator",
    "ocsd.daemon",
    "ocsd.data",
    "ocsd.forkserver",
    "ocsd.site",
    "ocsd.supervisor.events",
    "ocsd.supervisor.lifecycle",
)


def printed(command, code):
    """Return the output of code that runs after the module of a command was loaded."""
    module = f"ocsd.cli.commands.{_COMMANDS[command]}.{command}"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, ocsd.cli.main, {module}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize("command", READING)
def test_a_command_that_reads_loads_no_rules_and_no_dear_library(command):
    names = (*DEAR, *RULES)
    assert printed(command, f"print(*[name for name in {names} if name in sys.modules])") == []


def test_the_status_of_the_site_loads_no_more_than_that_of_a_host():
    names = (*DEAR, *RULES, "ocsd.access", "ocsd.bus")
    code = f"import ocsd.cli.site.whole\nprint(*[name for name in {names} if name in sys.modules])"
    assert printed("status", code) == []


def test_a_url_is_printed_again_without_what_only_a_change_needs():
    names = (*DEAR[:6], "getpass", "ocsd.cli.screen.table", "ocsd.cli.talk.control", "ocsd.site")
    code = f"import sys, ocsd.cli.access.urls\nprint(*[n for n in {names} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("command", READING)
def test_values_that_a_command_reads_are_tuples(command):
    """A frozen dataclass costs 1.6 ms when its module is imported, a NamedTuple 0.2 ms."""
    made = printed(
        command,
        "print(*{value.__qualname__ for name, module in sys.modules.items()"
        " if name.startswith('ocsd') for value in vars(module).values()"
        " if hasattr(value, '__dataclass_params__') and isinstance(value, type)})",
    )
    assert made == []


def test_no_garbage_is_collected_while_code_is_loaded():
    code = (
        "import gc, sys\n"
        "from ocsd.__main__ import main\n"
        "gc.collect()\n"
        "found = []\n"
        "gc.callbacks.append(lambda phase, info: found.append(info['generation']))\n"
        "sys.argv = ['ocsd', '--version']\n"
        "main()\n"
        "print(max(found, default=0), gc.isenabled(), gc.get_freeze_count() > 10_000)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 True True"
