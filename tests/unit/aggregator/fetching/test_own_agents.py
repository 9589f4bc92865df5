"""The agents to which an aggregator listens."""

import pytest

from ocsd.aggregator.fetching.own_agents import OwnAgents
from ocsd.aggregator.numbers.share import Share
from ocsd.system.paths import RECORDED_AGENTS, RECORDED_BY_VARIABLE

ALL = ("lab..feeds.", {"match": "wildcard"})
OF_HOST = Share("dome", of_site=False)


class Scene:
    def __init__(self, folder):
        self.file = folder / RECORDED_AGENTS
        self.subscribed = []

    def own_agents(self, share=OF_HOST):
        return OwnAgents(lambda *asked: self.subscribed.append(asked), "lab", share)


def of_agent(name):
    return f"lab.{name}.feeds.", {"match": "prefix"}


@pytest.fixture
def scene(tmp_path, monkeypatch):
    monkeypatch.setenv(RECORDED_BY_VARIABLE, str(tmp_path / "recorded-by"))
    return Scene(tmp_path)


def test_the_aggregator_of_the_site_listens_to_all(scene):
    scene.file.write_text("thermo")
    own = scene.own_agents(Share("dome"))
    own.look()
    assert scene.subscribed == [ALL, ("lab.ocsd.own-share", {}), ("lab.ocsd.calm", {})]


def test_the_aggregator_of_one_host_listens_to_the_agents_of_the_host(scene):
    scene.file.write_text("thermo\ndome-2")
    own = scene.own_agents()
    own.look()
    assert scene.subscribed == [of_agent("dome-2"), of_agent("thermo")]


def test_an_agent_that_comes_with_a_reload_is_heard(scene):
    scene.file.write_text("thermo")
    own = scene.own_agents()
    scene.file.unlink()
    own.look()
    scene.file.write_text("another\nthermo")
    own.look()
    own.look()
    assert scene.subscribed == [of_agent("thermo"), of_agent("another")]


def test_without_a_list_the_aggregator_of_one_host_listens_to_all(scene):
    own = scene.own_agents()
    own.look()
    assert scene.subscribed == [ALL]


def test_an_aggregator_by_hand_listens_to_all(scene, monkeypatch):
    monkeypatch.delenv(RECORDED_BY_VARIABLE)
    scene.file.write_text("thermo")
    scene.own_agents().look()
    assert scene.subscribed == [ALL]
