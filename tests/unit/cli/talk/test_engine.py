"""Docker is asked whether it is there."""

import socket
from contextlib import contextmanager
from threading import Thread

from ocsd.cli.talk.engine import why_away


@contextmanager
def listening(folder, answer=None):
    """Listen as Docker does, and give one client an answer; without one, it waits."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "docker.sock"))
        listener.listen()
        thread = Thread(target=_answer, args=(listener, answer))
        if answer is not None:
            thread.start()
        yield {"DOCKER_HOST": f"unix://{folder}/docker.sock"}
        if answer is not None:
            thread.join()


def _answer(listener, answer):
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(answer)


def test_a_docker_that_answers_is_there(tmp_path):
    with listening(tmp_path, b"HTTP/1.0 200 OK\r\n\r\nOK") as environment:
        assert why_away(environment) == ""


def test_a_docker_that_is_away_hangs_or_is_something_else_is_told_so(tmp_path):
    place = tmp_path / "docker.sock"
    environment = {"DOCKER_HOST": f"unix://{place}"}
    assert why_away(environment).startswith(f"Docker is not there ({place}: No such file")
    with listening(tmp_path):
        assert why_away(environment, 0.1).startswith(f"Docker hangs ({place}: it has not answered")
    place.unlink()
    with listening(tmp_path, b"SSH-2.0\r\n"):
        assert "it answers something else than HTTP" in why_away(environment)
    assert "over its Unix socket; set" in why_away({"DOCKER_HOST": "tcp://far:2375"})
