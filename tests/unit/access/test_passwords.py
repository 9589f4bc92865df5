"""Passwords are hashed with argon2id and checked in the same time for everybody."""

import pytest

from ocsd.access.passwords import _OF_NOBODY, LONGEST_PASSWORD_BYTES, fits, hashed
from ocsd.errors import UsageError


def test_a_password_fits_its_own_hash_only():
    known = hashed("correct horse")
    assert known.startswith("$argon2id$")
    assert fits("correct horse", known)
    assert not fits("correct horse ", known)
    assert not fits("x" * (LONGEST_PASSWORD_BYTES + 1), known)


@pytest.mark.parametrize("known", [None, "", "plain", "$argon2id$torn"])
def test_nothing_fits_nobody_or_a_damaged_hash(known):
    assert not fits("correct horse", known)


def test_nobody_costs_as_much_as_somebody():
    from argon2 import extract_parameters

    assert extract_parameters(_OF_NOBODY).memory_cost == 19456
    assert extract_parameters(_OF_NOBODY) == extract_parameters(hashed("correct horse"))


@pytest.mark.parametrize(
    "password", ["", "1234567", "x" * (LONGEST_PASSWORD_BYTES + 1), "ä" * LONGEST_PASSWORD_BYTES]
)
def test_a_password_of_a_useless_length_is_refused(password):
    with pytest.raises(UsageError, match="password is"):
        hashed(password)
