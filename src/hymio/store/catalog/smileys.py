"""Rows of smileys and of their placements."""

from __future__ import annotations

from typing import NamedTuple

from hymio.period import Instant
from hymio.setup import Part
from hymio.smiley import SmileyType
from hymio.store import schema
from hymio.store.catalog.rows import first_row, run
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger

_OF_SMILEY = "WHERE organization_id = :o AND smiley_id = :smiley"


class PlacementRow(NamedTuple):
    """The placement of a smiley at a node in [start, end); without `end` it lasts."""

    start: Instant
    node: int
    end: Instant | None


def insert_smiley(ledger: Ledger, identity: int, serial: str, name: str, type: SmileyType) -> None:  # noqa: A002
    """Inserts a smiley without a token."""
    ledger.transaction.insert(schema.smiley, [(ledger.organization, identity, serial, name, type.value, None)])
    ledger.changed(Part.SMILEY, identity)


def update_name(ledger: Ledger, smiley: int, name: str) -> None:
    """Sets a smiley's name."""
    run(ledger, "UPDATE smiley SET name = :name WHERE organization_id = :o AND id = :smiley", name=name, smiley=smiley)
    ledger.changed(Part.SMILEY, smiley)


def update_sms_key(ledger: Ledger, smiley: int, key: bytes) -> None:
    """Sets the key of a smiley's SMS checksums, which is not part of the layout."""
    run(ledger, "UPDATE smiley SET sms_key = :key WHERE organization_id = :o AND id = :smiley", key=key, smiley=smiley)


def select_by_serial(transaction: Transaction, organization: int, serial: str) -> tuple[int, bytes] | None:
    """The id of the smiley with a serial, and the key of its SMS checksums."""
    text = "SELECT id, sms_key FROM smiley WHERE organization_id = :o AND serial = :serial"
    row = transaction.row(text, o=organization, serial=serial)
    return (row[0], bytes(row[1])) if row else None


def select_placements(ledger: Ledger, smiley: int) -> list[PlacementRow]:
    """The placements of a smiley, by their start."""
    text = f"SELECT starts_at, node_id, ends_at FROM placement {_OF_SMILEY} ORDER BY starts_at"
    return [PlacementRow(*row) for row in ledger.transaction.rows(text, o=ledger.organization, smiley=smiley)]


def select_next_start(ledger: Ledger, smiley: int, start: Instant) -> Instant | None:
    """The start of a smiley's first placement after an instant; None if there is none."""
    text = f"SELECT min(starts_at) FROM placement {_OF_SMILEY} AND starts_at > :start"
    row = first_row(ledger, text, smiley=smiley, start=start)
    return row[0] if row else None


def upsert_placement(ledger: Ledger, smiley: int, placement: PlacementRow) -> None:
    """Inserts a placement of a smiley, or replaces the one with the same start."""
    ledger.transaction.insert(
        schema.placement,
        [(ledger.organization, smiley, *placement)],
        """ON CONFLICT (organization_id, smiley_id, starts_at)
        DO UPDATE SET node_id = excluded.node_id, ends_at = excluded.ends_at""",
    )
    ledger.changed(Part.PLACEMENT, smiley)


def end_placements(ledger: Ledger, smiley: int, end: Instant) -> int:
    """Ends, at an instant, the placements of a smiley that began before it and last longer; returns their number."""
    text = f"UPDATE placement SET ends_at = :end {_OF_SMILEY} AND starts_at < :end"
    ended = run(ledger, f"{text} AND (ends_at IS NULL OR ends_at > :end)", smiley=smiley, end=end)
    if ended:
        ledger.changed(Part.PLACEMENT, smiley)
    return ended


def delete_placements(ledger: Ledger, smiley: int, start: Instant) -> int:
    """Deletes the placements of a smiley that begin at or after an instant; returns their number."""
    text = f"DELETE FROM placement {_OF_SMILEY} AND starts_at >= :start"
    deleted = run(ledger, text, smiley=smiley, start=start)
    if deleted:
        ledger.changed(Part.PLACEMENT, smiley)
    return deleted
