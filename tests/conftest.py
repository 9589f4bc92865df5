"""For all tests: what was skipped, the container engine, and the published OCS.

With ``OCSD_TEST_NO_SKIPS`` set, as in CI, a run with a skipped test fails. Only what a reason calls
optional may be skipped then.
"""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
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


@pytest.fixture(scope="session")
def ocs_python() -> Path:
    """A Python with the published OCS: $OCSD_TEST_OCS_PYTHON, or .venv-ocs made when missing."""
    given = os.environ.get("OCSD_TEST_OCS_PYTHON")
    if given:
        return Path(given)
    made = subprocess.run(
        [sys.executable, "-m", "benchmarks.ocs_venv"],
        cwd=Path(__file__).resolve().parents[1],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Path(made.stdout.strip())


def pytest_collection_finish() -> None:
    # Thousands of collected tests are no garbage, and need not be searched for it again and again.
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
