from tests.architecture.measures.complexity import complex_functions, complexities, mean
from tests.architecture.planted import source


def _function(branches: int, indent: str = "") -> str:
    tests = "".join(f"{indent}    if a == {number}: a()\n" for number in range(branches))
    return f"{indent}def f{branches}(a):\n{tests}{indent}    return a\n"


def test_functions_are_complex_from_eleven_paths_and_the_worst_comes_first():
    found = complexities([source(_function(9) + _function(10) + _function(12))])
    assert [str(place) for place in complex_functions(found)] == [
        "ocsd/part.py:24: f12 is C (13)",
        "ocsd/part.py:12: f10 is C (11)",
    ]


def test_a_method_is_counted_once_and_its_class_not_at_all():
    found = complexities([source("class A:\n" + _function(11, "    "))])
    assert [place.text for place in complex_functions(found)] == ["A.f11 is C (12)"]


def test_conditional_expressions_count_as_branches():
    text = "def f(a):\n    return [" + "1 if a else 2, " * 10 + "]\n"
    assert len(complex_functions(complexities([source(text)]))) == 1


def test_the_mean_is_that_of_all_functions_and_classes():
    assert mean(complexities([source(_function(0) + _function(4))])) == 3
    assert mean([]) == 0
