"""The table of figures."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.architecture import limits, listings
from tests.architecture.measures import complexity, folders, imports, names, prose, shape
from tests.architecture.measures.source import Source
from tests.architecture.repository import Repository

Row = tuple[str, str, str]
"""What is measured, the figure, and the limit that a test holds, or nothing."""


@dataclass(frozen=True)
class Density:
    """A number of things per 1,000 lines.

    Parameters
    ----------
    count : int
        How many there are.
    lines : int
        In how many lines.
    """

    count: int
    lines: int

    @property
    def per_thousand(self) -> float:
        """The number per 1,000 lines."""
        return 1000 * self.count / max(self.lines, 1)

    def __str__(self) -> str:
        return f"{self.per_thousand:.1f}"


def scoreboard(tree: Repository) -> str:
    """Return the figures of the tree as a table."""
    rows = [
        *_size_rows(tree),
        *_density_rows(tree),
        *_complexity_rows(tree),
        *_name_rows(tree),
        *_import_rows(tree),
        *_prose_rows(tree),
        *_annotation_rows(tree),
    ]
    head = ("product = ocsd + agents, unless said otherwise", "figure", "limit")
    return _table([head, *rows])


def conditional_density(tree: Repository) -> Density:
    """Return the conditional expressions per 1,000 lines of code."""
    return Density(len(shape.conditionals(tree.daemon)), tree.code_lines)


def _size_rows(tree: Repository) -> list[Row]:
    lengths = [source.lines for source in tree.product]
    functions = list(shape.function_lengths(tree.product).values())
    classes = list(shape.class_lengths(tree.product).values())
    full = folders.files_per_folder(tree.code)
    return [
        ("ocsd: modules", f"{len(tree.daemon)}", ""),
        ("ocsd: lines", f"{_lines(tree.daemon):,}", ""),
        ("ocsd: lines of code (no blank, comment, docstring)", f"{tree.code_lines:,}", ""),
        ("modules", f"{len(tree.product)}", ""),
        ("lines", f"{_lines(tree.product):,}", ""),
        ("lines of a module: median / p90 / max", _spread(lengths), f"{limits.MODULE_LINES}"),
        *_over("modules", lengths, limits.MODULE_LINES, "0"),
        ("lines of a class: median / p90 / max", _spread(classes), ""),
        *_over("classes", classes, limits.CLASS_LINES, ""),
        ("lines of a function: median / p90 / max", _spread(functions), ""),
        *_over("functions", functions, limits.FUNCTION_LINES, ""),
        ("folders, also of tests and benchmarks", f"{len(full)}", ""),
        ("files in the fullest folder", f"{max(full.values())}", f"{limits.FILES_PER_FOLDER}"),
        *_over("folders", list(full.values()), limits.FILES_PER_FOLDER, "0", "files"),
    ]


def _density_rows(tree: Repository) -> list[Row]:
    daemon, code, lines = tree.daemon, tree.code_lines, _lines(tree.daemon)
    conditionals = conditional_density(tree)
    comprehensions = len(shape.comprehensions(daemon))
    nested = len(shape.nested_comprehensions(daemon))
    broad = len(shape.broad_excepts(daemon))
    comments = sum(map(shape.comment_lines, daemon))
    written = sum(map(shape.written_lines, daemon))
    limit = f"{limits.CONDITIONALS:g}"
    return [
        ("ocsd: conditional expressions", f"{conditionals.count}", ""),
        ("ocsd: ... per 1,000 lines of code", f"{conditionals}", limit),
        ("ocsd: ... per 1,000 lines", f"{Density(conditionals.count, lines)}", ""),
        ("ocsd: comprehensions", f"{comprehensions}", ""),
        ("ocsd: ... per 1,000 lines of code", f"{Density(comprehensions, code)}", ""),
        ("ocsd: ... with several `for`", f"{nested}", ""),
        ("ocsd: ... per 1,000 lines of code", f"{Density(nested, code)}", ""),
        ("ocsd: broad `except`", f"{broad}", ""),
        ("ocsd: ... per 1,000 lines", f"{Density(broad, lines)}", ""),
        ("ocsd: comment lines per other line not blank", f"{100 * comments / written:.1f} %", ""),
    ]


def _complexity_rows(tree: Repository) -> list[Row]:
    found = tree.complexities
    worse = len(complexity.complex_functions(found))
    highest = max((each.value for each in found), default=0)
    return [
        (f"functions of complexity > {limits.COMPLEXITY} (ruff C901)", f"{_c901(tree)}", ""),
        _limited("functions at radon C or worse", worse, limits.COMPLEX_FUNCTIONS),
        ("radon's complexity: mean / max", f"{complexity.mean(found):.2f} / {highest}", ""),
    ]


def _name_rows(tree: Repository) -> list[Row]:
    product = tree.product
    conflicts = len(names.conflicting_constants(product))
    shared = len(names.shared_constants(product))
    return [
        _limited("class names shared", len(names.shared_classes(product)), limits.SHARED_CLASSES),
        _limited("constants of several values", conflicts, limits.CONFLICTING_CONSTANTS),
        ("constants defined more than once, same value", f"{shared - conflicts}", ""),
        ("function names shared, at module level", f"{len(names.shared_functions(product))}", ""),
        ("file names shared", f"{len(names.shared_files(product))}", ""),
    ]


def _import_rows(tree: Repository) -> list[Row]:
    groups = imports.cycles(imports.graph(tree.product))
    return [
        _limited("import cycles, literal import_module included", len(groups), limits.CYCLES),
        ("modules on a cycle", f"{sum(map(len, groups))}", ""),
    ]


def _prose_rows(tree: Repository) -> list[Row]:
    product = tree.product
    docstrings = sum(len([*prose.docstrings(source)]) for source in product)
    attributes = sum(len([*prose.attribute_docstrings(source)]) for source in product)
    openings = len(prose.openings(product))
    dead = len(listings.dead_paths(tree))
    dialect = prose.dialect(product)
    total = docstrings + attributes
    return [
        ("docstrings / of which below an assignment", f"{total} / {attributes}", ""),
        _limited("docstrings that begin with What, Who, So ...", openings, limits.OPENINGS),
        ("... of all docstrings", f"{100 * openings / total:.1f} %", ""),
        _limited("dead references in prose and pages", dead, limits.DEAD_REFERENCES),
        *((f"dialect: {name}", f"{len(places)}", "") for name, places in dialect.items()),
    ]


def _annotation_rows(tree: Repository) -> list[Row]:
    product = tree.product
    return [
        ("functions annotated in full", f"{shape.annotated(product):.1f} %", ""),
        ("public things with a docstring", f"{shape.documented(product):.1f} %", ""),
        ("`type: ignore`", f"{len(shape.type_ignores(product))}", ""),
        ("`Any`", f"{shape.uses_of_any(product)}", ""),
        ("TODO, FIXME, XXX", f"{len(shape.todos(product))}", ""),
    ]


def _c901(tree: Repository) -> int:
    """Return how many functions ruff finds too complex, those with a noqa included."""
    command = [sys.executable, "-m", "ruff", "check", "--select", "C901", "--ignore-noqa"]
    paths = [source.path for source in tree.product]
    options = ["--exit-zero", "--output-format", "concise", "--quiet", "--no-cache"]
    options += ["--config", f"lint.mccabe.max-complexity = {limits.COMPLEXITY}"]
    done = subprocess.run(
        [*command, *options, *paths], cwd=tree.root, capture_output=True, text=True, check=True
    )
    return done.stdout.count("C901")


def _lines(sources: Sequence[Source]) -> int:
    return sum(source.lines for source in sources)


def _limited(name: str, figure: int, limit: int) -> Row:
    return name, f"{figure}", f"{limit}"


def _over(what: str, sizes: Sequence[int], limit: int, held: str, unit: str = "lines") -> list[Row]:
    count = sum(size > limit for size in sizes)
    return [(f"{what} of more than {limit} {unit}", f"{count}", held)]


def _spread(sizes: Sequence[int]) -> str:
    ordered = sorted(sizes)
    return f"{median(ordered):.0f} / {ordered[len(ordered) * 9 // 10]} / {ordered[-1]}"


def _table(rows: Sequence[Row]) -> str:
    left, middle, right = (max(len(row[column]) for row in rows) for column in range(3))
    lines = [f"{name:{left}}  {value:>{middle}}  {limit:>{right}}" for name, value, limit in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
