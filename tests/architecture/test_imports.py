import pytest

from tests.architecture.measures import imports
from tests.architecture.planted import source, sources


def _targets(text: str, name: str = "ocsd.a", path: str = "") -> list[str]:
    others = [source("", f"ocsd.{each}") for each in ("b", "c", "room", "room.d")]
    return sorted(imports.graph([source(text, name, path), *others])[name])


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("import ocsd.b", ["ocsd.b"]),
        ("import ocsd.b as other, os", ["ocsd.b"]),
        ("from ocsd import b, c", ["ocsd.b", "ocsd.c"]),
        ("from ocsd.b import something", ["ocsd.b"]),
        ("from ocsd.room import d", ["ocsd.room.d"]),
        ("from .room import d", ["ocsd.room.d"]),
        ("def later():\n    import ocsd.b", ["ocsd.b"]),
        ("if TYPE_CHECKING:\n    import ocsd.b", ["ocsd.b"]),
        ("import_module('ocsd.b')", ["ocsd.b"]),
        ("importlib.import_module('ocsd.b')", ["ocsd.b"]),
        ("N = 'ocsd.b'\nimportlib.import_module(N)", ["ocsd.b"]),
        ("T = {1: 'ocsd.b', 2: 'ocsd.c'}\nimport_module(T[x])", ["ocsd.b", "ocsd.c"]),
        ("T = ('b', 'c')\nfor n in T: ...\nimport_module(f'ocsd.{T[0]}')", ["ocsd.b", "ocsd.c"]),
        ("for n in ('ocsd.b', x): import_module(n)", ["ocsd.b"]),
        ("N: str = 'ocsd.b'\nN = N\nimport_module(N)", ["ocsd.b"]),
        ("import_module(computed())", []),
        ("import ocsd.a", []),
        ("other('ocsd.b')", []),
    ],
)
def test_an_import_is_found_in_each_of_its_forms(text, targets):
    assert _targets(text) == targets


def test_a_package_imports_its_modules_by_its_own_name():
    text = "T = {1: 'd'}\ndef __getattr__(n):\n    return import_module(f'{__name__}.{T[n]}')"
    packages = sources(**{"room": text, "room.d": ""})
    assert list(imports.graph(packages)["ocsd.room"]) == ["ocsd.room.d"]


def test_a_relative_import_of_a_package_begins_within_it():
    package = source("from .d import x", "ocsd.room", "ocsd/room/__init__.py")
    found = imports.graph([package, source("", "ocsd.room.d")])
    assert list(found["ocsd.room"]) == ["ocsd.room.d"]


def test_modules_that_import_each_other_by_way_of_others_are_a_cycle():
    found = imports.graph(
        sources(
            a="import ocsd.b",
            b="def later():\n    importlib.import_module('ocsd.c')",
            c="from ocsd import a\nfrom ocsd import d",
            d="",
            e="import ocsd.a",
        )
    )
    assert imports.cycles(found) == [["ocsd.a", "ocsd.b", "ocsd.c"]]
    assert [str(place) for place in imports.cycle_places(found)] == [
        "ocsd/a.py:1: ocsd.a imports ocsd.b",
        "ocsd/b.py:2: ocsd.b imports ocsd.c",
        "ocsd/c.py:1: ocsd.c imports ocsd.a",
    ]


def test_imports_that_point_one_way_are_no_cycle():
    found = imports.graph(sources(a="import ocsd.b, ocsd.c", b="import ocsd.c", c=""))
    assert not imports.cycles(found)


def test_two_cycles_are_counted_as_two():
    texts = {"a": "import ocsd.b", "b": "import ocsd.a", "c": "import ocsd.d, ocsd.a"}
    found = imports.graph(sources(**texts, d="import ocsd.c"))
    assert imports.cycles(found) == [["ocsd.a", "ocsd.b"], ["ocsd.c", "ocsd.d"]]
