import pytest

from tests.architecture.measures import shape
from tests.architecture.planted import source


def test_conditional_expressions_are_found_but_not_statements():
    found = shape.conditionals(
        [source("a = 1 if b else (2 if c else 3)\nif b:\n    a = 1\nelse:\n    a = 2\n")]
    )
    assert [place.line for place in found] == [1, 1]
    assert found[0].text == "1 if b else 2 if c else 3"


def test_comprehensions_are_counted_and_those_of_several_loops_apart():
    parsed = [source("[a for a in b]\n{a: c for a in b for c in a}\nsum(a for a in b)\n{a, b}\n")]
    assert len(shape.comprehensions(parsed)) == 3
    assert [place.line for place in shape.nested_comprehensions(parsed)] == [2]


def test_lines_of_code_hold_no_blank_line_comment_or_docstring():
    parsed = source(
        '''
        """Two lines
        of a docstring."""

        # A comment.
        LIMIT_S = 5  # Another.
        """An attribute's."""

        TEXT = """of
        two lines"""
        '''
    )
    assert shape.code_lines(parsed) == 3
    assert shape.comment_lines(parsed) == 1
    assert shape.written_lines(parsed) == 6


def test_functions_and_classes_are_as_long_as_all_their_lines():
    parsed = [source("class A:\n    def f(self):\n        x = 1\n\n        return x\n")]
    assert list(shape.function_lengths(parsed).values()) == [4]
    assert [str(place) for place in shape.class_lengths(parsed)] == [
        "ocsd/part.py:1: A has 5 lines"
    ]


@pytest.mark.parametrize(
    ("handler", "count"),
    [
        ("except:", 1),
        ("except Exception:", 1),
        ("except (OSError, BaseException):", 1),
        ("except OSError:", 0),
    ],
)
def test_broad_handlers_are_found(handler, count):
    assert len(shape.broad_excepts([source(f"try: x\n{handler} y\n")])) == count


def test_comments_that_silence_or_announce_are_found():
    parsed = [source("x = 1  # type: ignore[x]\ny = 'TODO'\n# TODO: later\n# FIXME\n")]
    assert [place.line for place in shape.type_ignores(parsed)] == [1]
    assert [place.line for place in shape.todos(parsed)] == [3, 4]


@pytest.mark.parametrize(
    ("signature", "percent"),
    [
        ("def f(a: int, *b: int, c: int = 1, **d: int) -> None", 100),
        ("def f(self, a: int) -> None", 100),
        ("def f(a) -> None", 0),
        ("def f(*a) -> None", 0),
        ("async def f(a: int)", 0),
    ],
)
def test_a_function_is_annotated_if_all_its_parts_are(signature, percent):
    assert shape.annotated([source(f"{signature}: ...\n")]) == percent


def test_public_things_are_documented_or_not():
    parsed = source(
        '''
        """A module."""
        def _private(): ...
        class A:
            """A class."""
            def f(self): ...
            def _g(self): ...
        class B: ...
        '''
    )
    assert shape.documented([parsed]) == 50


def test_uses_of_any_are_counted_but_not_its_import():
    assert shape.uses_of_any([source("from typing import Any\na: Any\nb: list[Any]\n")]) == 2
