"""Hooks tell the site what happens, and harm nothing."""

import json
import select

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from ocsd.daemon.watching import hooks
from ocsd.daemon.watching.hook_trial import facts_of_trial
from ocsd.daemon.watching.hooks import Hooks, ProcessHook
from ocsd.errors import UsageError
from ocsd.site.supervision import OCCASIONS


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
        self.begun.pop(0)[2](trouble, "")


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
    ("script", "failure", "printed"),
    [
        ("cat > {file}", "", ""),
        ("echo no route; exit 3", "ended with exit code 3", "no route\n"),
        ("kill -TERM $$", "killed by SIGTERM", ""),
        ("printf 'a\\nb \\033[31mred'; exit 3", "ended with exit code 3", "a\nb \033[31mred"),
        ("yes | head -c 1000000", "", "y\n" * 1000),
    ],
)
def test_a_hook_is_a_process_that_reads_the_facts(tmp_path, script, failure, printed):
    reactor, ends = Reactor(), []
    file = tmp_path / "facts"
    command = ["/bin/sh", "-c", script.format(file=file)]
    ProcessHook(reactor, command, b'{"reason": "no device"}', lambda *end: ends.append(end))
    reactor.run()
    assert ends == [(failure, printed)]
    if "cat" in script:
        assert file.read_text() == '{"reason": "no device"}'


def test_a_failure_is_logged_on_one_line_with_what_it_printed(site, commands):
    site.fire("on-failed", "thermo1", {})
    with capturedLogs() as logs:
        commands.begun.pop()[2]("ended with exit code 3", "no\nroute\033[31m")
    assert [each["trouble"] for each in logs] == [
        "ended with exit code 3; it printed: no route [31m"
    ]


def test_a_hook_is_tried_at_once_and_whatever_ran_before(site, commands):
    ends = []
    site.fire("on-failed", "thermo1", {})
    site.try_out("on-failed", "thermo1", lambda: {"test": True}, lambda *end: ends.append(end))
    (_, told, _) = commands.begun[-1]
    assert told == {
        "occasion": "on-failed",
        "instance_id": "thermo1",
        "test": True,
        "left_out": 0,
    }
    commands.begun.pop()[2]("", "paged")
    assert ends == [("", "paged")]


def test_a_hook_that_there_is_not_cannot_be_tried(site):
    with pytest.raises(UsageError, match="no hook 'on-up' for this host; it has: on-failed"):
        site.try_out("on-up", "thermo1", dict, lambda *_: None)


@pytest.mark.parametrize("occasion", OCCASIONS)
def test_facts_of_a_trial_have_the_keys_of_the_page_and_say_that_they_are_none(occasion):
    facts = facts_of_trial(occasion, "thermo1", "ann (uid 1)")
    assert facts.pop("test") is True
    reason = facts.pop("reason")
    assert reason == "a test by ann (uid 1): nothing has happened"
    keys = {"before", "after", "target", "pid", "restarts"}
    keys = {
        "on-ok": {"health", "after"},
        "on-degraded": {"health"},
        "on-hung": {"health"},
        "on-incident": {"names"},
    }.get(occasion, keys)
    assert facts.keys() == keys


def test_a_killed_hook_takes_along_what_it_started():
    reactor, troubles = Reactor(), []
    ended = lambda *end: troubles.append(end)  # noqa: E731 - short
    hook = ProcessHook(reactor, ["/bin/sh", "-c", "sleep 60 & wait"], b"", ended)
    hook.kill()
    reactor.run()
    assert troubles == [("took longer than 30 s", "")]
