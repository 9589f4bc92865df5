"""The way into a closed router: a login, the user's own socket, or the key of the host."""

import json
import socket

import pytest

from ocsd.access import entrance
from ocsd.errors import ConfigurationError
from ocsd.system import entrance as told
from ocsd.system.entrance import Credentials, Entrance

URL = "https://hub:8443/call"


@pytest.fixture(autouse=True)
def nothing_here(tmp_path, monkeypatch):
    """A machine without a site, and a home without a login."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (entrance.USER_VARIABLE, entrance.PASSWORD_VARIABLE, entrance.CA_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(told, "_own", [])


def password_file(tmp_path, mode=0o600):
    file = tmp_path / "password"
    file.write_text("a secret\n")
    file.chmod(mode)
    return str(file)


def test_an_open_router_asks_for_nothing():
    assert entrance.of_url("http://hub:8001/call") == Entrance()


def test_what_the_daemon_has_told_comes_first(monkeypatch):
    way = Entrance(Credentials("a@hub", "ticket"), "/ca.pem")
    told.set_own(way)
    assert entrance.of_url(URL) == way
    assert "ticket" not in repr(way)


def test_a_person_logs_in_with_variables(tmp_path, monkeypatch):
    monkeypatch.setenv(entrance.USER_VARIABLE, "otto")
    with pytest.raises(ConfigurationError, match="a login for 'otto' but no password"):
        entrance.of_url(URL)
    monkeypatch.setenv(entrance.PASSWORD_VARIABLE, password_file(tmp_path))
    monkeypatch.setenv(entrance.CA_VARIABLE, "/ca.pem")
    assert entrance.of_url(URL) == Entrance(Credentials("otto", "a secret"), "/ca.pem")
    monkeypatch.setenv(entrance.PASSWORD_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        entrance.of_url(URL)


def test_a_person_logs_in_with_a_file(tmp_path):
    file = tmp_path / ".config" / "ocsd" / "login.yaml"
    file.parent.mkdir(parents=True)
    (file.parent / "ca.pem").touch()
    file.write_text("user: otto\npassword: a secret\n")
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match=r"others may read it; run: chmod 600 .*login"):
        entrance.of_url(URL)
    file.chmod(0o600)
    ca_file = str(file.parent / "ca.pem")
    assert entrance.of_url(URL) == Entrance(Credentials("otto", "a secret"), ca_file)
    for text, what in (("- a", ""), ("user: otto\nusr: x\n", ": 'usr'"), ("user: 5\n", ": 'user'")):
        file.write_text(text)
        with pytest.raises(
            ConfigurationError, match=f"is not a login{what}.*; it has the keys user"
        ):
            entrance.of_url(URL)
    file.write_text("{")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        entrance.of_url(URL)


def test_others_must_not_read_the_password(tmp_path, monkeypatch):
    monkeypatch.setenv(entrance.USER_VARIABLE, "otto")
    monkeypatch.setenv(entrance.PASSWORD_VARIABLE, password_file(tmp_path, 0o640))
    with pytest.raises(ConfigurationError, match="chmod 600"):
        entrance.of_url(URL)


def test_whoever_may_use_the_sockets_of_the_router_comes_in_by_them(tmp_path):
    folder = tmp_path / "run" / "hub"
    folder.mkdir(parents=True)
    facts = {"url": "wss://hub:8443/ws", "http": URL, "guarded": True}
    (folder / "router.json").write_text(json.dumps(facts))
    assert entrance.of_url(URL) == Entrance()
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as other:
        for listener, name in ((one, "router.sock"), (other, "http.sock")):
            listener.bind(str(folder / name))
            listener.listen()
        way = entrance.of_url(URL)
        assert way.socket == str(folder / "router.sock")
        assert way.http_socket == str(folder / "http.sock")
        assert entrance.of_url("https://elsewhere:8443/call") == Entrance()
