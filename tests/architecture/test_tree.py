"""The source tree keeps within the limits; ``make scoreboard`` prints the figures."""

from collections.abc import Iterable

import pytest

from tests.architecture import limits, listings
from tests.architecture.measures import imports, names
from tests.architecture.measures.source import Place
from tests.architecture.repository import Repository
from tests.architecture.scoreboard import conditional_density


@pytest.fixture(scope="module")
def tree():
    return Repository()


def _lines(places: Iterable[Place]) -> str:
    return "\n".join(["", *map(str, places)])


def test_the_tree_is_found(tree):
    assert len(tree.daemon) > 100
    assert len(tree.product) > len(tree.daemon)
    assert len(tree.code) > len(tree.product)
    assert "README.md" in {page.name for page in tree.pages}


def test_no_two_classes_share_their_name(tree):
    shared = names.shared_classes(tree.product)
    assert len(shared) <= limits.SHARED_CLASSES, _lines(listings.shared_classes(tree))


def test_no_constant_has_one_name_and_several_values(tree):
    shared = names.conflicting_constants(tree.product)
    assert len(shared) <= limits.CONFLICTING_CONSTANTS, _lines(listings.shared_constants(tree))


def test_docstrings_name_the_thing_first(tree):
    found = listings.openings(tree)
    assert len(found) <= limits.OPENINGS, _lines(found)


def test_files_and_modules_that_are_named_exist(tree):
    found = listings.dead_paths(tree)
    assert len(found) <= limits.DEAD_REFERENCES, _lines(found)


def test_no_modules_import_each_other(tree):
    groups = imports.cycles(imports.graph(tree.product))
    assert len(groups) <= limits.CYCLES, _lines(listings.cycles(tree))


def test_no_folder_is_too_full(tree):
    found = listings.full_folders(tree)
    assert not found, _lines(found)


def test_conditional_expressions_are_few(tree):
    density = conditional_density(tree)
    most = int(limits.CONDITIONALS * density.lines / 1000)
    assert density.per_thousand <= limits.CONDITIONALS, f"{density.count} of at most {most}"


def test_functions_that_radon_finds_complex_are_few(tree):
    found = listings.radon(tree)
    assert len(found) <= limits.COMPLEX_FUNCTIONS, _lines(found)


def test_no_file_is_too_long(tree):
    long = [source for source in tree.product if source.lines > limits.MODULE_LINES]
    assert not long, _lines(source.place(source.lines, "") for source in long)
