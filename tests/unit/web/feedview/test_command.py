"""`ocsd view-feed`: from the variables of OCS's guide to the words of its process."""

import re
from pathlib import Path

import pytest
import yaml

from ocsd.cli.commands.operate import view_feed
from ocsd.cli.main import main
from ocsd.web.feedview.settings import of_words

# As docker-compose.yml of the guide has them.
GUIDE = {
    "TARGET": "fake-data1",
    "NAME": "fake-data1",
    "DESCRIPTION": "Fake temperatures",
    "FEED": "false_temperatures",
    "LOGLEVEL": "info",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("RUNTIME_DIRECTORY", "STATE_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "run"))
    for name in ("OCS_CONFIG_DIR", "SITE_HUB", "BUFFER_TIME", "LISTEN", *GUIDE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def became(monkeypatch):
    commands = []
    monkeypatch.setattr(view_feed, "become", lambda command, _environment: commands.append(command))
    return commands


def test_the_variables_of_the_guide_configure_it(monkeypatch, became):
    for name, value in (GUIDE | {"SITE_HUB": "ws://crossbar:8001/ws"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BUFFER_TIME", "600")
    assert main(["view-feed"]) == 0
    [command] = became
    assert command[3] == "ocsd.web.feedview"
    own = of_words(command[4:])
    assert (own.target, own.feed) == ("fake-data1", "false_temperatures")
    assert (own.name, own.description) == ("fake-data1", "Fake temperatures")
    assert (own.hub, own.realm) == ("ws://crossbar:8001/ws", "test_realm")
    assert own.topic == "observatory.fake-data1.feeds.false_temperatures"
    assert own.buffer_time_s == 600.0


def test_the_service_of_our_guide_starts_it(monkeypatch, became):
    page = (Path(__file__).parents[4] / "docs/write/writing-an-agent.md").read_text()
    [block] = re.findall(r"```yaml\n(  thermo1-view:\n.*?)```", page, re.DOTALL)
    service = yaml.safe_load(block)["thermo1-view"]
    for word in service["environment"]:
        monkeypatch.setenv(*word.split("=", 1))
    *program, command, option, address = service["entrypoint"]
    assert program == ["tini", "--", "ocsd"]
    assert main([command, option, address]) == 0
    own = of_words(became[0][4:])
    assert (own.topic, own.name) == ("observatory.thermo1.feeds.temperatures", "thermo1")
    assert str(own.listen).partition(":")[2] == service["ports"][0].rpartition(":")[2] == "5000"
    assert not own.listen.is_local


def test_options_have_precedence(monkeypatch, became):
    monkeypatch.setenv("TARGET", "other")
    words = ["--target", "thermo1", "--feed", "t", "--hub", "ws://h/ws", "--listen", "0.0.0.0:5001"]
    assert main(["view-feed", *words]) == 0
    own = of_words(became[0][4:])
    assert (own.target, own.name, str(own.listen)) == ("thermo1", "thermo1.t", "0.0.0.0:5001")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "say with --target or $TARGET the instance-id of the agent"),
        (["--target", "a"], "say with --feed or $FEED the name of its feed"),
        (["--target", "a", "--feed", "f", "--listen", "here"], "is not HOST:PORT"),
        (["--target", "a", "--feed", "f", "--buffer-time", "0"], "0 is not in the range"),
        (["--target", "a", "--feed", "f", "--buffer-time", "nan"], "nan"),
    ],
)
def test_what_is_missing_or_wrong_is_told(became, capsys, words, told):
    assert main(["view-feed", *words]) == 2
    assert told in capsys.readouterr().err
    assert not became


def test_without_a_hub_the_site_is_needed(became, capsys):
    assert main(["view-feed", "--target", "a", "--feed", "f"]) == 78
    assert "site file" in capsys.readouterr().err
