"""How many days an organization keeps each kind of people's data."""

from __future__ import annotations

from hymio.personal_data import DEFAULT_DAYS, PersonalData
from hymio.store import schema
from hymio.store.dialect import Transaction


def retention_days(transaction: Transaction, organization: int) -> dict[PersonalData, int | None]:
    """The days of each kind, as set or by default; None is without limit."""
    rows = transaction.rows("SELECT kind, days FROM retention WHERE organization_id = :o", o=organization)
    chosen: dict[str, int | None] = dict(row[:2] for row in rows)
    return {kind: chosen.get(kind.value, days) for kind, days in DEFAULT_DAYS.items()}


def set_retention_days(transaction: Transaction, organization: int, kind: PersonalData, days: int | None) -> None:
    """Sets the days of a kind."""
    transaction.insert(
        schema.retention,
        [(organization, kind.value, days)],
        "ON CONFLICT (organization_id, kind) DO UPDATE SET days = excluded.days",
    )
