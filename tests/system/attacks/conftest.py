"""The closed site that all these tests share; the files of this folder go to one worker."""

import pytest

from tests.system import namespaces
from tests.system.attacks.scene import Scene, pids


@pytest.fixture(scope="session")
def scene():
    with namespaces.network() as network:
        # Attackers read the environments with which the processes have begun.
        network.forks = False
        scene = Scene(*map(network.host, ("hub", "elsewhere", "stranger")))
        scene.make()
        scene.pids = pids(scene)
        yield scene
