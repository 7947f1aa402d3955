"""Random secrets, which are shown once, and their hashes, which are stored."""

from __future__ import annotations

import hashlib
import secrets


def new_secret(size: int = 32) -> str:
    """A secret of `size` random bytes, as base64url."""
    return secrets.token_urlsafe(size)


def new_client_id() -> str:
    """The identifier of a client of API v1: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def hash_secret(secret: str) -> bytes:
    """The SHA-256 of a secret. A slow hash would not protect more, because secrets are long and random."""
    return hashlib.sha256(secret.encode()).digest()


def sms_key(token: str) -> bytes:
    """The key of a terminal's SMS checksums, 16 bytes made from its upload token: a device stores one secret."""
    return hashlib.sha256(b"hymio-sms:" + token.encode()).digest()[:16]
