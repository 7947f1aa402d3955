"""Rows of the one-time codes of smileys; the hash of a code is in the directory."""

from __future__ import annotations

from hymio.period import Instant
from hymio.store import schema
from hymio.store.catalog.directory import Kind, delete_hashes, insert_hash, look_up
from hymio.store.catalog.rows import run
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger


def select_claim(transaction: Transaction, digest: bytes) -> tuple[int, int, Instant] | None:
    """The organization, the smiley and the expiry of the code with a hash; None for an unknown one."""
    owner = look_up(transaction, Kind.SMILEY_CLAIM, digest)
    if owner is None:
        return None
    organization, smiley = owner
    row = transaction.row(
        "SELECT expires_at FROM smiley_claim WHERE organization_id = :o AND smiley_id = :smiley",
        o=organization,
        smiley=smiley,
    )
    return None if row is None else (organization, smiley, row[0])


def set_claim(ledger: Ledger, smiley: int, digest: bytes, expires_at: Instant) -> None:
    """Sets the code of a smiley in place of an earlier one."""
    delete_claim(ledger, smiley)
    insert_hash(ledger, Kind.SMILEY_CLAIM, digest, smiley)
    ledger.transaction.insert(schema.smiley_claim, [(ledger.organization, smiley, expires_at)])


def delete_all_claims(transaction: Transaction) -> int:
    """Deletes the codes of all organizations; returns their number. Their hashes are then nobody's."""
    return transaction.run("DELETE FROM smiley_claim")


def delete_claim(ledger: Ledger, smiley: int) -> None:
    """Deletes the code of a smiley, if it has one."""
    delete_hashes(ledger, Kind.SMILEY_CLAIM, smiley)
    run(ledger, "DELETE FROM smiley_claim WHERE organization_id = :o AND smiley_id = :smiley", smiley=smiley)
