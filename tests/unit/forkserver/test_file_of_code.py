"""Which file an agent's code is in, told before it is loaded."""

import sys

import pytest

from ocsd.agent.wellbeing import this_process
from ocsd.forkserver import program
from ocsd.site.plugins import AgentEntry
from ocsd.system import notify


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package observatory_agents, which the test fills."""
    folder = tmp_path / "observatory_agents"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "thermo.py").write_text("def main(args=None): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [each for each in sys.modules if each.startswith("observatory_agents")]:
        del sys.modules[name]


def test_the_file_of_a_script_is_the_script():
    entry = AgentEntry("Thermo", None, script="/agents/thermo.py")
    assert program.file_of(entry) == "/agents/thermo.py"


def test_the_file_of_a_module_is_found_without_loading_it(package):
    entry = AgentEntry("Thermo", "observatory_agents.thermo")
    assert program.file_of(entry) == str(package / "thermo.py")
    assert "observatory_agents.thermo" not in sys.modules


def test_a_package_that_cannot_be_imported_is_where_to_look(package):
    (package / "__init__.py").write_text("raise RuntimeError('no library')\n")
    entry = AgentEntry("Thermo", "observatory_agents.thermo")
    assert program.file_of(entry) == str(package / "__init__.py")


@pytest.mark.parametrize("module", [None, "there_is_no_such_package.agent"])
def test_what_is_not_found_has_no_file(module):
    assert program.file_of(AgentEntry("Thermo", module)) == ""


def test_the_last_words_name_the_file(monkeypatch, capsys):
    told = []
    monkeypatch.setattr(program, "notify", lambda **fields: told.append(fields))
    monkeypatch.setattr(this_process, "_code_file", "/agents/thermo.py")
    assert program.report_failure("no library", 125) == 125
    assert told == [
        {"STATUS": "no library", "X_FAILURE": "no library", "X_CODE": "/agents/thermo.py"}
    ]
    assert "ocsd: no library" in capsys.readouterr().err


def test_nobody_needs_to_listen(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setattr(this_process, "_code_file", "")
    assert this_process.set_code_file("/agents/thermo.py") is notify.Delivery.NOBODY
    assert this_process.code_file() == "/agents/thermo.py"
