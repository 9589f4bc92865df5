"""Daemons on one machine find each other's router."""

import socket

import pytest

from ocsd.router import local
from ocsd.site.model import Hub
from ocsd.system.paths import ROUTER_FACTS, ROUTER_SOCKET

HUB = Hub(wamp_server="ws://localhost:8001/ws")


@pytest.fixture
def neighbour(tmp_path, monkeypatch):
    """The runtime folder of a daemon that runs a router."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    folder = tmp_path / "hub"
    folder.mkdir()
    local.announce(folder, HUB)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / ROUTER_SOCKET))
        listener.listen()
        yield folder


def test_the_router_of_a_neighbour_is_found_by_its_hub(neighbour):
    assert local.find(HUB) == neighbour / ROUTER_SOCKET
    assert local.find(Hub(wamp_server="ws://localhost:8002/ws")) is None
    assert local.find(HUB.model_copy(update={"wamp_realm": "other"})) is None


def test_a_router_that_is_gone_or_says_nonsense_is_not_found(neighbour):
    (neighbour / ROUTER_SOCKET).unlink()
    assert local.find(HUB) is None
    (neighbour / ROUTER_FACTS).write_text("{")
    assert local.find(HUB) is None
