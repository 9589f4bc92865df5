"""For all tests: with ``OCSD_TEST_NO_SKIPS`` set, as in CI, a run with a skipped test fails.

Only what a reason calls optional may be skipped then.
"""

import os

import pytest

_skipped: list[str] = []


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
