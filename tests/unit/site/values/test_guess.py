"""An open router and agents that a host probably runs, by the text of the site file alone."""

import os

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


@pytest.mark.parametrize(
    ("hosts", "agents"), [({"lab-1"}, 2), ({"grumpy"}, 0), ({"other"}, 0), ({"lab-1", "other"}, 2)]
)
def test_agents_of_a_host_are_counted_however_they_are_written(hosts, agents):
    assert guess.agents_of(SITE, hosts) == agents


@pytest.mark.parametrize(
    ("line", "agents"),
    [
        ("{'agent-class': 'A', 'instance-id': 'a'}, {\"agent-class\" : 'B'}", 3),
        ("# - {agent-class: A}", 1),
        ("- instance-id: agent-class", 1),
    ],
)
def test_agents_in_other_styles_are_counted_and_comments_are_not(line, agents):
    text = SITE.replace("- {agent-class: FakeDataAgent, instance-id: crossbar}", line)
    assert guess.agents_of(text, {"lab-1"}) == agents


def test_no_agents_are_guessed_where_people_log_in():
    assert guess.agents_of(SITE.replace("wamp_server:", "access: closed\n  x:"), {"lab-1"}) == 0


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


def test_a_pipe_is_left_to_who_reads_it_next(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, b"text")
    os.close(writing)
    assert guess.text_of(f"/proc/self/fd/{reading}") == ""
    assert os.read(reading, 10) == b"text"
    os.close(reading)
