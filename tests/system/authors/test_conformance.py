"""The conformance suite: sound agents pass it, broken ones fail it for the stated reason."""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

FOLDER = Path(__file__).parent / "broken_agents"
RUN_LIMIT_S = 380
# That of the guide and one with a serial device, which `ocsd new` makes, have tests of their own.
SOUND = ("FakeDataAgent", "sound.py")
if os.environ.get("OCSD_TEST_EVERY_KIND"):
    SOUND = (*SOUND, "ArduinoAgent", "ocsd_agents.barebones.agent:main")

# The check that has to fail, and a part of what it has to say.
BROKEN = {
    "blocks_the_reactor.py": ("no_process_blocks_the_reactor", "blocking=True"),
    "ignores_stop.py": (
        "every_process_starts_and_stops_when_asked",
        "'acq' was asked to stop and runs 10 s later",
    ),
    "needs_its_device.py": (
        "it_starts_while_its_device_is_absent",
        "open it in an operation, not before run()",
    ),
    "misnames_a_field.py": ("recorded_feeds_carry_messages", "T [K]"),
    "stores_infinity.py": ("session_data_are_json", "resistance"),
    "returns_nothing.py": ("every_task_ends_with_a_message", "None instead of (ok, message)"),
    "keeps_its_lock.py": ("every_process_can_be_started_again", "acq holds the thermometer"),
    "leaves_a_thread.py": (
        "it_ends_in_time_and_cleanly_when_told_to",
        "ending although threads ['watcher'] did not end",
    ),
    "is_silent.py": ("every_operation_is_documented", "no docstring: identify"),
    "chokes_on_rubbish.py": (
        "it_outlives_a_device_that_is",
        "chokes_on_rubbish.py:11); catch what it may raise",
    ),
}

# One run of pytest each, at once, for they mostly wait. Checks that cost a process
# are left out for agents that are not broken there.
_QUICK = "not (outlives or router or option or importing or daemon)"
GROUPS = (
    *(("", (agent,)) for agent in SOUND),
    (_QUICK, tuple(BROKEN)[:9:2]),
    (_QUICK, tuple(BROKEN)[1:9:2]),
    ("outlives", tuple(BROKEN)[9:]),
)


@dataclass
class Verdict:
    """What became of one agent."""

    output: str
    passed: int = 0
    failures: dict = field(default_factory=dict)


def _run(agents, selected, folder):
    """Put agents through the suite in one run; return the verdict on each."""
    folder.mkdir()
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # As an author does: in a folder without this repository's settings and conftest.
    for file in FOLDER.glob("*.py"):
        shutil.copy(file, folder)
    words = [f"--junitxml={report}", "-k", selected or "test"]
    words += [word for agent in agents for word in ("--ocsd-agent", agent)]
    done = subprocess.run(
        [*command, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_LIMIT_S,
    )
    verdicts = {agent: Verdict(done.stdout) for agent in agents}
    for case in ElementTree.parse(report).iter("testcase"):
        check, _, ids = case.get("name").removeprefix("test_").partition("[")
        verdict = next(verdicts[agent] for agent in agents if ids.startswith(agent))
        wrong = [each for each in case if each.tag in {"failure", "error"}]
        if wrong:
            verdict.failures[check] = wrong[0].text
        elif case.find("skipped") is None:
            verdict.passed += 1
    return verdicts


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Start all runs; return a function that waits for the verdict on one agent."""
    folder = tmp_path_factory.mktemp("conformance")
    with ThreadPoolExecutor(len(GROUPS)) as pool:
        runs = {}
        for number, (selected, agents) in enumerate(GROUPS):
            run = pool.submit(_run, agents, selected, folder / str(number))
            runs |= dict.fromkeys(agents, run)
        yield lambda agent: runs[agent].result()[agent]


@pytest.mark.parametrize("agent", SOUND)
def test_a_sound_agent_passes(verdicts, agent):
    verdict = verdicts(agent)
    assert verdict.failures == {}, verdict.output
    assert verdict.passed >= 17, verdict.output


@pytest.mark.parametrize("agent", BROKEN)
def test_a_broken_agent_fails_for_the_stated_reason(verdicts, agent):
    check, reason = BROKEN[agent]
    verdict = verdicts(agent)
    assert check in verdict.failures, verdict.output
    assert reason in verdict.failures[check]
