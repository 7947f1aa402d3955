"""One-time codes by which a tablet becomes a smiley: it gets an upload token without anybody copying one."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final

from hymio.access import Permission, Principal, Role, Via
from hymio.errors import NotFound, SetupError
from hymio.manage.change import Batch, Change, changing, instant_text
from hymio.manage.secrets import hash_secret
from hymio.manage.smileys import give_token, placement_at, require_smiley
from hymio.period import DAY_MS, Instant
from hymio.smiley import SmileyType
from hymio.store import Store
from hymio.store.catalog.claims import delete_claim, select_claim, set_claim
from hymio.store.catalog.directory import Kind, delete_hashes
from hymio.store.dialect import Transaction

CLAIM_MS: Final = DAY_MS
"""How long a code can be used."""

_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 letters and digits of which no two look alike."""

_LENGTH: Final = 16
"""80 random bits, so that nobody finds the code of a hash within its time."""

_GROUP: Final = 4


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A code, shown once, and until when it can be used."""

    code: str
    expires_at: Instant


def new_claim(store: Store | Batch, principal: Principal, smiley: int, *, now: Instant) -> NewClaim:
    """Makes the one-time code of a touch or digital smiley, in place of an earlier one; its hash alone is stored.

    The upload token of the smiley stays as it is until the code is used. NotFound; SetupError for a terminal, which
    has no screen to type a code into.
    """
    with changing(store, principal, Permission.CHANGE_SMILEYS, now) as change:
        current = placement_at(require_smiley(change, smiley), now)
        if change.ledger.layout.smileys[smiley].type is SmileyType.TERMINAL:
            raise SetupError("claim-of-terminal", "smiley {smiley} is a terminal, not a tablet", smiley=smiley)
        code, expires_at = _new_code(), now + CLAIM_MS
        set_claim(change.ledger, smiley, hash_secret(_bare(code)), expires_at)
        change.audit(
            "new-claim", f"smiley {smiley}", node=None if current is None else current.node,
            new={"until": instant_text(expires_at)},
        )  # fmt: skip
        return NewClaim(code, expires_at)


def use_claim(store: Store | Batch, principal: Principal, code: str, *, now: Instant) -> str:
    """Ends a one-time code and the upload token of its smiley; returns the new token. NotFound."""
    with changing(store, principal, Permission.DELIVER_FEEDBACK, now) as change:
        change.require_whole_tree()
        smiley = _claimed(change, code, now)
        delete_claim(change.ledger, smiley)
        delete_hashes(change.ledger, Kind.SMILEY_TOKEN, smiley)
        token = give_token(change, smiley)
        change.audit("use-claim", f"smiley {smiley}")
        return token


def claiming_principal(transaction: Transaction, code: str, now: Instant) -> Principal | None:
    """The smiley of a one-time code; None for one that is unknown, used or expired."""
    claim = select_claim(transaction, hash_secret(_bare(code)))
    if claim is None or claim[2] <= now:
        return None
    organization, smiley, _ = claim
    return Principal(organization, Role.DEVICE, Via.DEVICE, f"smiley {smiley}", smiley)


def _claimed(change: Change, code: str, now: Instant) -> int:
    """The smiley of a code. NotFound for one that is unknown, expired, or of another organization."""
    claim = select_claim(change.ledger.transaction, hash_secret(_bare(code)))
    if claim is None or claim[0] != change.ledger.organization or claim[2] <= now:
        raise NotFound("unknown-claim", "there is no one-time code like this")
    return claim[1]


def _new_code() -> str:
    """A random code in groups of four: `7KMR-2QXA-…`."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return "-".join(letters[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def _bare(code: str) -> str:
    """The letters and digits of a code, however it was typed."""
    return re.sub(r"[^0-9A-Z]", "", code[:100].upper())
