"""Scripts that tests fork do what those of an interpreter of their own would do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forked_scripts

SHOW = """
import os, sys
from twisted.internet import reactor
print(__name__, sys.argv, sys.stdin.read(), os.getcwd(), os.environ['OF_TEST'], reactor.running)
print('trouble', file=sys.stderr)
sys.exit({code})
"""


def started(script, words, environment, folder):
    """Run it, with an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        env=environment,
        cwd=folder,
        input="given",
        capture_output=True,
        text=True,
    )


def forked(script, words, environment, folder):
    """Run it in a fork."""
    given, out, errors = (folder / name for name in ("given", "out", "errors"))
    given.write_text("given")
    with given.open() as one, out.open("w") as two, errors.open("w") as three:
        process = forked_scripts.start(script, words, environment, folder, (one, two, three))
    assert isinstance(process, forked_scripts.ForkedScript)
    process.wait(60)
    return process, out.read_text(), errors.read_text()


@pytest.mark.parametrize("code", [0, 3, None, "'a reason'"])
def test_a_forked_script_says_and_ends_as_one_that_was_started(code, tmp_path):
    how = (SHOW.format(code=code), ("a", "b"), {**os.environ, "OF_TEST": "x"}, tmp_path)
    usual = started(*how)
    process, out, errors = forked(*how)
    assert (process.args, process.returncode) == (usual.args, usual.returncode)
    assert (out, errors) == (usual.stdout, usual.stderr)


def test_a_forked_script_is_asked_to_end_and_killed_like_any_process(tmp_path):
    wait = "import time; print('runs', flush=True); time.sleep(600)"
    with (tmp_path / "out").open("w") as out, open(os.devnull) as nothing:
        for end, code in (("terminate", -15), ("kill", -9)):
            streams = (nothing, out, out)
            process = forked_scripts.start(wait, (), os.environ, tmp_path, streams)
            assert process.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.01)
            getattr(process, end)()
            assert process.wait(60) == code
            process.kill()  # of what has ended, nothing


def test_a_script_that_takes_too_long_is_killed():
    with pytest.raises(subprocess.TimeoutExpired):
        forked_scripts.run("import time; time.sleep(600)", "", 0.01)
    done = forked_scripts.run("import sys; print(sys.stdin.read().upper())", "given", 60)
    assert (done.stdout, done.stderr, done.returncode) == ("GIVEN\n", "", 0)


def test_a_script_with_settings_of_python_gets_an_interpreter(tmp_path):
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    with open(os.devnull) as nothing, Path(os.devnull).open("w") as out:
        process = forked_scripts.start("", (), environment, tmp_path, (nothing, out, out))
        assert isinstance(process, subprocess.Popen)
        assert process.wait(60) == 0
