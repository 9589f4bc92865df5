"""The command ``python -m tests.architecture``, on a tree of two files."""

import pytest

from tests.architecture import __main__ as command
from tests.architecture.listings import LISTINGS, below
from tests.architecture.measures.source import Place
from tests.architecture.repository import Repository
from tests.architecture.scoreboard import Density, scoreboard

_PLANTED = '''"""What this is. See docs/wire.md."""

LIMIT_S = VALUE
EQUAL_S = 3

class Run:
    """Told anew."""

    def f(self):
        try:
            return [a for b in c for a in b] if b else None  # type: ignore[x]
        except Exception:
            raise


def _complex(a):
'''
_BRANCHES = "    if a: a()\n" * 11
_LONG_FUNCTION = "def long():\n" + "    x = 1\n" * 50
_LONG_CLASS = "class Long:\n" + "    x = 1\n" * 201


def _planted(value: str, other: str) -> str:
    defects = _PLANTED.replace("VALUE", value) + _BRANCHES + _LONG_FUNCTION + _LONG_CLASS
    return f"{defects}import {other}\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    for folder in ("ocsd/a", "ocsd/b", "agents", "tests", "benchmarks", "docs"):
        (root / folder).mkdir(parents=True)
        (root / folder / "__init__.py").touch()
    (root / "ocsd/__init__.py").touch()
    (root / "ocsd/a/part.py").write_text(_planted("1", "ocsd.b.part"))
    (root / "ocsd/b/part.py").write_text(_planted("2", "ocsd.a.part"))
    for number in range(21):
        (root / f"tests/test_{number}.py").write_text('"""How it is tested."""\n')
    return Repository(root)


@pytest.mark.parametrize("name", LISTINGS)
def test_each_listing_finds_its_planted_defect(tree, name):
    found = LISTINGS[name](tree)
    assert found
    assert all(place.line > 0 and place.text for place in found)


def test_a_definition_is_listed_with_the_others_of_its_name(tree):
    place, _ = LISTINGS["shared-constants"](tree)
    assert str(place) == "ocsd/a/part.py:3: LIMIT_S = 1.0 (also ocsd/b/part.py:3)"


def test_the_scoreboard_shows_figures_beside_limits(tree):
    rows = [line.rsplit(maxsplit=2) for line in scoreboard(tree).splitlines()]
    assert ["class names shared", "2", "0"] in rows
    assert ["constants of several values", "1", "0"] in rows
    assert ["import cycles, literal import_module included", "1", "0"] in rows
    assert ["functions at radon C or worse", "2", "12"] in rows
    assert ["files in the fullest folder", "22", "20"] in rows


def test_a_density_is_counted_per_thousand_lines():
    assert str(Density(3, 400)) == "7.5"
    assert Density(0, 0).per_thousand == 0


def test_a_listing_can_be_of_some_folders_only():
    places = [Place("ocsd/a/part.py", 1, ""), Place("ocsd/ab.py", 1, "")]
    assert below(places, ["ocsd/a/"]) == places[:1]
    assert below(places, ["ocsd/ab.py"]) == places[1:]
    assert below(places, []) == places


def test_a_listing_is_printed_line_by_line(tree, capsys):
    command.main(["--list", "radon", f"{tree.root}/ocsd/b"], tree.root)
    assert capsys.readouterr().out == "ocsd/b/part.py:16: _complex is C (12)\n"


def test_other_folders_than_those_of_the_product_can_be_listed(tree, capsys):
    command.main(["--list", "openings", f"{tree.root}/tests/test_0.py"], tree.root)
    assert capsys.readouterr().out == "tests/test_0.py:1: How it is tested.\n"


def test_paths_without_a_listing_are_refused(capsys):
    with pytest.raises(SystemExit):
        command.main(["ocsd"])
    assert "paths are for --list" in capsys.readouterr().err
