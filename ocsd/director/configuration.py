"""The file of the access director: passwords, and blocks of exclusive access.

It is OCS's (docs/run/access-levels.md), but a key that means nothing is refused, because it was
meant to protect something.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ocsd.access.level_rules import WireHash, level_of_number
from ocsd.access.levels import CredLevel
from ocsd.access.scope import SCOPE_KEYS, Scope
from ocsd.director.secret import FileHash, StoredPassword
from ocsd.errors import DirectorFileError
from ocsd.site.document import Document, Location, read
from ocsd.text.nearest import nearest_or_all

PASSWORD_LEVELS: Final[Mapping[str, CredLevel]] = {
    f"password_{level.value}": level for level in CredLevel if level is not CredLevel.BLOCKED
}
_TOP: Final = (
    "passwords_block_default_hashfunc",
    "distrib_hashfunc",
    "passwords",
    "exclusive_access_blocks",
)
_BLOCK: Final = ("name", "password", "hash", "grants")
_GRANT: Final = (*SCOPE_KEYS, "cred_level", "lockout_levels")
MOST_FILE_BYTES: Final = 2**20


class PasswordRow(NamedTuple):
    """A password, and the level that it gives at the agents of a scope."""

    scope: Scope
    level: CredLevel
    password: StoredPassword


class GrantedAccess(NamedTuple):
    """The level of the holder at the agents of a scope, and the levels that others lose there."""

    scope: Scope
    level: CredLevel
    lockout_levels: tuple[CredLevel, ...]


class ExclusiveBlock(NamedTuple):
    """A block of exclusive access, which one client at a time can hold."""

    name: str
    password: StoredPassword | None
    """The password that a client needs to ask for it; None if it needs none."""
    hash: WireHash
    grants: tuple[GrantedAccess, ...]


class DirectorConfig(NamedTuple):
    """The content of the file."""

    passwords: tuple[PasswordRow, ...] = ()
    blocks: tuple[ExclusiveBlock, ...] = ()
    distribution: WireHash = WireHash.MD5
    """The hash with which clear passwords go to the agents."""

    @property
    def has_strong(self) -> bool:
        """Whether a password of it cannot be guessed from what the file holds."""
        return any(row.password.is_strong for row in self.passwords)

    @property
    def has_weak(self) -> bool:
        """Whether whoever reads the file can find a password out."""
        stored = [row.password for row in self.passwords]
        stored += [block.password for block in self.blocks if block.password is not None]
        return any(each.value and not each.is_strong for each in stored)


def load(path: Path) -> DirectorConfig:
    """Read the file.

    Raises
    ------
    DirectorFileError
        If it is missing, open to others, or wrong; the message has the line of each mistake.
    """
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            content = file.read(MOST_FILE_BYTES + 1)
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DirectorFileError(f"cannot read the access director's file {path}: {why}") from error
    if len(content) > MOST_FILE_BYTES:
        raise DirectorFileError(f"{path} is larger than {MOST_FILE_BYTES:,} bytes")
    config = config_of(text, str(path))
    fault = fault_of_mode(found.st_mode, config.has_weak)
    if fault:
        raise DirectorFileError(
            f"{path} has mode {stat.S_IMODE(found.st_mode):04o}: {fault} {path}"
        )
    return config


def fault_of_mode(mode: int, has_weak: bool) -> str:
    """Return why a file of this mode cannot be trusted, and the command; empty if it can."""
    if mode & 0o022:
        return "others may change it; chmod go-w"
    if has_weak and mode & 0o004:
        return "everybody may read its passwords; chmod o="
    return ""


def config_of(text: str, name: str) -> DirectorConfig:
    """Return the configuration that a text describes; `name` is that of the file.

    Raises
    ------
    DirectorFileError
        If anything in it is wrong.
    """
    document = read(text, {})
    reader = _Reader(document)
    config = reader.config()
    problems = sorted([(each.line, each.text) for each in document.problems] + reader.problems)
    if problems:
        lines = [f"line {line}: {text}" for line, text in problems]
        raise DirectorFileError(f"the access director's file {name} is wrong: " + "; ".join(lines))
    return config


class _Reader:
    """Reads the values of a document, and records what is wrong with their lines."""

    def __init__(self, document: Document) -> None:
        self.problems: list[tuple[int, str]] = []
        self._document = document
        self._default = FileHash.NONE

    def config(self) -> DirectorConfig:
        """Return the configuration, as far as it can be read."""
        top = self._mapping(self._document.value or {}, (), _TOP)
        self._default = self._hash(top, (), "passwords_block_default_hashfunc", FileHash.NONE)
        passwords = [
            row
            for location, data in self._list(top, (), "passwords", (*SCOPE_KEYS, *PASSWORD_LEVELS))
            for row in self._rows(data, location)
        ]
        blocks = self._list(top, (), "exclusive_access_blocks", _BLOCK)
        return DirectorConfig(
            tuple(passwords),
            self._blocks([self._block(data, location) for location, data in blocks]),
            self._wire_hash(top, (), "distrib_hashfunc"),
        )

    def _blocks(self, blocks: list[ExclusiveBlock]) -> tuple[ExclusiveBlock, ...]:
        names = [block.name for block in blocks]
        for index, name in enumerate(names):
            if name in names[:index]:
                place = ("exclusive_access_blocks", index)
                self._refuse(place, f"another block has the name {name!r} already")
        return tuple(blocks)

    def _rows(self, data: Mapping[str, Any], location: Location) -> Iterator[PasswordRow]:
        scope = self._scope(data, location)
        for key, level in PASSWORD_LEVELS.items():
            password = self._password(data, location, key)
            if password is not None:
                yield PasswordRow(scope, level, password)

    def _block(self, data: Mapping[str, Any], location: Location) -> ExclusiveBlock:
        name = data.get("name")
        if not isinstance(name, str) or not name:
            self._refuse(location, "a block of exclusive access needs a name")
        # OCS reads this password as it stands, whatever the default of the passwords is.
        default, self._default = self._default, FileHash.NONE
        password = self._password(data, location, "password")
        self._default = default
        grants = [
            GrantedAccess(
                self._scope(grant, place),
                self._level(grant.get("cred_level", 0), (*place, "cred_level")),
                self._levels(grant, place),
            )
            for place, grant in self._list(data, location, "grants", _GRANT)
        ]
        return ExclusiveBlock(
            str(name), password, self._wire_hash(data, location, "hash"), tuple(grants)
        )

    def _levels(self, grant: Mapping[str, Any], place: Location) -> tuple[CredLevel, ...]:
        levels = grant.get("lockout_levels") or []
        if not isinstance(levels, list):
            self._refuse((*place, "lockout_levels"), "lockout_levels is a list such as [2, 3]")
            return ()
        where = (*place, "lockout_levels")
        return tuple(self._level(number, (*where, index)) for index, number in enumerate(levels))

    def _level(self, number: object, location: Location) -> CredLevel:
        try:
            return level_of_number(number)
        except ValueError as error:
            self._refuse(location, str(error))
            return CredLevel.BLOCKED

    def _scope(self, data: Mapping[str, Any], location: Location) -> Scope:
        try:
            scope = Scope.of(data)
        except ValueError as error:
            self._refuse(location, str(error))
            return Scope()
        if scope == Scope():
            self._refuse(
                location, "it says for no agent; give default: true, agent_class or instance_id"
            )
        return scope

    def _password(
        self, data: Mapping[str, Any], location: Location, key: str
    ) -> StoredPassword | None:
        value = data.get(key)
        if value is None:
            return None
        where = (*location, key)
        if isinstance(value, str):
            stored = StoredPassword(self._default, value)
            if not value:
                stored = StoredPassword(FileHash.NONE, "")
        else:
            entry = self._mapping(value, where, ("hash", "value"))
            text = entry.get("value") or ""
            if not isinstance(text, str):
                self._refuse(where, f"{key} is a number; write it in quotation marks")
                text = ""
            stored = StoredPassword(self._hash(entry, where, "hash", self._default), text)
        if fault := stored.fault():
            self._refuse(where, f"the {stored.hash} hash of {key} {fault}")
        return stored

    def _hash(
        self, data: Mapping[str, Any], location: Location, key: str, default: FileHash
    ) -> FileHash:
        word = data.get(key, default)
        if word not in set(FileHash):
            self._unknown((*location, key), f"{key} is {word!r}", list(FileHash))
            return default
        return FileHash(word)

    def _wire_hash(self, data: Mapping[str, Any], location: Location, key: str) -> WireHash:
        word = data.get(key, WireHash.MD5)
        if word not in (WireHash.NONE, WireHash.MD5):
            self._unknown((*location, key), f"{key} is {word!r}", ["none", "md5"])
            return WireHash.MD5
        return WireHash(word)

    def _list(
        self, data: Mapping[str, Any], location: Location, key: str, keys: tuple[str, ...]
    ) -> list[tuple[Location, Mapping[str, Any]]]:
        entries = data.get(key) or []
        if not isinstance(entries, list):
            self._refuse((*location, key), f"{key} is a list of mappings")
            return []
        places = [(*location, key, index) for index in range(len(entries))]
        return [
            (place, self._mapping(entry, place, keys))
            for place, entry in zip(places, entries, strict=True)
        ]

    def _mapping(self, value: object, location: Location, keys: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._refuse(location, f"here stands a mapping with {', '.join(keys)}")
            return {}
        for key in value:
            if key not in keys:
                self._unknown((*location, key), f"unknown key {key!r}", list(keys))
        return value

    def _unknown(self, location: Location, what: str, known: list[str]) -> None:
        self._refuse(location, what + nearest_or_all(str(location[-1]), known))

    def _refuse(self, location: Location, text: str) -> None:
        self.problems.append((self._document.key_line(location), text))
