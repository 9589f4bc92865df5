"""docs/reference/site-file.md has every key of the models, and only those."""

import re
from pathlib import Path

import pytest

from ocsd.alarms.parsing import FORMS
from ocsd.site.alarms.keys import (
    AlarmRuleKeys,
    AlarmsKeys,
    HeartbeatKeys,
    MailKeys,
    NtfyKeys,
    ReceiverKeys,
    WebhookKeys,
)
from ocsd.site.load import load
from ocsd.site.model import MANAGE_WORDS, Crossbar, Host, Hub, Instance, Site, Web
from ocsd.site.supervision import LivenessKeys, ResourceLimits
from ocsd.site.wording import keys_of

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "site-file.md").read_text()


def section(title):
    return re.split(r"\n##+ ", PAGE.split(f"# {title}\n", 1)[1])[0]


def names(title):
    """Return what the first column of the table under a title has."""
    return names_in(section(title))


def names_in(text):
    cells = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
    return sorted(name for cell in cells for name in re.findall(r"`([^`]+)`", cell))


@pytest.mark.parametrize(
    ("title", "model"),
    [
        ("The top level", Site),
        ("hub", Hub),
        ("A host", Host),
        ("crossbar", Crossbar),
        ("web", Web),
        ("An instance", Instance),
    ],
)
def test_the_page_has_every_key_of_a_model(title, model):
    assert names(title) == sorted(keys_of(model))


def test_the_page_has_every_key_inside_an_instance():
    told = set(re.findall(r"`([\w-]+)`", section("An instance").rpartition("|\n")[2]))
    assert told >= keys_of(LivenessKeys) | keys_of(ResourceLimits)


def test_the_page_has_every_key_of_alarms():
    told = section("alarms")
    whole, rule, _, receiver = re.split(r"\n(?:A rule|The forms|A receiver)[^|]*\n", told)
    assert names_in(whole) == sorted(keys_of(AlarmsKeys))
    assert names_in(rule) == sorted(keys_of(AlarmRuleKeys))
    assert names_in(receiver) == sorted(keys_of(ReceiverKeys))
    inner = keys_of(MailKeys) | keys_of(WebhookKeys) | keys_of(NtfyKeys) | keys_of(HeartbeatKeys)
    assert set(re.findall(r"`([\w-]+)`", receiver)) >= inner


def test_the_page_has_every_form_of_a_condition():
    told = re.findall(r"^\| (.*?) \|", section("alarms"), re.MULTILINE)
    shown = (
        " ".join(told).replace("INSTANCE.FEED.FIELD", "FIELD").replace("INSTANCE[.FEED]", "FEED")
    )
    assert [form for form in FORMS.splitlines() if form not in shown] == []


def test_the_alarms_of_the_page_are_right(tmp_path):
    (example,) = re.findall(r"```yaml\n( +alarms:.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "site.yaml"
    entry = "    agent-instances:\n      - {agent-class: A, instance-id: thermo1}\n"
    file.write_text(f"hub: {{wamp_server: 'ws://h:1/ws'}}\nhosts:\n  lab:\n{example}{entry}")
    site = load(file)
    assert site.warnings == ()
    assert list(site.hosts["lab"].alarms["rules"]) == ["stage-warm", "thermo1-silent"]


def test_the_page_has_every_word_of_manage():
    words = {word for word in MANAGE_WORDS if isinstance(word, str)}
    assert set(names("manage")) == words - {"docker-up", "docker-down"}


def test_the_defaults_of_the_hub_are_those_of_the_page():
    hub = Hub(wamp_server="ws://h:1/ws")
    told = dict(re.findall(r"^\| `(\w+)` \|.*\| `(\S+)` \|$", section("hub"), re.MULTILINE))
    named = (hub.access, hub.wamp_realm, hub.address_root)
    assert told == dict(zip(("access", "wamp_realm", "address_root"), named, strict=True))
    assert hub.wamp_http == "http://h:1/call"


def test_the_example_is_right(tmp_path):
    example, *_ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "site.yaml"
    file.write_text(example)
    site = load(file)
    assert site.warnings == ()
    assert list(site.hosts) == ["control", "cryostat"]


def test_two_lines_close_a_site(tmp_path):
    _, example, *_ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "site.yaml"
    file.write_text(example)
    hub = load(file).hub
    assert (hub.is_closed, hub.tls_url) == (True, "wss://control.example:8443/ws")
    assert hub.wamp_http == "https://control.example:8443/call"


def test_words_among_the_arguments_become_what_the_page_says(tmp_path):
    rows = re.findall(r"^\| (.*?) \| (.*?) \|$", section("Arguments"), re.MULTILINE)[1:]
    assert len(rows) == 5
    for written, text in rows:
        for word in re.findall(r"`(.+?)`", written):
            file = tmp_path / "site.yaml"
            file.write_text(
                "hub: {wamp_server: 'ws://h:1/ws'}\nhosts:\n  lab:\n    agent-instances:\n"
                f"      - {{agent-class: A, instance-id: a, arguments: [{word}]}}\n"
            )
            site = load(file)
            (argument,) = site.hosts["lab"].instances[0].arguments
            assert f"`{argument}`" in text
            assert bool(site.warnings) == ("warning" in text)
