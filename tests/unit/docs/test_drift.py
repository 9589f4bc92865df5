"""The tests of the documentation fail when code and pages drift apart.

One change of each kind is made to a copy of the code, and the tests that hold it against the pages
run there.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.unit.docs.shown import ROOT

FOLDERS = ("ocsd", "agents", "docs", "tests", "systemd", "site-configs")
# A file, the text that is changed and what becomes of it, and the test that has to fail.
DRIFTS = {
    "a key": (
        "ocsd/site/model.py",
        'key("log-dir"',
        'key("logs-dir"',
        "unit/test_site_file_page.py::test_the_page_has_every_key_of_a_model[A host-Host]",
    ),
    "an option": (
        "ocsd/cli/commands/look/status.py",
        '"--strict"',
        '"--stern"',
        "unit/docs/test_generated.py::test_a_page_that_is_made_from_the_code_is_up_to_date[commands.md]",
    ),
    "an exit code": (
        "ocsd/errors.py",
        "    exit_code = 4\n",
        "    exit_code = 6\n",
        "unit/docs/test_pages.py::test_the_operators_page_has_the_exit_code_of_every_error",
    ),
    "an error": (
        "ocsd/errors.py",
        "class NoSuchAlarmError(",
        'class StrayError(OcsdError):\n    """Stray."""\n\n\nclass NoSuchAlarmError(',
        "unit/docs/test_generated.py::test_a_page_that_is_made_from_the_code_is_up_to_date[errors.md]",
    ),
    "a hook": (
        "ocsd/site/supervision.py",
        '    "on-incident",\n',
        '    "on-incident",\n    "on-rain",\n',
        "unit/docs/test_pages.py::test_the_supervision_page_names_every_layer_answer_hook_and_limit",
    ),
    "a path of the control API": (
        "ocsd/daemon/api/control.py",
        'putChild(b"audit"',
        'putChild(b"log-book"',
        "unit/docs/test_control_api.py::test_the_page_has_every_request",
    ),
    "a path of the page": (
        "ocsd/web/api/table.py",
        '            "login",\n',
        '            "enter",\n',
        "unit/web/test_table.py::test_the_page_has_every_request",
    ),
    "a metric": (
        "ocsd/web/metrics",
        "ocsd_page_viewers",
        "ocsd_page_visitors",
        "unit/web/metrics/test_exposition.py::test_the_page_of_docs_has_every_metric",
    ),
    "an output": (
        "agents/arduino",
        "is the cable plugged in?",
        "is it plugged in?",
        "unit/docs/test_troubles.py::test_an_output_of_the_page_is_what_the_code_says",
    ),
    "a function": (
        "ocsd/agent/operations/params.py",
        "def check_for_strays(",
        "def refuse_strays(",
        "unit/docs/test_generated.py::test_a_page_that_is_made_from_the_code_is_up_to_date[names.md]",
    ),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What pytest says in a copy of the repository with all of these changes."""
    copy = tmp_path_factory.mktemp("drifted")
    ignore = shutil.ignore_patterns("__pycache__", "vendor")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignore)
    for file in ("setup.cfg", "README.md", "CHANGELOG.md"):
        shutil.copy(ROOT / file, copy / file)
    for place, text, other, _ in DRIFTS.values():
        _change(copy / place, text, other)
    chosen = [test for *_, test in DRIFTS.values()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen],
        cwd=copy / "tests",
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def _change(place, text, other):
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    changed = 0
    for file in files:
        before = file.read_text()
        changed += before.count(text)
        file.write_text(before.replace(text, other))
    assert changed, f"{place} has no {text}"


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_drift_is_found(drift, said):
    test = re.escape(DRIFTS[drift][3].rpartition("/")[2])
    assert re.search(rf"^FAILED \S*{test}", said, re.MULTILINE), said[-3000:]
