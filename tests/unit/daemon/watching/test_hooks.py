"""Hooks tell the site what happens, and harm nothing."""

import json
import select

import pytest
from twisted.internet.task import Clock

from ocsd.daemon.watching import hooks
from ocsd.daemon.watching.hooks import Hooks, ProcessHook


class Commands:
    """Stands for the processes of hooks."""

    def __init__(self):
        self.begun = []
        self.killed = 0

    def __call__(self, command, told, ended):
        self.begun.append((list(command), json.loads(told), ended))
        return self

    def kill(self):
        self.killed += 1

    def end(self, trouble=""):
        self.begun.pop(0)[2](trouble)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def commands():
    return Commands()


@pytest.fixture
def site(commands, clock):
    site = Hooks({"on-failed": ["/bin/page", "--loud"]}, commands, clock)
    yield site
    while commands.begun:
        commands.end()
    assert clock.getDelayedCalls() == []


def test_a_hook_gets_the_facts(site, commands):
    site.fire("on-failed", "thermo1", {"reason": "no device"})
    ((command, told, _),) = commands.begun
    assert command == ["/bin/page", "--loud"]
    assert told == {
        "occasion": "on-failed",
        "instance_id": "thermo1",
        "reason": "no device",
        "left_out": 0,
    }


def test_an_occasion_without_a_hook_runs_nothing(site, commands):
    site.fire("on-up", "thermo1", {})
    assert commands.begun == []


def test_a_crash_loop_fires_now_and_then_and_tells_how_often_it_did_not(site, commands, clock):
    for _ in range(5):
        site.fire("on-failed", "thermo1", {})
        clock.advance(1.0)
    site.fire("on-failed", "thermo2", {})
    assert [told["instance_id"] for _, told, _ in commands.begun] == ["thermo1", "thermo2"]
    clock.advance(hooks.HOOK_PAUSE_S)
    site.fire("on-failed", "thermo1", {})
    assert commands.begun[-1][1]["left_out"] == 4


def test_only_a_few_run_at_once_and_the_others_wait(site, commands):
    for number in range(6):
        site.fire("on-failed", f"thermo{number}", {})
    assert len(commands.begun) == hooks.MOST_AT_ONCE
    commands.end("exit code 1")
    assert [told["instance_id"] for _, told, _ in commands.begun][-1] == "thermo4"


def test_what_wakes_somebody_does_not_wait_behind_what_is_slow(site, commands):
    site.commands = {key: ["/bin/page"] for key in ("on-up", "on-failed", "on-incident")}
    for number in range(2 * hooks.MOST_WAITING):
        site.fire("on-up", f"thermo{number}", {})
    site.fire("on-failed", "thermo1", {})
    site.fire("on-incident", "ocsd", {})
    for _ in range(3):
        commands.end()
    begun = [told["occasion"] for _, told, _ in commands.begun]
    assert begun == ["on-up", "on-failed", "on-incident", "on-up"]


def test_a_hook_that_takes_too_long_is_killed(site, commands, clock):
    site.fire("on-failed", "thermo1", {})
    clock.advance(hooks.HOOK_LIMIT_S - 1)
    assert commands.killed == 0
    clock.advance(1)
    assert commands.killed == 1


def test_a_hook_that_cannot_be_run_makes_room(clock):
    def refuse(*_):
        raise OSError("no such file")

    site = Hooks({"on-failed": ["/gone"]}, refuse, clock)
    for number in range(2 * hooks.MOST_AT_ONCE):
        site.fire("on-failed", f"thermo{number}", {})
    assert clock.getDelayedCalls() == []


class Reactor:
    """Waits for the one descriptor it is given."""

    def addReader(self, reader):
        self.reader = reader

    def removeReader(self, reader):
        self.reader = None

    def run(self):
        while self.reader:
            select.select([self.reader], [], [], 10)
            self.reader.doRead()


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("cat > {file}", ""),
        ("echo no route; exit 3", "ended with exit code 3; it printed: no route"),
        ("kill -TERM $$", "killed by SIGTERM"),
        (
            "printf 'a\\nb \\033[31mred'; exit 3",
            "ended with exit code 3; it printed: a b [31mred",
        ),
        ("yes | head -c 1000000", ""),
    ],
)
def test_a_hook_is_a_process_that_reads_the_facts(tmp_path, script, trouble):
    reactor, troubles = Reactor(), []
    file = tmp_path / "facts"
    command = ["/bin/sh", "-c", script.format(file=file)]
    ProcessHook(reactor, command, b'{"reason": "no device"}', troubles.append)
    reactor.run()
    assert troubles == [trouble]
    if "cat" in script:
        assert file.read_text() == '{"reason": "no device"}'


def test_a_killed_hook_takes_along_what_it_started():
    reactor, troubles = Reactor(), []
    hook = ProcessHook(reactor, ["/bin/sh", "-c", "sleep 60 & wait"], b"", troubles.append)
    hook.kill()
    reactor.run()
    assert troubles == ["took longer than 30 s"]
