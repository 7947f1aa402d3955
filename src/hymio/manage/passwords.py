"""Passwords: what is accepted, their hashes by Argon2id, and a bound on how many are computed at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hymio.errors import SetupError, Unavailable

SHORTEST, LONGEST = 12, 256
"""Characters of a password."""

_FEWEST_DIFFERENT: Final = 5
"""Different characters in a password, so that a repeated one is not accepted."""

AT_ONCE: Final = 2
"""Hashes that are computed at the same time; each takes 64 MiB of memory (RFC 9106, second recommendation)."""

WAIT_SECONDS: Final = 10.0
"""How long a computation waits for its turn."""

hasher = PasswordHasher()
"""Hashes with the parameters of the library's release; a hash names its own, so that older ones stay readable."""

_turns = threading.BoundedSemaphore(AT_ONCE)


def check_password(password: str, email: str) -> None:
    """SetupError unless a password has 12 to 256 characters, five different ones, and is not the address."""
    if len(password) < SHORTEST:
        raise SetupError("password-too-short", "A password has at least {least} characters.", least=SHORTEST)
    if len(password) > LONGEST:
        raise SetupError("password-too-long", "A password has at most {most} characters.", most=LONGEST)
    if len(set(password)) < _FEWEST_DIFFERENT or password.lower() == email.lower():
        raise SetupError("password-too-easy", "This password is too easy to guess.")


def hash_password(password: str) -> str:
    """The hash of a password, with its salt and parameters. Unavailable if too many wait for their turn."""
    with _turn():
        return hasher.hash(_encoded(password))


def matches(password: str, stored: str | None) -> bool:
    """Whether a password has a hash. Without a hash it takes as long and gives False. Unavailable as above."""
    with _turn():
        try:
            hasher.verify(stored or _nobodys_hash(), _encoded(password))
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def renewed(password: str, stored: str) -> str | None:
    """A new hash of a password if its stored one has other parameters than are used now, else None. As above."""
    return hash_password(password) if hasher.check_needs_rehash(stored) else None


def _encoded(password: str) -> bytes:
    """A password as bytes, also one with lone surrogates."""
    return password[: LONGEST + 1].encode("utf-8", "surrogatepass")


@cache
def _nobodys_hash() -> str:
    """The hash that the password of an unknown user is compared with, so that the answer takes as long."""
    return hasher.hash("nobody's")


@contextmanager
def _turn() -> Iterator[None]:
    """Waits until fewer than AT_ONCE hashes are computed. Unavailable after WAIT_SECONDS."""
    if not _turns.acquire(timeout=WAIT_SECONDS):
        raise Unavailable("too-many-sign-ins", "Too many people sign in at the moment. Try again in a minute.")
    try:
        yield
    finally:
        _turns.release()
