"""Where the fork server is found, also after somebody has removed its socket."""

import socket
import tempfile
import threading
from pathlib import Path

import pytest

from ocsd.errors import ForkServerError
from ocsd.forkserver import start
from ocsd.forkserver.place import Place
from ocsd.forkserver.protocol import Hello, Spawned, encode


@pytest.fixture
def path():
    # pytest's own folders have names too long for the path of a socket.
    with tempfile.TemporaryDirectory(prefix="ocsd-") as folder:
        yield Path(folder) / "fork.sock"


@pytest.fixture
def place(path):
    place = Place(path)
    place.listen()
    yield place
    place.listener.close()


def test_a_socket_that_was_removed_is_made_anew(path, place):
    path.unlink()
    assert place.is_lost
    place.renew()
    assert place.is_ours
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(str(path))
        place.listener.accept()[0].close()


def test_the_socket_of_another_fork_server_is_left_alone(path, place):
    path.unlink()
    other = Place(path)
    assert not place.is_lost
    assert not place.is_ours
    with pytest.raises(OSError, match="in use"):
        Place(path)
    other.listener.close()


def test_without_a_folder_it_waits_for_the_daemon_to_make_one(path, place):
    before = place.listener
    path.unlink()
    path.parent.rmdir()
    place.renew()
    assert place.listener is before
    path.parent.mkdir()
    place.renew()
    assert place.is_ours


def test_a_new_daemon_waits_for_the_socket_of_a_fork_server_that_lives(path, place):
    path.unlink()

    def serve():
        place.renew()
        place.listener.setblocking(True)
        with place.listener.accept()[0] as daemon:
            daemon.sendall(encode(Hello(1, 1, (Spawned("thermo1", 7, 1),), ())))

    thread = threading.Timer(0.2, serve)
    thread.start()
    assert start.running(path) == {"thermo1"}
    thread.join()


def test_a_fork_server_that_cannot_be_reached_is_not_replaced(path, place):
    path.unlink()
    with pytest.raises(ForkServerError, match="that socket was removed"):
        start.running(path, remade_limit_s=0.05)
    place.listener.close()
    assert start.running(path) is None
