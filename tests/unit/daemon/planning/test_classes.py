"""A reload is refused if it would restart what runs with a class that is not found."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from ocsd import site_config
from ocsd.daemon.planning.classes import (
    looked_up_anew,
    refusal_of,
    refuse_lost_classes,
    restarted_by,
)
from ocsd.daemon.planning.reload import Change
from ocsd.errors import SiteFileError
from ocsd.site.difference import Difference
from ocsd.site.load import load
from ocsd.supervisor.amendment import Effect
from ocsd.supervisor.events import State
from ocsd.supervisor.lifecycle import Lifecycle

FILE = """\
hub: {wamp_server: 'ws://localhost:1/ws'}
hosts:
  lab:
    agent-paths: [plugins]
    agent-instances:
      - {agent-class: FakeDataAgnt, instance-id: typo}
      - {agent-class: FakeDataAgent, instance-id: right}
      - {agent-class: LabAgent, instance-id: lab1}
      - {agent-class: Elsewhere, instance-id: docked, manage: docker}
      - {agent-class: Theirs, instance-id: theirs, runtime: ocs, python: /no/python}
"""
LAB = "agents = [('LabAgent', 'lab.py')]\n"


@pytest.fixture
def plugin(tmp_path):
    """The file that lists LabAgent."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/lab.py").write_text("")
    file = tmp_path / "plugins/ocs_plugin_lab.py"
    file.write_text(LAB)
    return file


@pytest.fixture
def change(tmp_path, plugin):
    """A change that, until a test says otherwise, touches nothing."""
    (tmp_path / "site.yaml").write_text(FILE)
    site = load(tmp_path / "site.yaml")
    host = site.hosts["lab"]
    settings = SimpleNamespace(site=site, plan=SimpleNamespace(host=host, instances=host.instances))
    return Change(settings, Difference((), (), {}, {}))


def names(change, lives=()):
    return [each.instance_id for each in restarted_by(change, dict(lives))]


def refusal(change, *restarted):
    host = change.settings.plan.host
    entries = [each for each in host.instances if each.instance_id in restarted]
    return refusal_of(change, entries, site_config.agent_classes(host.agent_paths))


@pytest.mark.parametrize(
    ("effect", "state", "is_judged"),
    [
        (Effect.RESTARTS, State.UP, True),
        (Effect.RESTARTS, State.STARTING, True),
        (Effect.STARTS, State.BACKOFF, True),  # it would have come back by itself
        (Effect.STARTS, State.FAILED, False),
        (Effect.STARTS, State.DOWN, False),
        (Effect.GOES_ON, State.UP, False),
        (Effect.ENDS, State.UP, False),
        (Effect.STAYS_DOWN, State.DOWN, False),
    ],
)
def test_what_a_reload_interrupts_is_judged_and_nothing_else(change, effect, state, is_judged):
    change = replace(change, effects={"typo": effect})
    assert names(change, {"typo": Lifecycle(state=state)}.items()) == ["typo"] * is_judged


def test_a_new_instance_is_not_judged_it_fails_alone_as_at_a_start(change):
    assert names(replace(change, effects={"typo": Effect.STARTS})) == []


def test_a_class_that_is_not_found_is_told_as_ocsd_check_does_and_then_the_consequence(change):
    lines = refusal(change, "typo", "right", "lab1", "docked").splitlines()
    path = change.settings.site.path
    assert len(lines) == 2
    assert lines[0].startswith(
        f"{path}:6: instance 'typo': no plug-in has the agent class 'FakeDataAgnt'; "
        "did you mean 'FakeDataAgent'?; correct agent-class, "
    )
    assert lines[1] == "nothing has changed, because what runs could not start again (1 instance)"
    assert refusal(change, "right", "lab1", "docked") == ""


def test_an_interpreter_that_is_not_there_is_refused_too(change):
    assert "python /no/python is not a program" in refusal(change, "theirs")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("agents = [", "ocs_plugin_lab.py: SyntaxError: "),
        ("agents = [('LabAgent', 'gone.py')]", "agent class LabAgent: there is no file"),
        (None, "no plug-in has the agent class 'LabAgent'"),
    ],
)
def test_a_class_that_is_gone_from_the_disk_is_refused_for_what_would_restart(
    change, plugin, text, reason
):
    plugin.unlink() if text is None else plugin.write_text(text)
    assert reason in refusal(change, "lab1", "right")
    assert refusal(change, "right") == ""
    assert names(change) == []  # the same file touches nothing


def test_a_new_interpreter_finds_the_classes_whatever_a_plugin_prints(change, plugin):
    plugin.write_text(f"print('hello')\n{LAB}")
    (plugin.parent / "ocs_plugin_worse.py").write_text("agents = [")
    paths = change.settings.plan.host.agent_paths
    here, found = site_config.agent_classes(paths), looked_up_anew(paths)
    assert set(found.entries) == set(here.entries)
    assert found.failures == here.failures != ()


def test_a_package_that_only_a_new_interpreter_sees_is_no_reason_to_refuse(
    change, plugin, monkeypatch
):
    everything = site_config.agent_classes
    monkeypatch.setattr(site_config, "agent_classes", lambda _: everything([]))
    fleet = SimpleNamespace(everyone=list)
    refuse_lost_classes(replace(change, effects={"lab1": Effect.RESTARTS}), fleet)
    plugin.unlink()
    with pytest.raises(SiteFileError, match="'LabAgent'"):
        refuse_lost_classes(replace(change, effects={"lab1": Effect.RESTARTS}), fleet)
