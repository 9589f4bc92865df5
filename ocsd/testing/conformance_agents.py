"""The agents that the conformance suite tests: fixtures of `ocsd.testing.conformance`.

They stand in that module by name, and are no plugin of their own: the tests of an author,
which may be run along with the suite, may have other fixtures by these names.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ocsd.testing.exercise import Bench, Exercised, ProcessRun, run_everything
from ocsd.testing.listener import FeedLog
from ocsd.testing.router import shared_router
from ocsd.testing.subject import SUBJECTS, Subject
from ocsd.testing.verdicts import require_joined, require_life

Runs = dict[str, list[ProcessRun]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make every check for every agent that was asked for."""
    if "subject" in metafunc.fixturenames:
        subjects = metafunc.config.stash.get(SUBJECTS, [])
        names = [subject.name for subject in subjects]
        metafunc.parametrize("subject", subjects, ids=names, scope="session")


class SharedAgent:
    """One running agent, for all checks that leave it well."""

    def __init__(self, subject: Subject, bench: Bench) -> None:
        self._subject, self._bench = subject, bench
        self._agent: Exercised | None = None

    def agent(self) -> Exercised:
        """Return it, idle; a new one, if the former has ended or does not come to rest."""
        if self._agent is None or not (self._agent.alive() and self._agent.idle()):
            self.close()
            self._agent = Exercised(self._subject, self._bench)
            require_joined(self._agent)
            self._bench.feeds.wait_until_ready()
            self._agent.idle()
        return self._agent

    def close(self) -> None:
        """End it."""
        if self._agent is not None:
            self._agent.close()
            self._agent = None


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """Start the router and the listener."""
    router = shared_router()
    feeds = FeedLog(router)
    yield Bench(router, feeds)
    feeds.close()


@pytest.fixture(scope="session")
def kept(subject: Subject, bench: Bench) -> Iterator[SharedAgent]:
    """Keep one agent running from check to check."""
    kept = SharedAgent(subject, bench)
    yield kept
    kept.close()


@contextmanager
def one_check(kept: SharedAgent, failures: Callable[[], int]) -> Iterator[Exercised]:
    """Give a check the kept agent, and the next one a new agent if this one fails.

    `failures` returns the number of checks that have failed. A check that fails may leave
    the agent in any state.
    """
    agent = kept.agent()
    begun_s, before = time.monotonic(), failures()
    well = False
    try:
        yield agent
        print(f"--- output of the agent ---\n{agent.process.output()}")  # noqa: T201
        require_life(agent, begun_s)
        well = failures() == before
    finally:
        if not well:
            kept.close()


@pytest.fixture
def agent(kept: SharedAgent, request: pytest.FixtureRequest) -> Iterator[Exercised]:
    """Return a running agent whose operations are idle; show its output if the check fails."""
    with one_check(kept, lambda: request.session.testsfailed) as agent:
        yield agent


@pytest.fixture(scope="session")
def runs(kept: SharedAgent) -> Runs:
    """Run every process; return the runs."""
    runs = run_everything(kept.agent())
    if any(run.silent or not run.stopped for each in runs.values() for run in each if run.started):
        kept.close()  # it would only cost the other checks their patience
    return runs


@pytest.fixture
def acquiring(runs: Runs) -> str:
    """Return the name of a process that publishes; skip the check if there is none."""
    for name, each in runs.items():
        if any(run.published for run in each):
            return name
    pytest.skip("none of its processes publishes to a recorded feed")
