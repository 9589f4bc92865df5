"""The user who logged in is known behind sudo, if the system keeps it."""

import pytest

from ocsd.system.peer import login_of


@pytest.mark.parametrize(
    ("kept", "uid"), [("1000", 1000), ("0", 0), ("4294967295", None), ("", None), ("?", None)]
)
def test_the_login_of_a_process_is_read(tmp_path, kept, uid):
    (tmp_path / "41").mkdir()
    (tmp_path / "41" / "loginuid").write_text(kept)
    assert login_of(41, tmp_path) == uid


def test_a_process_that_is_gone_has_no_login(tmp_path):
    assert login_of(41, tmp_path) is None
    assert login_of(0) is None
