"""Commands that tests fork are those that an interpreter of their own would run."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import forked_commands


@pytest.fixture
def environment(tmp_path):
    folders = ("RUNTIME", "STATE", "LOGS")
    return {**os.environ, **{f"{name}_DIRECTORY": str(tmp_path) for name in folders}}


@pytest.mark.parametrize("words", [("--version",), ("status",), ("check", "--help"), ("stauts",)])
def test_a_forked_command_says_and_ends_as_one_that_was_started(words, environment, tmp_path):
    started = subprocess.run(
        [sys.executable, "-m", "ocsd", *words],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    forked = forked_commands.run(words, environment, tmp_path, 60)
    assert (forked.args, forked.returncode) == (started.args, started.returncode)
    assert (forked.stdout, forked.stderr) == (started.stdout, started.stderr)


def test_each_forked_command_has_its_own_environment_and_folder(environment, tmp_path):
    def refused(name):
        folder = tmp_path / name
        folder.mkdir()
        environment_of_it = {**environment, "RUNTIME_DIRECTORY": str(folder)}
        words = ("check", "--site-file", f"{name}.yaml")
        told = forked_commands.run(words, environment_of_it, folder, 60).stderr
        looked = forked_commands.run(("status",), environment_of_it, folder, 60).stderr
        return name in told and str(folder) in looked

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(refused, "abcdefgh"))


def test_a_forked_command_that_takes_too_long_is_killed(environment, tmp_path):
    with pytest.raises(subprocess.TimeoutExpired):
        forked_commands.run(("status", "--watch"), environment, tmp_path, 0.0)
    assert forked_commands.run(("--version",), environment, tmp_path, 60).returncode == 0


@pytest.mark.parametrize("end", ["", "from tests import forked_daemons; forked_daemons.end(0)"])
def test_output_that_nobody_takes_at_the_end_is_told_as_by_an_interpreter(end):
    buffered = {key: word for key, word in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", f"print('lost'); {end}"],
            env=buffered,
            cwd=forked_commands.REPOSITORY,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, "Exception ignored" in done.stderr) == (120, True)
