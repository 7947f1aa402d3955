"""The directory: hashes of secrets and serials that lead to an organization and an id in it."""

from __future__ import annotations

import hashlib

from hymio.store import schema
from hymio.store.catalog.changing import run
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger

SMILEY_TOKEN, SMILEY_SERIAL, V1_CLIENT, V2_TOKEN, SMS_SECRET = (
    "smiley_token", "smiley_serial", "v1_client", "v2_token", "sms_secret"
)  # fmt: skip
"""The kinds of the directory: hashes that lead to an organization and an id."""


def hash_secret(secret: str) -> bytes:
    """SHA-256: secrets are long and random, so a slow hash would protect nothing more."""
    return hashlib.sha256(secret.encode()).digest()


def look_up(transaction: Transaction, kind: str, digest: bytes) -> tuple[int, int] | None:
    """The organization and id behind a hash."""
    row = transaction.row(
        "SELECT organization_id, id FROM directory WHERE kind = :kind AND hash = :hash", kind=kind, hash=digest
    )
    return (row[0], row[1]) if row else None


def remember(ledger: Ledger, kind: str, digest: bytes, identity: int) -> None:
    ledger.transaction.insert(schema.directory, [(kind, digest, ledger.organization, identity)])


def forget(ledger: Ledger, kind: str, identity: int) -> None:
    run(
        ledger, "DELETE FROM directory WHERE organization_id = :o AND kind = :kind AND id = :id", kind=kind, id=identity
    )
