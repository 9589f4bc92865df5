"""A client without a site file is for the site whose daemon runs on this machine."""

import socket
from contextlib import ExitStack

import pytest

from ocsd.client.control import get_control_client
from ocsd.errors import SeveralDaemonsError, SiteFileError
from ocsd.site.arguments import parse_args
from ocsd.site.model import Hub
from ocsd.site.values import guess
from ocsd.system import whereabouts
from ocsd.system.paths import HostPaths
from ocsd.system.whereabouts import Whereabouts

LAB = Hub(wamp_server="ws://lab:8001/ws", address_root="peak")


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Let the fork server of a host run, as its daemon leaves it."""
    monkeypatch.setattr(guess, "SYSTEM_FOLDER", tmp_path / "etc")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("OCS_CONFIG_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:

        def run(host, hub):
            used = HostPaths(host, tmp_path / host, tmp_path / f"{host}-state", tmp_path)
            for folder in (used.runtime, used.state):
                folder.mkdir()
            Whereabouts(used, "", hub.addresses).write()
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(used.forkserver_socket))
            listener.listen()
            return used

        yield run


def test_it_speaks_to_the_site_that_runs_here(runs):
    runs("lab", LAB)
    client = get_control_client("pump1", args=[])
    assert (client.agent_addr, client.call_url) == ("peak.pump1", "http://lab:8001/call")
    assert parse_args("*control*", args=[]).site_hub == "ws://lab:8001/ws"


def test_two_hosts_of_one_site_are_one_site(runs):
    runs("lab", LAB)
    runs("dome", LAB)
    assert get_control_client("pump1", args=[]).call_url == "http://lab:8001/call"


def test_several_sites_are_named(runs):
    runs("lab", LAB)
    runs("dome", Hub(wamp_server="ws://dome:8001/ws"))
    with pytest.raises(SeveralDaemonsError, match=r"ws://dome:8001/ws \(dome\).*--site-file"):
        get_control_client("pump1", args=[])


def test_a_site_file_or_another_folder_comes_first(runs, tmp_path, monkeypatch):
    runs("lab", LAB)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "default.yaml").write_text("hub: {wamp_server: ws://mine:1/ws}\n")
    monkeypatch.setenv("OCS_CONFIG_DIR", str(tmp_path / "mine"))
    assert get_control_client("pump1", args=[]).call_url == "http://mine:1/call"
    monkeypatch.setenv("OCS_CONFIG_DIR", str(tmp_path / "other"))
    with pytest.raises(SiteFileError, match="other"):
        get_control_client("pump1", args=[])
    monkeypatch.delenv("OCS_CONFIG_DIR")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "nobody"))
    with pytest.raises(SiteFileError, match="no site file found"):
        get_control_client("pump1", args=[])


@pytest.mark.parametrize("words", [["--site", "lab"], ["--site-file", "lab.yaml"]])
def test_a_file_that_was_asked_for_is_not_replaced(runs, words):
    runs("lab", LAB)
    with pytest.raises(SiteFileError):
        get_control_client("pump1", args=words)


def test_an_agent_needs_its_site_file(runs, capsys):
    runs("lab", LAB)
    with pytest.raises(SystemExit):
        parse_args("PumpAgent", args=[])
    assert "no site file found" in capsys.readouterr().err


def test_a_daemon_of_an_older_release_is_none(runs):
    used = runs("lab", LAB)
    Whereabouts(used).write()
    with pytest.raises(SiteFileError, match="no site file found"):
        get_control_client("pump1", args=[])


def test_a_daemon_of_somebody_else_is_told(runs, monkeypatch):
    runs("lab", LAB)

    def refuse(folder):
        raise PermissionError(folder)

    monkeypatch.setattr(whereabouts, "read", refuse)
    with pytest.raises(SiteFileError, match=r"ocsd runs here .*lab.*join its group"):
        get_control_client("pump1", args=[])
