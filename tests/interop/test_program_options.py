"""OCS's programs on ocsd take every option and command of the published ones."""

import os
import re
import subprocess

import pytest

from ocsd import compat
from tests.interop.test_programs import command

pytestmark = pytest.mark.interop

COMMANDS = [
    ("ocs-agent-cli",),
    ("ocs-client-cli",),
    ("ocs-client-cli", "shell"),
    ("ocs-client-cli", "scan"),
    ("ocs-client-cli", "listen"),
    ("ocsbow",),
    ("ocsbow", "status"),
    ("ocsbow", "up"),
    ("ocsbow", "down"),
    ("ocsbow", "config"),
    ("ocs-local-support",),
    ("ocs-install-systemd",),
]


def words(text):
    """Return the options and the choices of a text of help."""
    options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*(?![\w*-])", text))
    choices = {choice for found in re.findall(r"\{(.+?)\}", text) for choice in found.split(",")}
    return (options | choices) - {"command"}  # stands for any


@pytest.mark.parametrize("words_of_command", COMMANDS, ids=" ".join)
def test_an_option_of_the_published_program_is_taken(ocs_python, tmp_path, words_of_command):
    name, *more = words_of_command

    def helped(call, **environment):
        # Without a site file; nobody's PYTHONPATH leads the published program to ocsd.
        inherited = {
            k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "OCS_CONFIG_DIR"}
        }
        done = subprocess.run(
            [*call, *more, "--help"],
            env={**inherited, "COLUMNS": "200", **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return words(done.stdout)

    theirs = helped([ocs_python.with_name(name)])
    ours = helped(command(name), PYTHONPATH=compat.FOLDER)
    assert theirs - ours == set()
