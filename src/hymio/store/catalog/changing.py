"""What changes of the set-up have in common: ids from the ledger, checks, and the word that it must be read anew."""

from __future__ import annotations

from hymio.errors import SetupError
from hymio.period import Instant
from hymio.smiley import CLOCK_TOLERANCE
from hymio.store.ledger import Ledger

_MAX_NAME = 200
_MAX_TEXT = 5_000


def identity_of(ledger: Ledger, table: str, wanted: int | None = None) -> int:
    """The next id of a table in this organization, or the wanted one if it is free: the ledger alone gives ids."""
    if wanted is None:
        row = ledger.transaction.row(f"SELECT max(id) FROM {table} WHERE organization_id = :o", o=ledger.organization)
        return (row[0] if row and row[0] else 0) + 1
    text = f"SELECT 1 FROM {table} WHERE organization_id = :o AND id = :id"
    if wanted < 1 or ledger.transaction.row(text, o=ledger.organization, id=wanted):
        raise SetupError(f"{table} {wanted} exists already, or is not a positive number")
    return wanted


def changed(ledger: Ledger) -> None:
    """Tells this ledger and, by the revision, all readers that their set-up is old; it is checked at the commit."""
    ledger.change_setup()
    run(
        ledger,
        "UPDATE ledger SET setup_revision = :revision, content_revision = :revision WHERE organization_id = :o",
        revision=ledger.revision,
    )


def run(ledger: Ledger, text: str, **values: object) -> int:
    return ledger.transaction.run(text, o=ledger.organization, **values)


def must_have(ledger: Ledger, table: str, identity: int) -> None:
    text = f"SELECT 1 FROM {table} WHERE organization_id = :o AND id = :id"
    if not ledger.transaction.row(text, o=ledger.organization, id=identity):
        raise SetupError(f"there is no {table} {identity}")


def check_name(name: str, kind: str = "name") -> None:
    if not name.strip() or len(name) > _MAX_NAME or any(ord(letter) < ord(" ") for letter in name):
        raise SetupError(f"got {kind} {name[:40]!r}; accepted are 1 to {_MAX_NAME} printable characters")


def check_text(text: str) -> None:
    if not text.strip() or len(text) > _MAX_TEXT or any(ord(letter) < ord(" ") for letter in text if letter != "\n"):
        raise SetupError(f"got text {text[:40]!r}; accepted are 1 to {_MAX_TEXT} printable characters")


def from_now_on(ledger: Ledger) -> Instant:
    """The instant from which a change acts that does not act backwards: a device's press may be so far ahead."""
    return ledger.now + CLOCK_TOLERANCE + 1


def has_feedback(ledger: Ledger) -> bool:
    """Whether any smiley of the organization has spoken, so that a change of the past would have to be resettled."""
    text = "SELECT 1 FROM smiley_state WHERE organization_id = :o LIMIT 1"
    return ledger.transaction.row(text, o=ledger.organization) is not None
