"""Whether a host probably runs an open router, by the text of the site file alone."""

import pytest

from ocsd.site.values import guess

SITE = """
hub:
  wamp_server: ws://localhost:8001/ws   # crossbar: not here
hosts:
  lab-1:
    agent-instances:
      - {agent-class: FakeDataAgent, instance-id: crossbar}
      - agent-class: FakeDataAgent
        instance-id: fake-data1
        env:
          crossbar: none
  'grumpy':
    # crossbar:
    log-dir: /var/log
    crossbar: {bin: null}
"""


@pytest.mark.parametrize(
    ("hosts", "expected"), [({"grumpy"}, True), ({"lab-1"}, False), ({"lab-1", "grumpy"}, True)]
)
def test_only_the_host_that_has_the_key_runs_a_router(hosts, expected):
    assert guess.runs_open_router(SITE, hosts) is expected


@pytest.mark.parametrize(
    "change",
    [
        ("wamp_server:", "access: closed\n  wamp_server:"),
        ("wamp_server:", "wamp_tls: wss://localhost:8443/ws\n  wamp_server:"),
        ("hosts:", "others:"),
    ],
)
def test_no_router_with_logins_is_guessed(change):
    assert not guess.runs_open_router(SITE.replace(*change), {"grumpy"})


@pytest.mark.parametrize("text", ["", "{hosts: {grumpy: {crossbar: {}}}}", "hosts:\n crossbar:\n"])
def test_what_is_not_understood_is_no_guess(text):
    assert not guess.runs_open_router(text, {"grumpy"})


def test_the_text_is_that_of_the_file_that_will_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(guess, "SYSTEM_FOLDER", tmp_path / "etc")
    monkeypatch.delenv("OCS_CONFIG_DIR", raising=False)
    assert guess.text_of(None) == ""
    (tmp_path / "site-configs").mkdir()
    (tmp_path / "site-configs" / "default.yaml").write_bytes(b"usual \xff")
    assert guess.text_of(None) == "usual \ufffd"
    assert guess.text_of(str(tmp_path / "missing.yaml")) == ""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "default.yaml").write_text("mine")
    monkeypatch.setenv("OCS_CONFIG_DIR", str(tmp_path / "mine"))
    assert guess.text_of(None) == "mine"
