"""How an organization's published smileys look."""

from __future__ import annotations

import hashlib

from hymio.access import Permission, Principal
from hymio.brand import Brand, check_brand
from hymio.manage.change import Batch, changing, reading
from hymio.period import Instant
from hymio.store import Store
from hymio.store.brands import brand_of, upsert_brand


def brand(store: Store | Batch, principal: Principal) -> Brand:
    """The brand of the principal's organization. Forbidden."""
    principal.require(Permission.READ_SETUP)
    with reading(store) as transaction:
        return brand_of(transaction, principal.organization)


def set_brand(store: Store | Batch, principal: Principal, brand: Brand, *, now: Instant) -> None:
    """Sets how the organization's published smileys look. Forbidden below the root.

    SetupError for colours that cannot be read on each other (with the ratio that they have and the one they need), a
    size out of range, or a logo that is no small PNG file.
    """
    with changing(store, principal, Permission.CHANGE_SURVEYS, now) as change:
        change.require_whole_tree()
        check_brand(brand)
        transaction, organization = change.ledger.transaction, change.ledger.organization
        before = brand_of(transaction, organization)
        if brand != before:
            upsert_brand(transaction, organization, brand)
            change.audit("set-brand", "organization", old=_shown(before), new=_shown(brand))


def _shown(brand: Brand) -> dict[str, object]:
    """A brand, for the audit log; of the logo its hash."""
    return {
        "ground": brand.ground, "ink": brand.ink, "accent": brand.accent, "size": brand.size,
        "square": brand.is_square, "logo": hashlib.sha256(brand.logo).hexdigest()[:16] if brand.logo else None,
    }  # fmt: skip
