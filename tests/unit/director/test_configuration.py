"""The access director's file."""

import base64
import hashlib

import pytest
from argon2 import PasswordHasher

from ocsd.access.level_rules import WireHash, short_md5
from ocsd.access.levels import CredLevel
from ocsd.access.scope import Scope
from ocsd.director.configuration import DirectorConfig, config_of, load
from ocsd.director.secret import FileHash, StoredPassword
from ocsd.errors import DirectorFileError

WHOLE = """\
passwords_block_default_hashfunc: none
distrib_hashfunc: md5
passwords:
  - default: true
    password_1: ''
    password_2: two
    password_3: {hash: md5, value: 35d6d33467aae9a2}
  - agent_class: FakeDataAgent
    instance_id: '!faker4'
    password_4: four
exclusive_access_blocks:
  - name: cal
    password: for cal
    grants:
      - {instance_id: 'faker*', cred_level: 2, lockout_levels: [2, 3]}
      - {default: true, cred_level: 1}
  - name: free
    hash: none
    grants: []
"""


def scrypt(password, ln=10):
    salt = b"0123456789abcdef"
    key = hashlib.scrypt(password.encode(), salt=salt, n=2**ln, r=8, p=1, dklen=32)
    parts = [base64.b64encode(each).decode().rstrip("=") for each in (salt, key)]
    return f"$scrypt$ln={ln},r=8,p=1${'$'.join(parts)}"


ARGON2 = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("strong")


def problems(text):
    with pytest.raises(DirectorFileError) as wrong:
        config_of(text, "access.yaml")
    return str(wrong.value)


def test_a_whole_file_is_read():
    config = config_of(WHOLE, "access.yaml")
    assert config.distribution is WireHash.MD5
    assert [(row.level, row.password.hash, row.password.value) for row in config.passwords] == [
        (CredLevel.BASIC, FileHash.NONE, ""),
        (CredLevel.ADVANCED, FileHash.NONE, "two"),
        (CredLevel.FULL, FileHash.MD5, "35d6d33467aae9a2"),
        (CredLevel.SUPERUSER, FileHash.NONE, "four"),
    ]
    assert config.passwords[3].scope == Scope(False, "FakeDataAgent", "!faker4")
    cal, free = config.blocks
    assert (cal.name, cal.hash, free.hash, free.password) == ("cal", "md5", "none", None)
    assert cal.password.fits("for cal")
    assert not cal.password.fits("")
    assert [each.lockout_levels for each in cal.grants] == [(2, 3), ()]


@pytest.mark.parametrize("text", ["", "passwords: []\n", "passwords:\n"])
def test_an_empty_file_gives_nobody_anything(text):
    assert config_of(text, "x") == DirectorConfig()


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("lockout_levels", "lock_levels", "line 15: unknown key 'lock_levels'; did you mean"),
        ("password_2: two", "pasword_2: two", "line 6: unknown key 'pasword_2'; did you mean"),
        ("password_2: two", "password_2: 2", "line 6: "),
        ("password_2: two", "password_2: {hash: md6, value: x}", "line 6: hash is 'md6'"),
        ("35d6d33467aae9a2", "hunter2", "line 7: the md5 hash of password_3 is not the first 16"),
        ("hash: md5", "hash: argon2", "line 7: the argon2 hash of password_3 has not the form"),
        ("hash: md5", "hash: scrypt", "line 7: the scrypt hash of password_3 has not the form"),
        ("distrib_hashfunc: md5", "distrib_hashfunc: scrypt", "line 2: distrib_hashfunc is"),
        ("name: free", "name: cal", "line 17: another block has the name 'cal'"),
        ("- name: free\n    hash", "- hash", "line 17: a block of exclusive access needs a name"),
        ("cred_level: 1", "cred_level: 7", "line 16: 7 is no credential level"),
        ("[2, 3]", "[2, three]", "line 15: 'three' is no credential level"),
        ("[2, 3]", "2", "line 15: lockout_levels is a list"),
        ("default: true, cred", "cred", "line 16: it says for no agent"),
        ("default: true\n", "default: maybe\n", "line 4: default is 'maybe'"),
        ("grants: []", "grants: none", "line 19: grants is a list of mappings"),
        ("grants: []", "grants: [x]", "line 19: here stands a mapping with"),
        ("passwords:\n", "passwords: [\n", "YAML syntax"),
    ],
)
def test_a_mistake_is_named_with_its_line(right, wrong, says):
    assert right in WHOLE
    text = problems(WHOLE.replace(right, wrong))
    assert says in text
    assert "hunter2" not in text


def test_a_file_that_is_no_mapping_is_refused():
    assert "a mapping with passwords_block_default_hashfunc" in problems("- a\n")


@pytest.mark.parametrize("value", [scrypt("strong"), ARGON2], ids=["scrypt", "argon2"])
def test_strong_hashes_are_taken(value):
    kind = value.split("$")[1].removesuffix("id")
    text = f"passwords:\n- {{default: true, password_2: {{hash: {kind}, value: '{value}'}}}}\n"
    [row] = config_of(text, "x").passwords
    assert row.password.fits("strong")
    assert not row.password.fits("weak")
    assert not row.password.fits("x" * 2000)
    assert config_of(text, "x").has_strong
    assert not config_of(text, "x").has_weak
    default = f"passwords_block_default_hashfunc: {kind}\n"
    [row] = config_of(
        f"{default}passwords:\n- {{default: true, password_2: '{value}'}}\n", "x"
    ).passwords
    assert row.password.is_strong


def test_a_hash_that_takes_all_memory_is_refused():
    value = scrypt("strong").replace("ln=10", "ln=40")
    text = f"passwords:\n- {{default: true, password_2: {{hash: scrypt, value: '{value}'}}}}\n"
    assert "needs too much memory" in problems(text)


def test_clear_passwords_go_to_agents_with_the_hash_of_the_distribution():
    clear = StoredPassword(FileHash.NONE, "two")
    assert clear.on_the_wire(WireHash.MD5) == ("md5", short_md5("two"))
    assert clear.on_the_wire(WireHash.NONE) == ("none", "two")
    assert StoredPassword(FileHash.NONE, "").on_the_wire(WireHash.MD5) == ("none", "")
    assert StoredPassword(FileHash.BLOCKED, "").on_the_wire(WireHash.MD5) == ("blocked", "")
    assert "two" not in repr(clear)


@pytest.mark.parametrize(
    ("mode", "text", "says"),
    [
        (0o600, WHOLE, ""),
        (0o640, WHOLE, ""),
        (0o644, WHOLE, "mode 0644: everybody may read its passwords; chmod o="),
        (0o644, "passwords: []\n", ""),
        (0o620, "passwords: []\n", "mode 0620: others may change it; chmod go-w"),
    ],
)
def test_a_file_that_others_may_use_is_refused(tmp_path, mode, text, says):
    path = tmp_path / "access.yaml"
    path.write_text(text)
    path.chmod(mode)
    if not says:
        assert load(path) == config_of(text, "x")
        return
    with pytest.raises(DirectorFileError, match=says):
        load(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DirectorFileError, match=r"access\.yaml: No such file"):
        load(tmp_path / "access.yaml")
    (tmp_path / "access.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DirectorFileError, match="not UTF-8"):
        load(tmp_path / "access.yaml")
    (tmp_path / "access.yaml").write_bytes(b"# " + b"x" * 2**20)
    with pytest.raises(DirectorFileError, match="larger than"):
        load(tmp_path / "access.yaml")
