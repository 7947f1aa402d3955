"""Rows that say which presses in quarantine were dismissed."""

from __future__ import annotations

from collections.abc import Iterable

from hymio.store import schema
from hymio.store.ledger import Ledger
from hymio.store.quarantine import OpenCount


def dismiss(ledger: Ledger, chosen: Iterable[OpenCount]) -> None:
    """Leaves the presses of these smileys and reasons that are stored by now out of listings."""
    ledger.transaction.insert(
        schema.dismissal,
        [(ledger.organization, count.smiley, count.reason, ledger.revision) for count in chosen],
        "ON CONFLICT (organization_id, smiley_id, reason) DO UPDATE SET revision = excluded.revision",
    )


def delete_dismissals(ledger: Ledger) -> None:
    """Lists all presses in quarantine again."""
    ledger.transaction.run("DELETE FROM dismissal WHERE organization_id = :o", o=ledger.organization)
