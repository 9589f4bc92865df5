"""Finding the code of an agent class."""

import sys

import pytest

from ocsd.errors import PluginError, UnknownAgentClassError
from ocsd.site.plugins import AgentEntry, moved
from ocsd.site_config import agent_class, agent_classes
from ocsd.text.reason import shortened


@pytest.fixture
def folder(tmp_path):
    """A folder for plug-in files, with two agents."""
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("raise AssertionError('agents are not imported')\n")
    return tmp_path


@pytest.fixture
def plugin(folder):
    def write(text, name="ocs_plugin_lab.py"):
        (folder / name).write_text(text)
        return [str(folder)]

    return write


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Install a package that publishes agents through an entry point."""

    modules = []

    def install(name, agents):
        root = tmp_path / f"installed-{name}"
        metadata = root / f"{name}-1.0.dist-info"
        metadata.mkdir(parents=True)
        module = f"plugin_of_{name}"
        modules.append(module)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[ocs.plugins]\n{name} = {module}\n")
        (root / f"{module}.py").write_text(f"package_name = {name!r}\nagents = {agents}\n")
        monkeypatch.syspath_prepend(str(root))
        return module

    yield install
    for module in modules:
        sys.modules.pop(module, None)


OLD_STYLE = """\
import os
import ocs

root = os.path.abspath(os.path.split(__file__)[0])
for n, f in [('OneAgent', 'one.py'), ('TwoAgent', 'two.py')]:
    ocs.site_config.register_agent_class(n, os.path.join(root, f))
