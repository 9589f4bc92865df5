"""Daemons that tests fork are those that an interpreter of their own would run."""

import os
import subprocess
import sys

import psutil
import pytest

from tests import forked_commands

REFUSED = ("start", "-d", "--site-file", "nowhere.yaml")


@pytest.fixture
def environment(tmp_path):
    folders = ("RUNTIME", "STATE", "LOGS")
    return {**os.environ, **{f"{name}_DIRECTORY": str(tmp_path) for name in folders}}


def test_a_forked_daemon_that_refuses_says_and_ends_as_one_that_was_started(environment, tmp_path):
    started = subprocess.run(
        [sys.executable, "-m", "ocsd", *REFUSED],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    forked = forked_commands.run(REFUSED, environment, tmp_path, 60, forks_daemons=True)
    assert (forked.args, forked.returncode) == (started.args, started.returncode)
    assert (forked.stdout, forked.stderr) == (started.stdout, started.stderr)


def test_a_daemon_that_has_refused_leaves_no_process(environment, tmp_path):
    forked_commands.run(REFUSED, environment, tmp_path, 60, forks_daemons=True)
    places = []
    for each in psutil.process_iter():
        try:
            places.append(each.cwd())
        except psutil.Error:
            continue
    assert str(tmp_path) not in places
