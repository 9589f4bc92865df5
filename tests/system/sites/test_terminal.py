"""ocsd on real terminals, beside a real host of 52 instances: `ocsd top`, and pictures of text."""

import os
import re
import shlex
import signal
import sys

import pytest

from tests.system import tmux
from tests.system.conftest import a_site, fake_agent
from tests.system.tmux import Tmux
from tests.system.waiting import wait_until

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(tmux.MISSING is not None, reason=str(tmux.MISSING)),
]

OCSD = f"{shlex.quote(sys.executable)} -m ocsd"
COLOUR = re.compile(r"\x1b\[[0-9;]*(3[0-7]|4[0-7]|9[0-7]|38|48)[;m]")


@pytest.fixture(scope="module")
def site(kept_router):
    """A host of 52 instances."""
    if not kept_router.answers():
        kept_router.start()
    with a_site(kept_router.port) as site:
        agents = [fake_agent(f"thermo-{number:02d}", rate_hz=1) for number in range(50)]
        site.write(*agents)
        site.bring_up()
        yield site


@pytest.fixture
def terminal(site):
    environment = {**site.environment, "COLORTERM": ""}
    del environment["NO_COLOR"]
    terminal = Tmux(site.folder, environment)
    yield terminal
    terminal.close()


def test_top_shows_the_host_and_restarts_an_instance_that_was_killed(site, terminal):
    terminal.open(f"{OCSD} top")
    lines = terminal.shows("52 of 52").split("\n")
    assert re.match(r"lab: \w+ · 52 up", lines[0])
    assert len(lines) == 24
    terminal.press("/", "thermo-07", "Enter")
    terminal.shows("1 of 52")
    before = site.instance("thermo-07")
    terminal.press("r")
    terminal.shows("restart thermo-07? It is up. [y/N]")
    terminal.press("y")
    terminal.shows("thermo-07: up after")
    assert site.instance("thermo-07")["pid"] != before["pid"]
    terminal.press("w")
    terminal.shows("asked for by")
    terminal.press("q", "l")
    terminal.shows("ocsd logs -f thermo-07")
    wait_until(lambda: len(terminal.screen().split()) > 20, "the lines of the log")
    terminal.press("q", "q")
    terminal.shows("END 0")


def test_top_says_that_the_daemon_is_silent_and_goes_on_when_it_is_back(site, terminal):
    terminal.open(f"{OCSD} top", 60, 24)
    terminal.shows("52 of 52")
    pid = site.status()["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        told = terminal.shows("no answer since")
        assert "52 of 52" in told
        terminal.shows("kill -CONT")
        terminal.press("a")
        terminal.shows("only what is not well")
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: "no answer" not in terminal.screen(), "the next answer")
    terminal.press("C-c")
    terminal.shows("END 0")


@pytest.mark.parametrize("variables", ["NO_COLOR=1", "LC_ALL=C", "NO_COLOR=1 LC_ALL=C"])
def test_top_does_without_colours_and_with_ascii(terminal, variables):
    terminal.open(f"env {variables} {OCSD} top", 60, 24)
    terminal.shows("52 of 52")
    for keys in ((), ("?",), ("q", "l"), ("q", "r")):
        terminal.press(*keys)
        seen = terminal.screen(escapes=True)
        assert max(map(len, terminal.screen().split("\n"))) <= 60
        assert "NO_COLOR" not in variables or not COLOUR.search(seen)
        assert "LC_ALL" not in variables or seen.isascii()
    terminal.press("n", "q")
    terminal.shows("END 0")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 24), (200, 50)])
def test_the_status_of_52_instances_fits(terminal, width, height):
    terminal.open(f"{OCSD} status", width, height)
    terminal.shows("END 0")
    lines = terminal.written()
    assert re.match(r"lab: \w+ · 52 up", lines[0])
    assert max(map(len, lines)) <= width
    assert len(lines) <= height


@pytest.mark.parametrize("command", ["status -a", "history", "check --site-file site.yaml"])
def test_no_line_of_a_table_is_wider_than_80_columns(terminal, command):
    # Warnings about the file are not wrapped.
    terminal.open(f"{OCSD} {command} --host lab 2>/dev/null")
    terminal.shows("END 0")
    assert max(map(len, terminal.written())) <= 80


def test_the_progress_of_reading_files_leaves_no_trace(terminal):
    terminal.open(f"{OCSD} data ls")
    terminal.shows("END 0")
    lines = terminal.written()
    assert lines[0].startswith("FEED ")
    assert max(map(len, lines)) <= 80


def test_values_are_shown_once_in_place_and_until_ctrl_c(site, terminal):
    terminal.open(f"{OCSD} values 'thermo-0?' --wait 3", 60)
    terminal.shows("END 0")
    lines = terminal.written()
    assert lines[0].split() == ["FIELD", "VALUE", "AGE"]
    assert sum(line.startswith("thermo-0") for line in lines) == 20
    assert max(map(len, lines)) <= 60

    terminal.open(f"{OCSD} values --watch")
    # How many depends on the machine: a hole is a field, too.
    assert re.match(r"FIELD (?s:.)*and \d+ more", terminal.shows(" more: name some"))
    terminal.press("C-c")
    terminal.shows("END 0")

    terminal.open(f"{OCSD} values --wait 60")
    wait_until(lambda: "ocsd.client.listen" in commands(site), "the listener")
    terminal.press("C-c")
    terminal.shows("END 130")
    assert "ocsd.client.listen" not in commands(site)


def commands(site):
    return {word for process in site.processes() for word in process.cmdline()}