"""


def test_built_in_agents_need_no_plugin():
    assert agent_class("RegistryAgent").module == "ocsd.registry.agent"
    assert agent_class("AggregatorAgent").module == "ocsd.aggregator.agent"
    assert agent_class("HostManager").module is None


def test_ocsds_own_agents_are_found():
    assert agent_class("FakeDataAgent") == AgentEntry(
        "FakeDataAgent", "ocsd_agents.fake_data.agent", "main", source="ocsd"
    )


@pytest.mark.parametrize(
    "text",
    [
        OLD_STYLE,
        "from ocs import site_config\nsite_config.register_agent_class('OneAgent', 'one.py')\n",
        "from ocs.site_config import register_agent_class as r\nr('OneAgent', 'one.py')\n",
        "from ocsd.site_config import register_agent_class as r\nr('OneAgent', 'one.py')\n",
        "agents = [('OneAgent', 'one.py')]\n",
        "agents = {'OneAgent': 'one.py'}\n",
    ],
)
def test_every_form_of_plugin_file_works(plugin, folder, text):
    entry = agent_class("OneAgent", plugin(text))

    assert entry.script == str(folder / "one.py")
    assert entry.module is None
    assert entry.source == str(folder / "ocs_plugin_lab.py")


def test_a_plugin_file_leaves_nothing_behind_in_the_process(plugin):
    modules, path = set(sys.modules), list(sys.path)

    agent_classes(plugin(OLD_STYLE))

    new = set(sys.modules) - modules
    assert not [name for name in new if name.partition(".")[0] == "ocs"]
    assert sys.path == path
    assert set(sys.modules) >= modules


def test_a_published_ocs_that_is_imported_already_is_put_back(plugin, monkeypatch):
    published = type(sys)("ocs")
    monkeypatch.setitem(sys.modules, "ocs", published)

    assert "OneAgent" in agent_classes(plugin(OLD_STYLE)).entries
    assert sys.modules["ocs"] is published


def test_an_edited_plugin_file_is_read_anew(plugin):
    assert "OneAgent" in agent_classes(plugin("agents = [('OneAgent', 'one.py')]\n")).entries
    assert "TwoAgent" in agent_classes(plugin("agents = [('TwoAgent', 'two.py')]\n")).entries


def test_a_plugin_file_may_import_its_neighbours(plugin, folder):
    (folder / "neighbour_of_plugin.py").write_text("AGENTS = [('OneAgent', 'one.py')]\n")

    paths = plugin("from neighbour_of_plugin import AGENTS as agents\n")

    assert agent_class("OneAgent", paths).script == str(folder / "one.py")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nothing_of_that_name\n", "ModuleNotFoundError: No module named 'nothing_of_that_"),
        ("x = 1\nif x\n", "SyntaxError: expected ':' in ocs_plugin_lab.py, line 2"),
        ("agent = [('OneAgent', 'one.py')]\n", "it lists no agents; write agents = "),
        ("agents = ['OneAgent']\n", "entry 1 of agents is 'OneAgent', not a pair"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit('no licence')\n", "SystemExit: no licence"),
        ("agents = 5\n", "TypeError"),
        ("agents = ['OneAgent']\n", "ValueError"),
        ("agents = [('OneAgent', 'absent.py')]\n", "agent class OneAgent: there is no file"),
        ("agents = {'OneAgent': {'modul': 'x'}}\n", "'module' and 'entry_point' must be names"),
        ("agents = {'OneAgent': 5}\n", "5 is neither a path nor"),
        ("agents = {5: 'one.py'}\n", "5 is not the name of an agent class"),
    ],
)
def test_a_broken_plugin_is_told_and_disturbs_no_other(plugin, folder, text, reason):
    plugin(OLD_STYLE.replace("OneAgent", "OtherAgent"), "ocs_plugin_zzz.py")
    paths = plugin(text)

    catalogue = agent_classes(paths)

    (failure,) = catalogue.failures
    assert str(failure).startswith(f"plug-in {folder / 'ocs_plugin_lab.py'}: ")
    assert reason in failure.reason
    assert {"OtherAgent", "FakeDataAgent", "RegistryAgent"} <= catalogue.entries.keys()


def test_what_a_plugin_registered_before_it_failed_counts(plugin):
    catalogue = agent_classes(plugin(OLD_STYLE + "1 / 0\n"))

    assert "OneAgent" in catalogue.entries
    assert len(catalogue.failures) == 1


def test_a_class_that_may_be_in_a_broken_plugin_is_told_with_its_failure(plugin):
    with pytest.raises(PluginError, match=r"class 'OneAgent'.*ocs_plugin_lab.py: ZeroDivisionErr"):
        agent_class("OneAgent", plugin("1 / 0\n"))


def test_an_agent_path_that_is_no_folder_is_told(tmp_path):
    (failure,) = agent_classes([str(tmp_path / "absent")]).failures

    assert failure.no_folder
    assert "there is no such folder" in failure.reason


def test_an_unknown_class_is_told_with_the_nearest_name():
    with pytest.raises(UnknownAgentClassError, match="'FakeDataAgnt'; did you mean 'FakeDataAge"):
        agent_class("FakeDataAgnt")


def test_an_unknown_class_like_no_other_is_told_with_all_names():
    with pytest.raises(UnknownAgentClassError, match=r"known are .*FakeData.*Registry") as caught:
        agent_class("ZyxwvutsrqponAgent")

    # Where a reason is cut, as in `ocsd start`, the names give way and not the advice.
    assert "into a folder of agent-paths;" in shortened(str(caught.value) + ", Other" * 50)


def test_an_installed_package_brings_agents(distribution):
    agents = {
        "LabAgent": {"module": "lab.agents.lab", "entry_point": "run"},
        "OtherAgent": {"module": "lab.other", "fork_safe": False, "preload": ["scipy"]},
    }
    distribution("lab", agents)

    assert agent_class("LabAgent") == AgentEntry("LabAgent", "lab.agents.lab", "run", source="lab")
    other = agent_class("OtherAgent")
    assert (other.entry_point, other.fork_safe, other.preload) == ("main", False, ("scipy",))


def test_an_installed_package_that_cannot_be_imported_is_a_failure(distribution):
    distribution("lab", "1 / 0")

    (failure,) = agent_classes().failures

    assert str(failure) == "plug-in lab: ZeroDivisionError: division by zero"


def test_the_first_of_two_plugins_wins_with_a_warning_that_names_both(plugin, distribution):
    distribution("lab", {"OneAgent": {"module": "lab.one"}, "FakeDataAgent": {"module": "lab.f"}})
    paths = plugin("agents = [('OneAgent', 'one.py')]\n")

    catalogue = agent_classes(paths)

    assert catalogue.entries["OneAgent"].script == f"{paths[0]}/one.py"
    assert catalogue.entries["FakeDataAgent"].source == "ocsd"
    first, second = sorted(catalogue.warnings)
    assert first == (
        "agent class FakeDataAgent of lab (lab.f) is not used, ocsd has one of that name "
        "(ocsd_agents.fake_data.agent)"
    )
    assert "OneAgent of lab (lab.one) is not used" in second
    assert f"{paths[0]}/ocs_plugin_lab.py has one of that name" in second


def test_agents_of_the_published_ocs_fill_what_ocsd_lacks(distribution):
    published = {
        name: {"module": f"ocs.agents.{name}"} for name in ("FakeDataAgent", "InfluxAgent")
    }
    module = distribution("ocs", published)

    catalogue = agent_classes()

    assert catalogue.entries["InfluxAgent"].module == "ocs.agents.InfluxAgent"
    assert catalogue.entries["FakeDataAgent"].source == "ocsd"
    assert catalogue.warnings == ()
    assert module not in sys.modules


def test_whoever_looks_for_one_class_is_warned_of_another_of_its_name(plugin, distribution):
    distribution("lab", {"OneAgent": {"module": "lab.one"}, "TwoAgent": {"module": "lab.two"}})
    paths = plugin("agents = [('OneAgent', 'one.py')]\n")

    (warning,) = agent_class("OneAgent", paths).warnings

    assert "OneAgent of lab (lab.one) is not used" in warning
    assert f"{paths[0]}/ocs_plugin_lab.py has one of that name" in warning
    assert agent_class("TwoAgent", paths).warnings == ()


def test_for_a_built_in_class_no_plugin_is_imported(distribution):
    module = distribution("lab", {"OneAgent": {"module": "lab.one"}})

    assert agent_class("AggregatorAgent").module == "ocsd.aggregator.agent"

    assert module not in sys.modules


def test_a_package_that_is_installed_later_is_found(distribution):
    assert "OneAgent" not in agent_classes().entries
    distribution("lab", {"OneAgent": {"module": "lab.one"}})
    assert agent_classes().entries["OneAgent"].source == "lab"


def test_what_a_broken_installation_left_behind_hides_no_plugin(distribution, tmp_path):
    distribution("sound", {"LabAgent": {"module": "lab.agents.lab"}})
    left = tmp_path / "installed-sound" / "gone-1.0.dist-info"
    left.mkdir()
    (left / "entry_points.txt").write_text("[ocs.plugins]\ngone = gone.plugin\n")
    assert agent_class("LabAgent").module == "lab.agents.lab"


def test_a_class_whose_file_is_missing_is_told_with_that_file_only(plugin):
    folders = plugin("agents = [('GoneAgent', 'gone.py'), ('BadAgent', 3)]\n")
    with pytest.raises(PluginError) as told:
        agent_class("GoneAgent", folders)
    assert "there is no file" in str(told.value)
    assert "BadAgent" not in str(told.value)


def test_that_all_classes_end_alike_makes_none_of_them_near():
    with pytest.raises(UnknownAgentClassError) as told:
        agent_class("NopeAgent")
    assert "did you mean" not in str(told.value)


def test_classes_have_moved_if_other_folders_find_other_code_for_them(folder, plugin):
    paths = plugin("agents = [('OneAgent', 'one.py'), ('TwoAgent', 'two.py')]\n")
    other = folder / "other"
    other.mkdir()
    (other / "one.py").write_text("")
    (other / "ocs_plugin_more.py").write_text("agents = [('OneAgent', 'one.py')]\n")
    alone, both = agent_classes(paths), agent_classes([str(other), *paths])

    assert moved(alone, both) == {"OneAgent"}
    assert moved(alone, agent_classes([*paths, str(other)])) == set()
    assert moved(agent_classes([]), alone) == {"OneAgent", "TwoAgent"}
    assert moved(alone, agent_classes([])) == {"OneAgent", "TwoAgent"}
    respelled = agent_classes([f"{folder}/other/.."])
    assert moved(alone, respelled) == set()
