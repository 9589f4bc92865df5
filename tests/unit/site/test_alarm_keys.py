"""The key `alarms` of a host: how each mistake in it is told, and what it makes."""

import json

import pytest

from ocsd.errors import SiteFileError
from ocsd.site.alarms.keys import AlarmsKeys
from ocsd.site.difference import difference
from ocsd.site.launch import Launch
from ocsd.site.load import load
from ocsd.site.model import Instance

HEAD = "hub: {wamp_server: 'ws://h:1/ws'}\nhosts:\n  lab:\n    alarms:\n"
TAIL = "    agent-instances:\n    - {agent-class: A, instance-id: thermo1}\n"
HOOK = "      receivers: {log: {command: logger}}\n"


@pytest.fixture
def loaded(tmp_path):
    def load_it(text, tail=TAIL):
        file = tmp_path / "site.yaml"
        file.write_text(f"{HEAD}{text}{tail}")
        return load(file)

    return load_it


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("      [a]\n", 5, "alarms must be a mapping (key: value), not a list"),
        ("      rule: {}\n", 5, "unknown key 'rule' in alarms of host 'lab'; did you mean 'rules'"),
        ("      rules:\n        a: text\n", 6, "a must be a mapping (key: value), not 'text'"),
        ("      rules:\n        a:\n          tell: x\n", 7, "alarm 'a' has no 'when'; write e.g."),
        ("      rules:\n        a:\n          when: up\n", 7, "up cannot be ''"),
        ("      rules:\n        a b: {when: thermo1 up}\n", 6, "name 'a b' cannot be part of"),
        (
            "      rules:\n        a:\n          when: thermo1 up\n          severity: high\n",
            8,
            "severity must be one of info, warning, critical, not 'high'",
        ),
        (
            "      rules:\n        a:\n          when: thermo1 up\n          remind: 5s\n",
            7,
            "remind is 5 s; write at least 60s, or 0",
        ),
        (
            "      rules:\n        a:\n          when: thermo1 up\n          remind: soon\n",
            8,
            "'soon' is no time; write e.g. 30s, 5min, 2h or 1d",
        ),
        (
            "      rules:\n        a:\n          when: thermo1 up\n          remind: true\n",
            8,
            "True is no time",
        ),
        (
            f"{HOOK}      rules:\n        a:\n          when: thermo1 up\n          tell: lgo\n",
            9,
            "alarm 'a' tells 'lgo', which is no receiver; did you mean 'log'?",
        ),
        (
            "      rules:\n        a: {when: thermo1 up, tell: log}\n",
            6,
            "alarm 'a' tells 'log', which is no receiver; there are no receivers",
        ),
        ("      rules:\n        b: {when: thermo1 up}\n        a:\n", 7, "alarm 'a' has no 'when'"),
        ("      receivers: {a: }\n", 5, "there is none of command, mail, webhook, ntfy"),
        ("      heartbeats:\n        w:\n", 6, "there is none of command, url"),
        ("      receivers: {a: {}}\n", 5, "there is none of command, mail, webhook, ntfy"),
        (
            "      receivers: {a: {command: x, ntfy: {url: 'http://n/t'}}}\n",
            5,
            "there are command and ntfy; leave one of them",
        ),
        ("      receivers: {a: {command: ''}}\n", 5, "the list is empty"),
        ("      receivers: {a: {ntfy: {}}}\n", 5, "there is none of url, url-file, url-env"),
        ("      receivers: {a: {ntfy: {url: x}}}\n", 5, "it must start with http://, https://"),
        (
            "      receivers: {a: {webhook: {url: 'https://hooks.slack.com/services/T/SECRET'}}}\n",
            5,
            "the url at hooks.slack.com is a secret",
        ),
        ("      receivers: {a: {mail: {to: night}}}\n", 5, "'night' is no address of mail"),
        ("      receivers: {a: {mail: {}}}\n", 5, "mail of receiver 'a' has no 'to'"),
        (
            "      receivers: {a: {mail: {to: a@b.c, server: 'x:y'}}}\n",
            5,
            "server 'x:y' is not HOST:PORT",
        ),
        (
            "      receivers: {a: {mail: {to: a@b.c, user: x}}}\n",
            5,
            "mail has one of user and password",
        ),
        (
            "      receivers: {a: {mail: {to: a@b.c, server: 'm:25', user: x, password-env: P}}}\n",
            5,
            "mail would send the password to m in clear; write tls: starttls",
        ),
        (
            "      receivers: {a: {mail: {to: a@b.c, passwordfile: x}}}\n",
            5,
            "unknown key 'passwordfile' in mail of receiver 'a'; did you mean 'password-file'?",
        ),
        ("      heartbeats: {a: {every: 60s}}\n", 5, "there is none of command, url, url-file"),
        (
            "      heartbeats: {a: {command: x, every: 1s}}\n",
            5,
            "every is 1 s; write at least 10s",
        ),
        ("      page: control\n", 5, "page 'control' is not a usable URL"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_without_secrets(loaded, text, line, said):
    with pytest.raises(SiteFileError) as caught:
        loaded(text)
    assert f"site.yaml:{line}: " in str(caught.value)
    assert said in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_all_mistakes_are_told_at_once(loaded):
    with pytest.raises(SiteFileError) as caught:
        loaded("      rules:\n        a: {when: thermo1 upp, tell: log}\n        b: {wehn: x}\n")
    assert len(str(caught.value).splitlines()) == 3


def test_what_is_right_becomes_rules_and_files_are_found_beside_the_site_file(loaded, tmp_path):
    site = loaded(
        "      rules:\n"
        "        log-dir: {when: thermo1.f.x > 5 for 30s, severity: critical, tell: log}\n"
        "        other: {when: thermo2 silent for 5min, remind: 120, text: }\n"
        "      receivers:\n"
        "        log: {mail: {to: a@b.c, user: x, password-file: secret, server: 127.0.0.1}}\n"
        "      heartbeats: {h: {url-env: BEAT}}\n"
    )
    [warning] = site.warnings
    assert "alarm 'other' is about 'thermo2', which the site file does not have; did you" in warning
    keys = AlarmsKeys.model_validate(json.loads(json.dumps(site.hosts["lab"].alarms)))
    assert keys.receivers["log"].mail.password_file == str(tmp_path / "secret")
    first, second = keys.entries()
    assert (first.name, first.severity.word, first.tell) == ("log-dir", "critical", ("log",))
    assert (second.when, second.remind_s) == ("thermo2 silent for 5min", 120.0)
    assert keys.heartbeats["h"].every == 60.0


def test_conditions_on_what_ocsd_has_itself_are_no_mistake(loaded):
    rules = ("router not up", "recorder losing", "disk data free < 5%", "aggregator hung")
    text = "".join(f"        r{place}: {{when: '{rule}'}}\n" for place, rule in enumerate(rules))
    assert loaded(f"      rules:\n{text}").warnings == ()


def test_an_empty_key_is_no_alarms(loaded):
    assert loaded("").hosts["lab"].alarms is None


def test_a_changed_rule_restarts_the_evaluator_alone_and_is_shown(loaded):
    def launches(alarms):
        hub = loaded("").hub
        common = {"site_file": "x", "host": "lab", "hub": hub, "working_dir": "/"}
        agent = Instance(instance_id="thermo1", agent_class="A")
        process = Instance(instance_id="alarms", agent_class="Alarms")
        return {
            "thermo1": Launch(instance=agent, **common),
            "alarms": Launch(instance=process, alarms=alarms, **common),
        }

    before = launches({"rules": {"a": {"when": "thermo1 up"}, "b": {"when": "thermo1 ok"}}})
    after = launches({"rules": {"a": {"when": "thermo1 up"}, "b": {"when": "thermo1 hung"}}})
    found = difference(before, after)
    assert list(found.changed) == ["alarms"]
    assert found.values["alarms"] == {"rules.b.when": ("thermo1 ok", "thermo1 hung")}
