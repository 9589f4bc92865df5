"""A daemon's folders are found, whatever folders the environment names."""

import socket

import pytest

from ocsd.system import paths, whereabouts
from ocsd.system.paths import HostPaths
from ocsd.system.whereabouts import Whereabouts


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The paths of a daemon that was started with another runtime folder than ours."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "ours"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("LOGS_DIRECTORY", str(tmp_path / "logs"))
    used = HostPaths("lab", tmp_path / "used" / "lab", tmp_path / "state" / "lab", tmp_path / "log")
    used.runtime.mkdir(parents=True)
    used.state.mkdir(parents=True)
    return used


def test_they_are_found_by_the_state_folder_and_by_the_runtime_folder(places):
    assert whereabouts.of_state("lab") is None
    assert whereabouts.of_runtime(places.runtime).state == places.state
    Whereabouts(places, "ws://hub").write()
    assert whereabouts.of_state("lab") == places
    assert whereabouts.of_runtime(places.runtime) == places
    assert whereabouts.read(places.runtime) == Whereabouts(places, "ws://hub")
    assert whereabouts.of_state("other") is None


def test_a_runtime_folder_that_was_copied_is_not_taken_for_the_other(places, tmp_path):
    Whereabouts(places).write()
    copy = tmp_path / "copy" / "lab"
    places.runtime.rename(copy.parent.with_name("moved"))
    copy.parent.mkdir()
    copy.parent.with_name("moved").rename(copy)
    assert whereabouts.of_runtime(copy).runtime == copy
    assert whereabouts.of_runtime(copy).logs == paths.of_host("lab").logs


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"host": "lab"}', b'{"runtime": 3}'])
def test_a_file_that_is_damaged_says_nothing(places, content):
    (places.state / "folders.json").write_bytes(content)
    assert whereabouts.of_state("lab") is None


def test_one_folder_that_is_full_leaves_the_other(places):
    (places.runtime / "folders.json.new").mkdir()  # cannot be written
    with pytest.raises(OSError, match="directory"):
        Whereabouts(places).write()
    assert whereabouts.of_state("lab") == places


def test_the_kernel_lists_the_fork_servers_that_listen(places):
    place = places.forkserver_socket
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        assert places.runtime not in whereabouts.listening()
        assert whereabouts.is_bound(place)
        listener.listen()
        assert places.runtime in whereabouts.listening()
        place.unlink()
        assert places.runtime in whereabouts.listening()
        assert whereabouts.is_bound(place)
    assert places.runtime not in whereabouts.listening()
    assert not whereabouts.is_bound(place)
