"""Smileys, their secrets and where they stand, and the text messages that they sent."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from hymio.errors import SetupError
from hymio.period import Instant
from hymio.smiley import SmileyType
from hymio.store import Store, schema
from hymio.store.catalog.changing import changed, check_name, identity_of, must_have, run
from hymio.store.catalog.directory import (
    SMILEY_SERIAL,
    SMILEY_TOKEN,
    SMS_SECRET,
    forget,
    hash_secret,
    look_up,
    remember,
)
from hymio.store.ledger import Ledger

_SERIAL = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class NewSmiley:
    """A smiley's id and its upload token, which is shown once."""

    id: int
    token: str


def sms_key(token: str) -> bytes:
    """The key of a terminal's SMS checksums, made from its upload token so that a device keeps one secret."""
    return hashlib.sha256(b"hymio-sms:" + token.encode()).digest()[:16]


def add_smiley(ledger: Ledger, serial: str, name: str, type: SmileyType, id: int | None = None) -> NewSmiley:  # noqa: A002
    """Adds a smiley; its serial is unique in the organization, its token is made here and kept as a hash."""
    check_name(name)
    if not _SERIAL.fullmatch(serial):
        raise SetupError(f"got serial {serial!r}; accepted are 1 to 32 of A-Z, 0-9 and -")
    if look_up(ledger.transaction, SMILEY_SERIAL, _serial_hash(ledger.organization, serial)):
        raise SetupError(f"there is a smiley with serial {serial} already")
    identity = identity_of(ledger, "smiley", id)
    ledger.transaction.insert(schema.smiley, [(ledger.organization, identity, serial, name, type.value, None)])
    remember(ledger, SMILEY_SERIAL, _serial_hash(ledger.organization, serial), identity)
    return NewSmiley(identity, new_token(ledger, identity))


def new_token(ledger: Ledger, smiley: int) -> str:
    """Gives a smiley a new upload token in place of the old one; shown once."""
    token = secrets.token_urlsafe(24)
    forget(ledger, SMILEY_TOKEN, smiley)
    remember(ledger, SMILEY_TOKEN, hash_secret(token), smiley)
    run(
        ledger,
        "UPDATE smiley SET sms_key = :key WHERE organization_id = :o AND id = :smiley",
        key=sms_key(token),
        smiley=smiley,
    )
    changed(ledger)
    return token


def place(ledger: Ledger, smiley: int, node: int, start: Instant, end: Instant | None = None) -> None:
    """Stands a smiley at a point from an instant on, until `end` or its next placement; the one before ends there."""
    must_have(ledger, "smiley", smiley)
    following = ledger.transaction.row(
        """SELECT min(starts_at) FROM placement
        WHERE organization_id = :o AND smiley_id = :smiley AND starts_at > :start""",
        o=ledger.organization, smiley=smiley, start=start,
    )  # fmt: skip
    if following and following[0] is not None:
        end = following[0] if end is None else min(end, following[0])
    run(
        ledger,
        """UPDATE placement SET ends_at = :start WHERE organization_id = :o AND smiley_id = :smiley
        AND starts_at < :start AND (ends_at IS NULL OR ends_at > :start)""",
        smiley=smiley,
        start=start,
    )
    ledger.transaction.insert(
        schema.placement,
        [(ledger.organization, smiley, start, node, end)],
        """ON CONFLICT (organization_id, smiley_id, starts_at)
        DO UPDATE SET node_id = excluded.node_id, ends_at = excluded.ends_at""",
    )
    changed(ledger)


def unplace(ledger: Ledger, smiley: int, end: Instant) -> None:
    """Ends where a smiley stands at an instant; placements that begin then or later are as if they never were.

    SetupError where it stands nowhere from that instant on. What is stored stays as it is, until it is resettled.
    """
    must_have(ledger, "smiley", smiley)
    those = "WHERE organization_id = :o AND smiley_id = :smiley"
    ended = run(ledger, f"DELETE FROM placement {those} AND starts_at >= :end", smiley=smiley, end=end)
    ended += run(
        ledger,
        f"UPDATE placement SET ends_at = :end {those} AND starts_at < :end AND (ends_at IS NULL OR ends_at > :end)",
        smiley=smiley,
        end=end,
    )
    if not ended:
        raise SetupError(f"smiley {smiley} stands nowhere from then on")
    changed(ledger)


def smiley_by_token(store: Store, token: str) -> tuple[int, int] | None:
    """The organization and smiley of an upload token."""
    with store.read() as transaction:
        return look_up(transaction, SMILEY_TOKEN, hash_secret(token))


def smiley_by_serial(store: Store, organization: int, serial: str) -> tuple[int, bytes] | None:
    """A smiley of an organization by its serial, with the key of its SMS checksums."""
    with store.read() as transaction:
        row = transaction.row(
            "SELECT id, sms_key FROM smiley WHERE organization_id = :o AND serial = :serial",
            o=organization,
            serial=serial,
        )
    return (row[0], bytes(row[1])) if row else None


def _serial_hash(organization: int, serial: str) -> bytes:
    return hash_secret(f"{organization}:{serial}")


def sms_secret(ledger: Ledger) -> str:
    """Gives the organization's SMS webhook a new shared secret in place of the old one; shown once."""
    secret = secrets.token_urlsafe(24)
    forget(ledger, SMS_SECRET, 0)
    remember(ledger, SMS_SECRET, hash_secret(secret), 0)
    return secret


def organization_by_sms_secret(store: Store, secret: str) -> int | None:
    """The organization whose SMS webhook has this secret."""
    with store.read() as transaction:
        found = look_up(transaction, SMS_SECRET, hash_secret(secret))
    return found[0] if found else None


def keep_message(ledger: Ledger, sender: str, text: str, smiley: int | None, outcome: str) -> None:
    """Keeps a text message as it came, and what became of it; the same text at the same instant once."""
    digest = hashlib.sha256(f"{sender}\n{text}".encode()).digest()[:16]
    row = (ledger.organization, ledger.now, digest, sender, text, smiley, outcome)
    ledger.transaction.insert(schema.message, [row], "ON CONFLICT DO NOTHING")
