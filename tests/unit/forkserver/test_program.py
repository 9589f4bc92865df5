"""Finding what runs an agent in a file."""

import subprocess
import sys

import pytest

from ocsd.errors import PERMANENT_FAILURE_EXIT
from ocsd.forkserver import program
from ocsd.site.plugins import AgentEntry


@pytest.mark.parametrize(
    "text",
    [
        b"def main(args=None):\n    return 'ran'\n",
        b"\xef\xbb\xbfdef main():\n    return 'ran'\n",
        b"# -*- coding: latin-1 -*-\n# caf\xe9\ndef main(args):\n    return 'ran'\n",
    ],
    ids=["plain", "byte order mark", "latin-1"],
)
def test_a_file_in_any_encoding_that_python_reads_is_run(tmp_path, monkeypatch, text):
    script = tmp_path / "agent_in_a_file.py"
    script.write_bytes(text)
    monkeypatch.setattr("sys.path", [])
    monkeypatch.setattr("sys.argv", [])
    entry = AgentEntry("LabAgent", None, script=str(script))
    assert program.entry_point(entry, ["--port", "1"])() == "ran"


RUN = """
import sys
from ocsd.errors import PERMANENT_FAILURE_EXIT
from ocsd.forkserver import program
from ocsd.site.plugins import AgentEntry
entry = AgentEntry("LabAgent", None, script=sys.argv[1])
def anew(why):
    print("anew:", why)
sys.exit(program.run(lambda: entry, endless=sys.argv[2] == "endless", anew=anew))
"""

RUNS = "from twisted.internet import reactor\nreactor.callLater(0, reactor.stop)\nreactor.run()\n"


def run(tmp_path, text, kind="endless"):
    script = tmp_path / "lab.py"
    script.write_text(text)
    words = [sys.executable, "-c", RUN, str(script), kind]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "NoMain: {script} defines no main() and has no code under __main__"),
        ("def main(args=None):\n    pass\n", "NoRun: main() of {script} returned without runner"),
        ("if __name__ == '__main__':\n    x = 1\n", "NoRun: the code under __main__ of {script}"),
    ],
)
def test_an_agent_that_never_runs_has_failed_for_good_with_the_reason(tmp_path, text, said):
    done = run(tmp_path, text)
    assert done.returncode == PERMANENT_FAILURE_EXIT
    assert said.format(script=tmp_path / "lab.py") in done.stderr
    assert "restart: on-failure" in done.stderr


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("x = 1\n", "job"),
        (f"def main():\n    {RUNS.strip().replace(chr(10), chr(10) + '    ')}\n", "endless"),
    ],
)
def test_a_job_and_an_agent_that_ran_end_as_they_are(tmp_path, text, kind):
    done = run(tmp_path, text, kind)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "text",
    ["import nosuchlibrary\ndef main():\n    pass\n", "def main():\n    import nosuchlibrary\n"],
)
def test_a_library_that_is_missing_is_looked_for_in_a_new_interpreter_first(tmp_path, text):
    done = run(tmp_path, text)
    assert done.returncode == PERMANENT_FAILURE_EXIT
    assert done.stdout == "anew: ModuleNotFoundError: No module named 'nosuchlibrary'\n"
