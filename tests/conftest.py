"""For all tests: what was skipped, and the container engine.

With ``OCSD_TEST_NO_SKIPS`` set, as in CI, a run with a skipped test fails. Only what a reason calls
optional may be skipped then.
"""

import gc
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.system.containers.engine import Engine

_skipped: list[str] = []


@pytest.fixture(scope="session")
def engine() -> Iterator["Engine"]:
    """A podman of its own that serves Docker's API and has the image that ours build on.

    There is one for all files that run containers (SHARED in tests/system/conftest.py).
    """
    from tests.system.containers.engine import Engine, obstacle

    reason = obstacle()
    if reason:
        pytest.skip(reason)
    engine = Engine()
    try:
        engine.clear()
        engine.make_base()
        with engine.serving():
            yield engine
    finally:
        engine.close()


def pytest_collection_finish() -> None:
    # Thousands of tests are no garbage; to search them takes a tenth of the time of the unit tests.
    gc.collect()
    gc.freeze()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note(report)


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and "optional:" not in str(report.longrepr):
        _skipped.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _skipped and os.environ.get("OCSD_TEST_NO_SKIPS"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _skipped and os.environ.get("OCSD_TEST_NO_SKIPS"):
        terminalreporter.write_line(f"nothing may be skipped here, but was: {', '.join(_skipped)}")
