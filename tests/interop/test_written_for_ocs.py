"""Somebody's tests of agents, written for OCS and socs, run on ocsd.

docs/moving-from-ocs/compatibility.md says how. The published ocs is on the path
of the tests, as in the environment of their author.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compatibility import environment

pytestmark = pytest.mark.interop

TESTS = Path(__file__).parent / "written_for_ocs"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """What pytest says of a copy of these tests."""
    try:
        packages = environment.few()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"socs cannot be installed: {error}")
    folder = tmp_path_factory.mktemp("theirs") / "tests"
    shutil.copytree(TESTS, folder)
    (folder / "pytest.ini").write_text("[pytest]\n")  # nothing of ocsd's own settings
    done = subprocess.run(
        [sys.executable, "-m", "ocsd.compat", "pytest", "-v", "-p", "no:cacheprovider"],
        env=os.environ | {"PYTHONPATH": str(packages), "PYTEST_ADDOPTS": ""},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
    )
    return done.stdout


@pytest.mark.parametrize("file", sorted(file.stem for file in TESTS.glob("test_*.py")))
def test_all_tests_of_a_file_pass(ran, file):
    results = re.findall(rf"^{file}\.py::(\w+) (\w+)", ran, re.M)
    wanted = re.findall(r"^def (test_\w+)", (TESTS / f"{file}.py").read_text(), re.M)
    assert dict(results) == dict.fromkeys(wanted, "PASSED"), ran
