"""Passwords as the director's file holds them, and the check of a password against one."""

import base64
import binascii
import hashlib
import hmac
import re
from enum import StrEnum
from typing import Final, NamedTuple

from ocsd.access.level_rules import WireHash, WirePassword, short_md5


class FileHash(StrEnum):
    """Kinds of hashes in the director's file."""

    NONE = "none"
    MD5 = "md5"
    BLOCKED = "blocked"
    SCRYPT = "scrypt"
    ARGON2 = "argon2"


STRONG: Final = frozenset({FileHash.SCRYPT, FileHash.ARGON2})
"""Hashes from which no password can be guessed in a useful time."""

_SCRYPT: Final = re.compile(
    r"\$scrypt\$ln=(?P<ln>\d{1,2}),r=(?P<r>\d{1,2}),p=(?P<p>\d{1,2})"
    r"\$(?P<salt>[A-Za-z0-9+/]+)\$(?P<key>[A-Za-z0-9+/]+)"
)
MOST_SCRYPT_BYTES: Final = 2**28
"""Memory that a check may take [bytes]."""
_ARGON2: Final = re.compile(r"\$argon2(id|i|d)\$v=\d+\$m=\d+,t=\d+,p=\d+\$[\w+/]+\$[\w+/]+")
LONGEST_PASSWORD: Final = 1024
"""Length of a password that is checked at all [characters]."""


class StoredPassword(NamedTuple):
    """A password of the director's file."""

    hash: FileHash
    value: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.hash!s})"

    @property
    def is_strong(self) -> bool:
        """Whether nobody can guess the password from the hash."""
        return self.hash in STRONG

    def fault(self) -> str:
        """Return why nobody could have this password, without showing it; empty if all is well."""
        match self.hash:
            case FileHash.MD5 if self.value and not re.fullmatch("[0-9a-f]{16}", self.value):
                return "is not the first 16 hexadecimal digits of an MD5"
            case FileHash.SCRYPT if _scrypt_of(self.value) is None:
                return "has not the form $scrypt$ln=14,r=8,p=1$SALT$HASH, or needs too much memory"
            case FileHash.ARGON2 if not _ARGON2.fullmatch(self.value):
                return "has not the form $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH"
        return ""

    def fits(self, password: str) -> bool:
        """Return whether a password is this one; a strong hash takes some 50 ms of a core."""
        if len(password) > LONGEST_PASSWORD:
            return False
        match self.hash:
            case FileHash.ARGON2:
                return _argon2_fits(self.value, password)
            case FileHash.SCRYPT:
                return _scrypt_fits(self.value, password)
        return WirePassword(self.hash, self.value).fits(password)

    def on_the_wire(self, hash_: WireHash) -> WirePassword:
        """Return it as agents get it: a clear one with the hash of the distribution."""
        if self.hash is FileHash.NONE and self.value:
            return WirePassword.of(hash_, self.value)
        return WirePassword(self.hash, self.value)


class _Scrypt(NamedTuple):
    cost: int
    block: int
    parallel: int
    salt: bytes
    key: bytes


def _scrypt_of(value: str) -> _Scrypt | None:
    found = _SCRYPT.fullmatch(value)
    if found is None:
        return None
    try:
        salt, key = (_decoded(found[name]) for name in ("salt", "key"))
    except binascii.Error:
        return None
    scrypt = _Scrypt(2 ** int(found["ln"]), int(found["r"]), int(found["p"]), salt, key)
    if 128 * scrypt.cost * scrypt.block > MOST_SCRYPT_BYTES or min(scrypt[:3]) < 1:
        return None
    return scrypt


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _scrypt_fits(value: str, password: str) -> bool:
    known = _scrypt_of(value)
    if known is None:
        return False
    key = hashlib.scrypt(
        password.encode("utf-8", "replace"),
        salt=known.salt,
        n=known.cost,
        r=known.block,
        p=known.parallel,
        maxmem=2 * MOST_SCRYPT_BYTES,
        dklen=len(known.key),
    )
    return hmac.compare_digest(key, known.key)


def _argon2_fits(value: str, password: str) -> bool:
    from argon2 import PasswordHasher, exceptions

    try:
        return PasswordHasher().verify(value, password)
    except (exceptions.VerificationError, exceptions.InvalidHashError):
        return False


def fingerprint(stored: StoredPassword) -> str:
    """Return a name for a strong hash, under which its token is kept."""
    return hashlib.sha256(stored.value.encode()).hexdigest()


def token_rule_password(token: str) -> WirePassword:
    """Return the password of a rule for a token of 128 random bits: nobody guesses its MD5."""
    return WirePassword(WireHash.MD5, short_md5(token))
