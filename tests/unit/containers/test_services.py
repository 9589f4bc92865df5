"""Compose files, as docker compose reads them."""

import pytest

from ocsd.containers.services import (
    ComposeFile,
    Service,
    find,
    first_cause,
    parse_status,
    services,
    unclaimed,
    whole_cause,
)

TEXT = """
services:
  ocs-one: {image: ocs:1, command: [a]}
  ocs-two: {build: {context: .}}
  odd:
"""
ONE = Service("ocs-one", "/c.yml", "ocs:1")
FILE = ComposeFile("/c.yml", {"ocs-one": ONE, "db": Service("db", "/c.yml")})


def test_services_are_read_with_their_images():
    assert services(TEXT, "/c.yml") == {
        "ocs-one": ONE,
        "ocs-two": Service("ocs-two", "/c.yml", "", True),
        "odd": Service("odd", "/c.yml"),
    }


@pytest.mark.parametrize("text", ["", "[1]", "services: 3"])
def test_a_file_without_services_has_none(text):
    assert services(text, "/c.yml") == {}


def test_what_is_no_yaml_is_told():
    with pytest.raises(ValueError, match="something else than YAML"):
        services("services: [", "/c.yml")


def test_a_service_is_found_by_its_name():
    assert find("ocs-one", [FILE]) is ONE


def test_a_service_that_no_file_has_is_told_with_the_nearest_name():
    why = find("ocs-on", [FILE])
    assert why.startswith("there is no service 'ocs-on' in /c.yml; did you mean 'ocs-one'?")
    assert "--docker-service-prefix" in why


def test_a_service_in_two_files_is_told_with_both():
    other = ComposeFile("/d.yml", FILE.services)
    assert find("db", [FILE, other]) == (
        "service 'db' stands in /c.yml and /d.yml; leave it in one of them"
    )


def test_a_service_that_a_broken_file_may_have_is_told_with_the_error():
    broken = ComposeFile("/d.yml", {}, "line 3: no")
    assert find("x", [FILE, broken]) == (
        "no service 'x' is known, because of an error in /d.yml: line 3: no"
    )


def test_services_for_which_no_entry_stands_are_found():
    assert unclaimed([FILE, FILE], ["ocs-one"]) == ["db"]


@pytest.mark.parametrize(
    ("printed", "cause"),
    [
        (
            "Pulling a ...\nERROR: for a  no such image\nERROR: Encountered errors\n",
            "for a  no such image",
        ),
        ("Creating x ... done\nunauthorized\n", "unauthorized"),
        (" Error response from daemon: denied\nbye", "Error response from daemon: denied"),
        ("Pulling a ...\n", "it does not say why"),
    ],
)
def test_the_cause_is_the_line_that_names_an_error(printed, cause):
    assert first_cause(printed) == cause


def test_the_whole_cause_is_one_line():
    assert whole_cause(" a\n\n b \n") == "a b"
    assert whole_cause("\n") == "it does not say why"


def test_the_state_of_files_is_that_of_ocs():
    broken = ComposeFile("/d.yml", {}, "no such file")
    assert parse_status([FILE, broken], {"/c.yml": 5.0}) == {
        "/c.yml": [True, 5.0, "read /c.yml and its services"],
        "/d.yml": [False, 0.0, "no such file"],
    }
