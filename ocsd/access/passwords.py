"""Passwords of people: argon2id hashes, and their check.

The page and the router check them in a thread: a check takes some 50 ms of a core and 19 MiB.
"""

from typing import TYPE_CHECKING, Final

from ocsd.errors import UsageError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

FEWEST_CHARACTERS: Final = 8
LONGEST_PASSWORD_BYTES: Final = 1024
"""A longer one is refused before it is hashed, so that nobody keeps the router busy with it."""

_OF_NOBODY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$b2NzZC1vY3NkLW9jc2QtMQ"
    "$2Q0JmIhS6bV0gJv3p9m1oQxH0b3h1b8m0n7uWQm0m2E"
)
"""A hash that no password has, for names that nobody has: they take as long as the others."""


def hashed(password: str) -> str:
    """Return the argon2id hash of a password, as users.json holds it.

    Raises
    ------
    UsageError
        If the password is too short or too long.
    """
    if len(password) < FEWEST_CHARACTERS:
        raise UsageError(f"the password is too short; use {FEWEST_CHARACTERS} characters or more")
    if len(password.encode(errors="replace")) > LONGEST_PASSWORD_BYTES:
        raise UsageError(
            f"the password is longer than {LONGEST_PASSWORD_BYTES} bytes; use a shorter one"
        )
    return _hasher().hash(password)


def fits(password: str, known_hash: str | None) -> bool:
    """Say whether a password has this hash; None: there is nobody of that name.

    It takes the same time whether or not there is somebody.
    """
    from argon2 import exceptions

    given = password.encode(errors="surrogatepass")
    if len(given) > LONGEST_PASSWORD_BYTES:
        return False
    try:
        right = _hasher().verify(known_hash or _OF_NOBODY, given)
    except (exceptions.VerificationError, exceptions.InvalidHashError):
        return False
    return right and known_hash is not None


def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    # The second choice of the OWASP Password Storage Cheat Sheet for argon2id (2024): many
    # logins at once must not take the memory of the agents.
    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
