"""Which docker compose is called, and what loads it."""

import subprocess
import sys

import pytest
from twisted.internet import task

from ocsd.daemon.containers.commands import Command, compose_words
from ocsd.errors import ContainerEngineError


def test_the_named_program_is_called_also_from_the_working_directory(tmp_path):
    (tmp_path / "dc").touch()
    assert compose_words("dc", tmp_path) == [str(tmp_path / "dc")]
    assert compose_words("podman-compose", tmp_path) == ["podman-compose"]


def test_a_program_that_is_not_installed_is_told_with_the_next_step(tmp_path):
    with pytest.raises(ContainerEngineError, match="--docker-compose-bin"):
        Command(task.Clock(), ["/no/docker-compose"], tmp_path, 1.0)


def test_a_daemon_without_containers_loads_nothing_of_them():
    code = (
        "import sys, ocsd.daemon.assembly; "
        "print([each for each in sys.modules if '.containers' in each])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
