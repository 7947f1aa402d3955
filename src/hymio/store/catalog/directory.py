"""Rows of the directory, which maps hashes of secrets and serials to an organization and an id in it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from hymio.store import schema
from hymio.store.catalog.rows import run
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger


class Kind(StrEnum):
    """The kinds of values whose hashes are in the directory."""

    SMILEY_TOKEN = "smiley_token"  # noqa: S105  the name of a kind
    SMILEY_SERIAL = "smiley_serial"
    SMILEY_CLAIM = "smiley_claim"
    WEB_SMILEY = "web_smiley"
    V1_CLIENT = "v1_client"
    V2_TOKEN = "v2_token"  # noqa: S105  the name of a kind
    SMS_SECRET = "sms_secret"  # noqa: S105  the name of a kind
    KANNEL_SECRET = "kannel_secret"  # noqa: S105  the name of a kind


def look_up(transaction: Transaction, kind: Kind, digest: bytes) -> tuple[int, int] | None:
    """The organization and id of a hash."""
    row = transaction.row(
        "SELECT organization_id, id FROM directory WHERE kind = :kind AND hash = :hash", kind=kind.value, hash=digest
    )
    return (row[0], row[1]) if row else None


def kinds_of(transaction: Transaction, organization: int) -> frozenset[str]:
    """The kinds of values that an organization has in the directory."""
    rows = transaction.rows("SELECT DISTINCT kind FROM directory WHERE organization_id = :o", o=organization)
    return frozenset(row[0] for row in rows)


def look_up_all(transaction: Transaction, kind: Kind, digests: Iterable[bytes]) -> dict[bytes, tuple[int, int]]:
    """The organization and id of each of these hashes that is in the directory."""
    text = "SELECT hash, organization_id, id FROM directory WHERE kind = :kind"
    return {bytes(row[0]): (row[1], row[2]) for row in transaction.rows_among(text, "hash", digests, kind=kind.value)}


def insert_hash(ledger: Ledger, kind: Kind, digest: bytes, identity: int) -> None:
    """Maps a hash to an id of this organization."""
    ledger.transaction.insert(schema.directory, [(kind.value, digest, ledger.organization, identity)])


def delete_hashes(ledger: Ledger, kind: Kind, identity: int | None = None) -> None:
    """Deletes the hashes of a kind for an id, or for all ids of this organization."""
    delete = "DELETE FROM directory WHERE organization_id = :o AND kind = :kind"
    if identity is None:
        run(ledger, delete, kind=kind.value)
    else:
        run(ledger, f"{delete} AND id = :id", kind=kind.value, id=identity)
