"""The texts are those that OCS's clients match on (docs/reference/wire.md)."""

import pytest

from ocsd.ocs_agent import ParamError, ParamHandler, param


def refusal(params, key="k", **rules):
    with pytest.raises(ParamError) as caught:
        ParamHandler(params).get(key, **rules)
    return caught.value.msg


def test_a_missing_parameter_is_required():
    assert refusal({}) == "Param 'k' is required and must not be None"


def test_none_counts_as_missing():
    assert refusal({"k": None}) == "Param 'k' is required and must not be None"
    assert ParamHandler({"k": None}).get("k", default=3) == 3


def test_none_can_count_as_a_value():
    assert ParamHandler({"k": None}).get("k", default=3, treat_none_as_missing=False) is None
    assert "required" in refusal({}, treat_none_as_missing=False)


def test_no_parameters_at_all_are_an_empty_dict():
    assert ParamHandler(None).get("k", default=1) == 1


def test_a_cast_comes_before_the_type():
    assert ParamHandler({"k": "3"}).get("k", cast=int, type=int) == 3


def test_a_failed_cast_is_named():
    assert refusal({"k": "x"}, cast=float) == "Param 'k'=x could not be cast to <class 'float'>."


def test_an_int_is_accepted_for_a_float():
    value = ParamHandler({"k": 3}).get("k", type=float)
    assert (value, type(value)) == (3.0, float)


def test_a_list_is_accepted_for_a_tuple():
    assert ParamHandler({"k": [1, 2]}).get("k", type=tuple) == (1, 2)


def test_a_wrong_type_is_named():
    text = "Param 'k'=two is not of required type (<class 'float'>)"
    assert refusal({"k": "two"}, type=float) == text


def test_a_value_that_is_no_choice_is_named():
    assert refusal({"k": "c"}, choices=["a", "b"]) == (
        "Param 'k'=c is not in allowed set (['a', 'b'])"
    )


def test_a_failed_check_is_named():
    assert refusal({"k": -1}, check=lambda value: value > 0) == (
        "Param 'k' failed validity check (see docs?)."
    )


def test_the_decorator_collects_what_the_request_must_hold():
    @param("a", type=int)
    @param("b", default=2)
    def operation(session, params):
        pass

    assert ParamHandler({"a": 1}).batch(operation._ocs_prescreen) == {"a": 1, "b": 2}


def test_parameters_that_are_not_declared_are_refused():
    with pytest.raises(ParamError) as caught:
        ParamHandler({"a": 1, "b": 2, "c": 3}).batch([("c", {})])
    assert caught.value.msg == "params included unexpected values: ['a', 'b']"


def test_an_operation_can_admit_them():
    assert ParamHandler({"a": 1}).batch([("_no_check_strays", {})]) == {}


def test_an_underscore_declares_that_there_are_no_parameters():
    with pytest.raises(ParamError):
        ParamHandler({"a": 1}).batch([("_", {})])


def test_a_default_that_breaks_its_own_rule_is_found_at_import():
    with pytest.raises(ParamError):
        param("k", default="slow", choices=["fast"])


def test_a_default_of_the_wrong_type_is_shown_with_its_type():
    said = r"@param\('n'\): the default is str '5': Param 'n'=5 is not of required type"
    with pytest.raises(ParamError, match=said):
        param("n", default="5", type=int)
