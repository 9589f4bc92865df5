"""Which agent an author means by ``--ocsd-agent``."""

import sys
from pathlib import Path

import pytest

from ocsd.errors import PluginError, UnknownAgentClassError
from ocsd.testing import subject

FAKE = Path(__file__).parents[3] / "agents" / "fake_data" / "agent.py"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("FakeDataAgent", ["-m", "ocsd_agents.fake_data.agent"]),
        ("ocsd_agents.fake_data.agent:main", ["-m", "ocsd_agents.fake_data.agent"]),
        (str(FAKE), [str(FAKE)]),
    ],
)
def test_an_agent_is_named_by_class_module_or_file(name, words):
    found = subject.find(name, "--mode 'acq'")
    assert found.file.samefile(FAKE)
    assert found.command("--more") == [sys.executable, *words, "--mode", "acq", "--more"]


def test_a_class_of_a_plug_in_file_in_this_folder_is_found(tmp_path):
    (tmp_path / "mine.py").write_text("")
    (tmp_path / "ocs_plugin_mine.py").write_text("agents = [('MineAgent', 'mine.py')]\n")
    assert subject.find("MineAgent").command() == [sys.executable, str(tmp_path / "mine.py")]


def test_a_module_that_only_has_a_main_is_run_by_the_launcher(tmp_path, monkeypatch):
    (tmp_path / "only_main.py").write_text("def main(args=None): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert subject.LAUNCHER in subject.find("only_main:main").command()


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("FakeDatAgent", UnknownAgentClassError, "did you mean 'FakeDataAgent'"),
        ("missing.py", PluginError, "there is no file"),
        ("no_such_package.agent:main", PluginError, "no_such_package"),
        ("HostManager", PluginError, "the daemon itself"),
    ],
)
def test_an_agent_that_there_is_not_is_refused(name, error, text):
    with pytest.raises(error, match=text):
        subject.find(name)


def test_a_simulator_lies_beside_its_agent(tmp_path):
    (tmp_path / "agent.py").write_text("")
    assert subject.find("agent.py").simulate() is None
    (tmp_path / "simulator.py").write_text("def simulate():\n    return 'a device'\n")
    assert subject.find("agent.py").simulate() == "a device"


def test_a_simulator_without_simulate_is_named(tmp_path):
    (tmp_path / "agent.py").write_text("")
    (tmp_path / "simulator.py").write_text("")
    with pytest.raises(PluginError, match=r"simulator\.py has no function simulate\(\)"):
        subject.find("agent.py").simulate()
