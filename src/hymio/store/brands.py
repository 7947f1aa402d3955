"""The brand of an organization: how its published smileys look."""

from __future__ import annotations

from hymio.brand import HYMIO, Brand
from hymio.store import schema
from hymio.store.dialect import Transaction


def brand_of(transaction: Transaction, organization: int) -> Brand:
    """The brand of an organization; that of Hymio if it has chosen none."""
    rows = transaction.rows(
        "SELECT ground, ink, accent, size, is_square, logo FROM brand WHERE organization_id = :o", o=organization
    )
    if not rows:
        return HYMIO
    ground, ink, accent, size, is_square, logo = rows[0]
    return Brand(ground, ink, accent, size, bool(is_square), bytes(logo))


def upsert_brand(transaction: Transaction, organization: int, brand: Brand) -> None:
    """Sets the brand of an organization."""
    row = (organization, brand.ground, brand.ink, brand.accent, brand.size, int(brand.is_square), brand.logo)
    transaction.insert(
        schema.brand,
        [row],
        """ON CONFLICT (organization_id) DO UPDATE SET ground = excluded.ground, ink = excluded.ink,
        accent = excluded.accent, size = excluded.size, is_square = excluded.is_square, logo = excluded.logo""",
    )
