"""Finding what runs an agent in a file."""

import pytest

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
