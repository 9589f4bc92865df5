"""The pages of the agents agree with their code."""

import importlib
import json
import re
from pathlib import Path

import pytest
from ocsd_agents.ocs_plugin_standard import agents as listed

from ocsd.site.load import load
from tests.unit.site.site_text import HUB

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "write"
# The page of each agent, and the parser's options that stand in it.
AGENTS = {"arduino": "ArduinoAgent", "barebones": "BarebonesAgent", "fake_data": "FakeDataAgent"}

every_agent = pytest.mark.parametrize("name", AGENTS)


def page(name):
    return (PAGES / f"{name.replace('_', '-')}.md").read_text()


def section(name, title):
    """Return the text under a heading."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", page(name), re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def rows(text):
    """Return the cells of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def codes(cell):
    return re.findall(r"`([^`]+)`", cell)


def parser_of(name):
    return importlib.import_module(f"ocsd_agents.{name}.agent").add_agent_args()


def options_of(parser):
    return [action for action in parser._actions if action.dest != "help"]


def test_every_agent_has_a_page_that_the_index_names():
    assert {class_name for class_name, _ in listed} == set(AGENTS.values())
    for name, class_name in AGENTS.items():
        assert page(name).startswith(f"# {class_name}\n")
        assert f"({name.replace('_', '-')}.md)" in (PAGES / "index.md").read_text()


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.md")), ids=lambda path: path.name)
def test_every_link_to_a_file_of_ours_leads_somewhere(path):
    for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


@every_agent
def test_the_site_file_of_a_page_is_valid_for_the_agent(name, tmp_path):
    [example] = re.findall(r"```yaml\n(.*?)```", section(name, "Site file"), re.DOTALL)
    file = tmp_path / "site.yaml"
    file.write_text(HUB + example)
    [instance] = load(file).hosts["localhost"].instances
    assert instance.agent_class == AGENTS[name]
    assert instance.arguments
    parser_of(name).parse_args(list(instance.arguments))


@every_agent
def test_a_page_has_every_option_with_its_default_and_choices(name):
    told = {tuple(codes(row[0])): row for row in rows(section(name, "Options"))}
    options = options_of(parser_of(name))
    assert set(told) == {tuple(option.option_strings) for option in options}
    for option in options:
        _, default, meaning = told[tuple(option.option_strings)]
        expected = "required" if option.required else str(option.default)
        assert default.strip("`") == expected
        assert option.help
        if option.choices:
            assert codes(meaning) == list(option.choices)


@every_agent
def test_a_page_has_feed_fields_and_units(name):
    module = importlib.import_module(f"ocsd_agents.{name}.agent")
    [(feed, block, fields, kind, unit)] = rows(section(name, "Feed"))
    texts = [value for value in vars(module).values() if isinstance(value, str)]
    assert all(code in texts for code in (*codes(feed), *codes(block)))
    assert codes(fields)
    assert kind in {"float", "int"}
    assert unit


@every_agent
def test_the_session_data_of_a_page_are_json(name):
    samples = re.findall(r"```json\n(.*?)```", section(name, "Session data"), re.DOTALL)
    assert samples
    assert all(isinstance(json.loads(sample), dict) for sample in samples)
