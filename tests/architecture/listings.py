"""The places behind each figure of the scoreboard."""

from collections.abc import Callable, Iterable

from tests.architecture import limits
from tests.architecture.measures import (
    complexity,
    folders,
    imports,
    names,
    prose,
    references,
    shape,
)
from tests.architecture.measures.source import Place
from tests.architecture.repository import Repository


def shared_classes(tree: Repository) -> list[Place]:
    """Return the classes that share their name."""
    return _with_siblings(names.shared_classes(tree.product))


def shared_constants(tree: Repository) -> list[Place]:
    """Return the constants that share their name and differ in value."""
    return _with_siblings(names.conflicting_constants(tree.product))


def equal_constants(tree: Repository) -> list[Place]:
    """Return the constants that share both name and value: one fact in several homes."""
    found = names.shared_constants(tree.product)
    for name in names.conflicting_constants(tree.product):
        del found[name]
    return _with_siblings(found)


def shared_functions(tree: Repository) -> list[Place]:
    """Return the module-level functions that share their name."""
    return _with_siblings(names.shared_functions(tree.product))


def shared_files(tree: Repository) -> list[Place]:
    """Return the files that share their name."""
    return _with_siblings(names.shared_files(tree.product))


def openings(tree: Repository) -> list[Place]:
    """Return the docstrings that begin with What, Who, Whoever, So, How or That."""
    return prose.openings(tree.product)


def conditionals(tree: Repository) -> list[Place]:
    """Return the conditional expressions."""
    return shape.conditionals(tree.product)


def radon(tree: Repository) -> list[Place]:
    """Return the functions that radon ranks C or worse."""
    return complexity.complex_functions(tree.complexities)


def dead_paths(tree: Repository) -> list[Place]:
    """Return the files and modules that are named in prose but do not exist."""
    files = references.Files(tree.root, tree.text_files)
    modules = references.Modules(tree.product)
    return [
        *references.dead_in_code(tree.code, files, modules),
        *references.dead_in_pages(tree.pages, files, modules),
    ]


def full_folders(tree: Repository) -> list[Place]:
    """Return the folders with too many Python files, those of tests included."""
    return folders.full_folders(tree.code, limits.FILES_PER_FOLDER)


def cycles(tree: Repository) -> list[Place]:
    """Return the imports that lie on a cycle."""
    return imports.cycle_places(imports.graph(tree.product))


def dialect(tree: Repository) -> list[Place]:
    """Return the expressions that house-review calls a dialect."""
    return sorted(place for places in prose.dialect(tree.product).values() for place in places)


def long_functions(tree: Repository) -> list[Place]:
    """Return the long functions."""
    lengths = shape.function_lengths(tree.product)
    return [place for place, length in lengths.items() if length > limits.FUNCTION_LINES]


def long_classes(tree: Repository) -> list[Place]:
    """Return the long classes."""
    lengths = shape.class_lengths(tree.product)
    return [place for place, length in lengths.items() if length > limits.CLASS_LINES]


def nested_comprehensions(tree: Repository) -> list[Place]:
    """Return the comprehensions with more than one ``for``."""
    return shape.nested_comprehensions(tree.product)


def broad_excepts(tree: Repository) -> list[Place]:
    """Return the handlers of all exceptions."""
    return shape.broad_excepts(tree.product)


def type_ignores(tree: Repository) -> list[Place]:
    """Return the comments that silence the type checker."""
    return shape.type_ignores(tree.product)


LISTINGS: dict[str, Callable[[Repository], list[Place]]] = {
    listing.__name__.replace("_", "-"): listing
    for listing in (
        shared_classes,
        shared_constants,
        equal_constants,
        shared_functions,
        shared_files,
        openings,
        dialect,
        conditionals,
        nested_comprehensions,
        radon,
        dead_paths,
        cycles,
        full_folders,
        long_functions,
        long_classes,
        broad_excepts,
        type_ignores,
    )
}


def below(places: Iterable[Place], paths: Iterable[str]) -> list[Place]:
    """Return the places within some files and folders; all of them if none is given."""
    wanted = [path.rstrip("/") for path in paths]
    return [
        place
        for place in places
        if not wanted or any(f"{place.path}/".startswith(f"{path}/") for path in wanted)
    ]


def _with_siblings(found: names.Definitions) -> list[Place]:
    """Name beside each definition the others of the same name."""
    return [
        Place(place.path, place.line, f"{place.text} (also {_others(place, places)})")
        for places in found.values()
        for place in places
    ]


def _others(place: Place, places: list[Place]) -> str:
    return ", ".join(f"{each.path}:{each.line}" for each in places if each != place)
