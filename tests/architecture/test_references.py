from pathlib import Path

import pytest

from tests.architecture.measures.references import Files, Modules, dead_in_code, dead_in_pages
from tests.architecture.planted import source, sources

_PART = """
import os
from ocsd.base import Limit as Bound

LIMIT_S: float = 5
A, B = 1, 2
if os.name == "posix":
    ONLY_HERE = 1

class Part:
    size = 1

    def __init__(self):
        self.mood = 2

    def work(self): ...

class Derived(Part): ...

def run(): ...
"""


@pytest.fixture
def root(tmp_path):
    for name in ("docs/data.md", "docs/agents/testing.md", "ocsd/part.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def _dead(root: Path, text: str, page: str = "docs/data.md") -> list[str]:
    path = root / page
    path.write_text(f"One\n{text}\n")
    modules = Modules(sources(**{"part": _PART, "room": "", "room.deep": "X = 1"}))
    places = dead_in_pages([path], Files(root, root.rglob("*.md")), modules)
    assert all((place.path, place.line) == (page, 2) for place in places)
    return [place.text.removeprefix("there is no ") for place in places]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("See docs/wire.md.", "docs/wire.md"),
        ("(docs/wire.md, Feeds)", "docs/wire.md"),
        ("the folder docs/pictures/", "docs/pictures/"),
        ("in `ocsd/compat/ocs.py`", "ocsd/compat/ocs.py"),
        ("as wire.md has it", "wire.md"),
        ("`ocsd.gone`", "ocsd.gone"),
        ("``ocsd.part.Missing``", "ocsd.part.Missing"),
        ("`ocsd.part.Part.missing`", "ocsd.part.Part.missing"),
        ("[mypy-ocsd.gone]", "ocsd.gone"),
        ("ocsd.room.shallow.", "ocsd.room.shallow"),
        ("ocsd_agents.gone", "ocsd_agents.gone"),
    ],
)
def test_a_dead_name_is_found(root, text, name):
    assert _dead(root, text) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "See docs/data.md, and docs/agents/.",
        "See testing.md or agents/testing.md.",
        "ocsd/part.py",
        "`ocsd.part` and `ocsd.room.deep.X`",
        "ocsd.part.LIMIT_S ocsd.part.A ocsd.part.B ocsd.part.ONLY_HERE ocsd.part.run",
        "ocsd.part.Part.size ocsd.part.Part.mood ocsd.part.Part.work",
        "ocsd.part.Derived.work, which it inherits",
        "ocsd.part.Bound.anything, which is imported",
        "ocsd.service ocsd.log",
        "ocsd.status/1",
        "https://example.org/docs/other.md",
        "/etc/ocsd/docs/other.md",
        "ocsd.x and docs/NAME.md stand for any",
        "docs/*.md",
        "ocsd/HOST/router",
    ],
)
def test_other_names_are_left_alone(root, text):
    assert _dead(root, text) == []


def test_a_page_may_be_named_from_the_folder_of_its_reader(root):
    assert _dead(root, "agents/testing.md", "README.md") == ["agents/testing.md"]
    assert _dead(root, "agents/testing.md", "docs/data.md") == []


def test_docstrings_comments_and_attribute_docstrings_are_searched(root):
    text = '"""See\ndocs/wire.md."""\nA = 1\n"""ocsd.gone"""\nb = "ocsd.gone"  # docs/wire.md\n'
    found = dead_in_code([source(text)], Files(root, []), Modules([]))
    assert [(place.line, place.text) for place in found] == [
        (2, "there is no docs/wire.md"),
        (4, "there is no ocsd.gone"),
        (5, "there is no docs/wire.md"),
    ]


def test_code_itself_is_not_searched(root):
    text = "import ocsd.gone\npath = 'docs/wire.md'\n"
    assert not dead_in_code([source(text)], Files(root, []), Modules([]))
