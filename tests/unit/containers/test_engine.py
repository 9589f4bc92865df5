"""Where Docker is reached, and what to do if it is not."""

import pytest

from ocsd.containers.engine import DOCKER_SOCKET, EngineSocket, endpoint, why_unreachable


@pytest.mark.parametrize(
    ("address", "path"),
    [("", DOCKER_SOCKET), ("unix:///run/podman/podman.sock", "/run/podman/podman.sock")],
)
def test_docker_host_names_the_socket(address, path):
    assert endpoint({"DOCKER_HOST": address}) == EngineSocket(path)


def test_a_docker_of_another_machine_is_refused_with_the_next_step():
    found = endpoint({"DOCKER_HOST": "tcp://far:2375"})
    assert found.path == ""
    assert found.trouble.startswith("DOCKER_HOST is 'tcp://far:2375', and ocsd speaks")
    assert found.trouble.endswith(f"set DOCKER_HOST to unix://{DOCKER_SOCKET}, or take it out")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Permission denied", "usermod -aG docker simon"),
        ("it has not answered for 5 s", "Docker hangs (/s: it has not answered for 5 s)"),
        ("No such file or directory", "Docker is not there (/s: No such file or directory); start"),
    ],
)
def test_each_trouble_has_its_next_step(said, told):
    assert told in why_unreachable("/s", said, "simon")
