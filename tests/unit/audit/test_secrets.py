"""Secrets stay out of the parameters that the audit journal tells."""

import json

import pytest

from ocsd.audit.secrets import LONGEST_TOLD, SECRET_LEFT_OUT, is_secret_name, told


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Passwd",
        "db_password",
        "userPassword",
        "PASSWORD",
        "api_key",
        "apiKey",
        "APIKey",
        "key",
        "token",
        "authToken",
        "secret",
        "client-secret",
        "privs",
        "ticket",
        "credential",
        "wifi_psk",
        "pin",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["keyboard", "monkey", "delay", "author", "compass", "passage", "channel", "ticks"],
)
def test_names_of_what_is_none(name: str) -> None:
    assert not is_secret_name(name)


def test_secrets_are_left_out_at_every_depth() -> None:
    given = {"delay": 2, "login": {"user": "vera", "password": "MARK"}, "list": [{"token": "MARK"}]}
    found = told(given)
    assert "MARK" not in json.dumps(found)
    assert found["login"] == {"user": "vera", "password": SECRET_LEFT_OUT}
    assert found["delay"] == 2


def test_declared_secrets_and_logins_in_urls_are_left_out() -> None:
    found = told({"code": "MARK", "url": "http://vera:MARK@hub/x"}, declared={"code"})
    assert "MARK" not in json.dumps(found)


def test_large_parameters_are_cut() -> None:
    found = told({f"p{n}": ["x" * 1000] * 50 for n in range(100)})
    assert len(json.dumps(found)) < LONGEST_TOLD + 1000
    assert told({"big": 2**70, "nan": float("nan"), "raw": b"abc"}) == {
        "big": "a number of 71 bits",
        "nan": "nan",
        "raw": "3 bytes",
    }


def test_parameters_that_are_no_mapping_are_told_as_well() -> None:
    assert told(None) == {}
    assert told([1, 2]) == {"_": [1, 2]}
