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


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import sys\nsys.exit('run by hand')\n",
        "class Simulator:\n    def simulate(self): ...\n",
    ],
)
def test_a_simulator_of_another_form_is_named_once_and_not_run(tmp_path, text):
    (tmp_path / "agent.py").write_text("")
    (tmp_path / "simulator.py").write_text(text)
    with pytest.raises(PluginError, match=r"simulator\.py has no function simulate\(\)") as caught:
        subject.find("agent.py")
    assert "--ocsd-agent-no-simulator" in str(caught.value)
    assert subject.find("agent.py", simulated=False).simulate() is None


@pytest.mark.parametrize(
    "text",
    [
        "from elsewhere import simulate\n",
        "from elsewhere import run as simulate\n",
        "from elsewhere import *\n",
        "simulate = make()\n",
        "try:\n    from a import simulate\nexcept ImportError:\n    simulate = None\n",
        "def simulate(:\n",
    ],
)
def test_a_simulator_may_get_simulate_from_anywhere(tmp_path, text):
    (tmp_path / "agent.py").write_text("")
    (tmp_path / "simulator.py").write_text(text)
    assert subject.find("agent.py").simulated
