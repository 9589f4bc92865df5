"""The user's file of passwords, and clients that take one from it."""

import pytest

from ocsd.access.scope import AccessTarget
from ocsd.client.exclusive import ExclusiveAccessClient
from ocsd.client.passwords import PASSWORDS_VARIABLE, client_get_password
from ocsd.errors import PasswordsFileError

ROWS = """\
- default: true
  password_3: "general"
- agent_class: "FakeDataAgent"
  instance_id: "!faker4,!faker1"
  password_2: "normal"
- instance_id: "faker*"
  password_2: "special"
- instance_id: "faker4"
  password_2: "special4"
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "passwords.yaml"
    path.write_text(ROWS)
    path.chmod(0o600)
    monkeypatch.setenv(PASSWORDS_VARIABLE, str(path))
    return path


@pytest.mark.parametrize(
    ("privs", "target", "password"),
    [
        ("a password", ("FakeDataAgent", "faker1"), "a password"),
        ("", ("FakeDataAgent", "faker1"), ""),
        (None, ("FakeDataAgent", "faker1"), ""),
        (1, ("FakeDataAgent", "faker1"), ""),
        (2, ("FakeDataAgent", "faker1"), "special"),
        (2, ("FakeDataAgent", "faker4"), "special4"),
        (2, ("FakeDataAgent", "other"), "normal"),
        (2, ("OtherAgent", "x"), "general"),
        (3, ("FakeDataAgent", "faker4"), "general"),
        (2, (None, None), "general"),
    ],
)
def test_the_most_special_row_counts_and_of_equal_ones_the_last(file, privs, target, password):
    assert client_get_password(privs, *AccessTarget(*target)) == password


@pytest.mark.parametrize("privs", [0, 4, True, 1.5, ["x"]])
def test_a_level_that_is_none_is_refused(file, privs):
    with pytest.raises(ValueError, match="it can be a password or a level from 1 to 3"):
        client_get_password(privs, "A", "a")


def test_a_file_without_a_fitting_row_gives_no_password(file):
    file.write_text("- {instance_id: x, password_2: a}\n")
    assert client_get_password(2, "A", "a") == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: b\n", "is not a list of rows"),
        ("- x\n", "row 1 is not a mapping"),
        ("- {default: true, pasword_2: hunter2}\n", "unknown key 'pasword_2'; did you mean"),
        ("- {default: true, password_2: 1234}\n", "password_2 that is not text"),
        ("- {default: 3, password_2: hunter2}\n", "row 1 is wrong: default is 3"),
        ("- {default: [\n", "is no YAML; see its line"),
    ],
)
def test_a_file_with_a_mistake_is_refused_and_not_shown(file, text, says):
    file.write_text(text)
    with pytest.raises(PasswordsFileError, match=says) as refused:
        client_get_password(2, "A", "a")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o666])
def test_a_file_that_others_may_use_is_refused_by_name(file, mode):
    file.chmod(mode)
    with pytest.raises(PasswordsFileError, match=f"chmod 600 {file}"):
        client_get_password(2, "A", "a")


def test_without_a_file_the_client_says_so(file):
    file.unlink()
    with pytest.raises(PasswordsFileError, match=r"passwords\.yaml: No such file"):
        client_get_password(2, "A", "a")


class Special:
    """The control client of a director, which answers what the test says."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def special(self, name, **kwargs):
        self.asked.append((name, kwargs))
        return self.answers.pop(0)


class DirectorClient:
    def __init__(self, *answers):
        self._client = Special(*answers)


def test_exclusive_access_is_acquired_renewed_and_released():
    client = DirectorClient(
        {"error": "Grant is already held"},
        {"message": "grant acquired", "password": "pw", "expire_at": 50.0},
        {"message": "grant renewed", "expire_at": 70.0},
        {"error": "Grant is not currently held; cannot renew."},
        {"message": "grant released"},
    )
    access = ExclusiveAccessClient(client, "me", "cal", "for cal")
    assert access.last_response == {"error": "no history"}
    assert access.acquire()[0] is False
    assert access.password is None
    assert access.acquire(expire_at=50.0)[0] is True
    assert (access.password, access.expire_at) == ("pw", 50.0)
    assert access.renew(70.0)[0] is True
    assert access.expire_at == 70.0
    assert access.renew()[0] is False
    assert access.release() == (True, {"message": "grant released"})
    assert (access.password, access.expire_at) == (None, None)
    who = {"grantee": "me", "grant_name": "cal", "password": "for cal"}
    assert client._client.asked[1] == (
        "request_exclusive",
        {"action": "acquire", "expire_at": 50.0, **who},
    )
    assert client._client.asked[-1] == ("request_exclusive", {"action": "release", **who})
