"""A daemon takes over what runs, or refuses, whatever folders its environment names."""

import os
import socket

import pytest

from ocsd.daemon import takeover
from ocsd.errors import DaemonRunningError
from ocsd.forkserver import record
from ocsd.forkserver.protocol import Spawned
from ocsd.site.model import Hub
from ocsd.system.paths import HostPaths
from ocsd.system.proc import start_ticks
from ocsd.system.whereabouts import Whereabouts

HUB = Hub(
    wamp_server="ws://localhost:1/ws",
    wamp_http="http://localhost:1/call",
    wamp_realm="r",
    address_root="lab",
)
OTHER_HUB = HUB.model_copy(update={"wamp_server": "ws://localhost:2/ws"})


@pytest.fixture
def earlier(tmp_path, monkeypatch):
    """The paths of the last daemon."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    used = HostPaths("lab", tmp_path / "used" / "lab", tmp_path / "state" / "lab", tmp_path / "log")
    used.runtime.mkdir(parents=True)
    used.state.mkdir(parents=True)
    Whereabouts(used, takeover.named(HUB)).write()
    return used


@pytest.fixture
def named(earlier, tmp_path):
    """The paths that the environment names now."""
    return earlier._replace(runtime=tmp_path / "ours" / "lab")


@pytest.fixture
def fork_server(earlier):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(earlier.forkserver_socket))
        listener.listen()
        yield


def test_without_processes_the_folder_of_the_environment_is_used(named):
    assert takeover.in_use(named) == named


def test_a_fork_server_that_listens_is_taken_over(earlier, named, fork_server):
    assert takeover.in_use(named) == earlier
    assert takeover.in_use(earlier) == earlier


def test_a_fork_server_whose_socket_was_removed_is_taken_over(earlier, named, fork_server):
    earlier.forkserver_socket.unlink()
    assert takeover.in_use(named) == earlier


def test_agents_whose_fork_server_has_died_are_taken_over(earlier, named):
    record.Record(record.beside(earlier.forkserver_socket)).add(
        Spawned("thermo1", os.getpid(), start_ticks(os.getpid()))
    )
    assert takeover.in_use(named) == earlier


def test_a_state_folder_that_says_nothing_changes_nothing(earlier, named, fork_server):
    (earlier.state / "folders.json").unlink()
    assert takeover.in_use(named) == named


def test_the_same_site_with_another_state_folder_is_refused(named, tmp_path, fork_server):
    ours = named._replace(state=tmp_path / "other" / "lab")
    with pytest.raises(DaemonRunningError) as refused:
        takeover.refuse_second_copy(ours, HUB)
    for part in (tmp_path / "used" / "lab", ours.runtime, ours.state):
        assert str(part) in str(refused.value)
    assert f"RUNTIME_DIRECTORY={tmp_path}/used STATE_DIRECTORY={tmp_path}/state" in str(
        refused.value
    )
    assert "kill" not in str(refused.value)


def test_another_site_another_host_and_the_own_folder_are_not_refused(earlier, named, fork_server):
    takeover.refuse_second_copy(named, OTHER_HUB)
    takeover.refuse_second_copy(named, HUB.model_copy(update={"address_root": "other"}))
    takeover.refuse_second_copy(named._replace(host="dopey"), HUB)
    takeover.refuse_second_copy(earlier, HUB)


def test_a_daemon_that_has_written_nothing_yet_is_not_taken_for_the_same_site(
    earlier, named, fork_server
):
    (earlier.runtime / "folders.json").unlink()
    with socket.create_server(("localhost", 0)) as router:
        takeover.refuse_second_copy(named, at_port(router.getsockname()[1]))


def test_what_may_not_be_read_is_the_same_site_if_its_router_is_there(
    earlier, named, fork_server, monkeypatch
):
    named.runtime.mkdir(parents=True)
    monkeypatch.setattr(takeover.whereabouts, "read", _denied)
    with socket.create_server(("localhost", 0)) as router:
        hub = at_port(router.getsockname()[1])
        with pytest.raises(DaemonRunningError):
            takeover.refuse_second_copy(named, hub)
        # The router is that of the agents that run on here.
        record.Record(record.beside(named.forkserver_socket)).add(
            Spawned("router", os.getpid(), start_ticks(os.getpid()))
        )
        takeover.refuse_second_copy(named, hub)


def test_what_may_not_be_read_is_another_site_if_no_router_is_there(
    earlier, named, fork_server, monkeypatch
):
    monkeypatch.setattr(takeover.whereabouts, "read", _denied)
    takeover.refuse_second_copy(named, HUB)


def _denied(path):
    raise PermissionError(path)


def at_port(port):
    return HUB.model_copy(update={"wamp_server": f"ws://localhost:{port}/ws"})
