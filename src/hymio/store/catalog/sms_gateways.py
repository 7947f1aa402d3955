"""Rows of SMS gateways that sign their requests: the key of each, which must be readable to compute a signature."""

from __future__ import annotations

from hymio.access import SmsGateway
from hymio.store import schema
from hymio.store.catalog.rows import run
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger


def select_key(transaction: Transaction, organization: int, gateway: SmsGateway) -> str | None:
    """The key of a gateway's signatures; None where none is set."""
    row = transaction.row(
        "SELECT secret FROM sms_gateway WHERE organization_id = :o AND kind = :kind", o=organization, kind=gateway.value
    )
    return row[0] if row else None


def select_gateways(transaction: Transaction, organization: int) -> frozenset[SmsGateway]:
    """The gateways that have a key."""
    rows = transaction.rows("SELECT kind FROM sms_gateway WHERE organization_id = :o", o=organization)
    return frozenset(SmsGateway(row[0]) for row in rows)


def upsert_key(ledger: Ledger, gateway: SmsGateway, key: str) -> None:
    """Sets the key of a gateway."""
    ledger.transaction.insert(
        schema.sms_gateway,
        [(ledger.organization, gateway.value, key)],
        "ON CONFLICT (organization_id, kind) DO UPDATE SET secret = excluded.secret",
    )


def delete_key(ledger: Ledger, gateway: SmsGateway) -> int:
    """Deletes the key of a gateway; returns the number of rows."""
    return run(ledger, "DELETE FROM sms_gateway WHERE organization_id = :o AND kind = :kind", kind=gateway.value)
