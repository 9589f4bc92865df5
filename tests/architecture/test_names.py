from tests.architecture.measures import names
from tests.architecture.planted import source, sources


def test_classes_of_one_name_are_found_also_when_nested():
    found = names.shared_classes(
        sources(a="class Run: ...\nclass Alone: ...", b="class Box:\n    class Run: ...")
    )
    assert [str(place) for place in found["Run"]] == [
        "ocsd/a.py:1: class Run",
        "ocsd/b.py:2: class Run",
    ]
    assert list(found) == ["Run"]


def test_constants_of_one_name_and_several_values_conflict():
    found = names.conflicting_constants(sources(a="LIMIT_S = 5", b="LIMIT_S = 10.0"))
    assert [place.text for place in found["LIMIT_S"]] == ["LIMIT_S = 5.0", "LIMIT_S = 10.0"]


def test_a_leading_underscore_and_an_annotation_make_no_other_name():
    assert names.conflicting_constants(sources(a="LIMIT_S = 5", b="_LIMIT_S: float = 10"))


def test_constants_of_one_value_share_their_name_but_do_not_conflict():
    same = sources(a="DAY_S = 86400", b="DAY_S = 24 * 60 * 60.0")
    assert list(names.shared_constants(same)) == ["DAY_S"]
    assert not names.conflicting_constants(same)


def test_public_tables_conflict_and_private_ones_are_the_modules_own():
    assert names.conflicting_constants(sources(a="KINDS = {1: 2}", b="KINDS = (1, 2)"))
    assert not names.shared_constants(sources(a="_KINDS = {1: 2}", b="_KINDS = (1, 2)"))


def test_what_is_local_or_in_small_letters_is_no_constant():
    text = "log = {}\ndef f():\n    LIMIT_S = {}\n"
    assert not names.shared_constants(sources(a=text.format(1, 2), b=text.format(3, 4)))


def test_functions_of_one_name_are_found_but_not_methods():
    text = "def read(): ...\nclass {}:\n    def write(self): ...\n"
    assert list(names.shared_functions(sources(a=text.format("A"), b=text.format("B")))) == ["read"]


def test_files_of_one_name_are_found_but_not_those_that_python_names():
    files = [
        source("", path=f"ocsd/{folder}/{name}.py")
        for folder in ("a", "b")
        for name in ("lock", "__init__", "__main__")
    ]
    assert list(names.shared_files(files)) == ["lock.py"]
