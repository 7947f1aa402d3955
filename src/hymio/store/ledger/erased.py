"""Erasing people's data in one commit, and the tombstones that tell what was erased."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Table

from hymio.personal_data import PersonalData
from hymio.store import schema
from hymio.store.dialect import Row, Transaction
from hymio.store.ledger.changed_days import ANY_ASSIGNMENT, ChangedDays
from hymio.store.personal_rows import PHASES, BodyKey, PressIdentity, PressKey, StoredMessage, Visit, key_columns

PressId = tuple[int, int]
"""Epoch and sequence: a press of one smiley."""

_HASH_BYTES: Final = 16


class Erased:
    """What is erased of an organization, in one write transaction; `revision` is that of tombstones.

    A phase is deleted and leaves a tombstone with the key of its press. The body of a row in quarantine becomes empty
    and its hash a random number. All other rows are deleted.
    """

    def __init__(
        self, transaction: Transaction, organization: int, revision: int, changed_days: ChangedDays
    ) -> None:  # fmt: skip
        self._transaction = transaction
        self._changed_days = changed_days
        self._organization = organization
        self._revision = revision

    # What was erased

    def phases(self, smiley: int, presses: Sequence[PressId]) -> dict[PressId, frozenset[str]]:
        """The names of the erased phases of a smiley's presses; nothing of a press without any."""
        wanted = self._transaction.pair_table("keys", ("epoch", "sequence"))
        rows = self._transaction.rows(
            f"""SELECT t.epoch, t.sequence, t.phase FROM {wanted} AS k CROSS JOIN tombstone t
            WHERE t.organization_id = :o AND t.smiley_id = :smiley AND t.epoch = k.epoch AND t.sequence = k.sequence""",
            o=self._organization,
            smiley=smiley,
            **self._transaction.pairs("keys", presses),
        )
        names: defaultdict[PressId, set[str]] = defaultdict(set)
        for epoch, sequence, name in rows:
            names[epoch, sequence].add(name)
        return {press: frozenset(of_press) for press, of_press in names.items()}

    def bodies(self, smiley: int, presses: Sequence[PressId]) -> set[PressId]:
        """Those of a smiley's presses of which quarantine has an erased body."""
        wanted = self._transaction.pair_table("keys", ("epoch", "sequence"))
        rows = self._transaction.rows(
            f"""SELECT DISTINCT q.epoch, q.sequence FROM {wanted} AS k CROSS JOIN quarantine q
            WHERE q.organization_id = :o AND q.smiley_id = :smiley AND q.epoch = k.epoch AND q.sequence = k.sequence
            AND q.erased_revision IS NOT NULL""",
            o=self._organization,
            smiley=smiley,
            **self._transaction.pairs("keys", presses),
        )
        return {(row[0], row[1]) for row in rows}

    # Erasing

    def erase_phases(self, kind: PersonalData, rows: Sequence[Row]) -> None:
        """Deletes rows of a phase by their keys; the tombstones cover the whole phase of each press."""
        self._delete(PHASES[kind].table, rows)
        for row in rows:
            self._changed_days.note(ANY_ASSIGNMENT, PressKey(*row[:4]).at)
        if kind is PersonalData.TEXTS:
            self._delete_marks(rows)
        self.add_tombstones({PressKey(*row[:4]).identity for row in rows}, [kind])

    def _delete_marks(self, rows: Sequence[Row]) -> None:
        """Deletes what people said of the texts of these keys."""
        self._transaction.many(
            """DELETE FROM spam_mark WHERE organization_id = :o AND at = :at AND smiley_id = :smiley
            AND epoch = :epoch AND sequence = :sequence""",
            [{"o": self._organization, **PressKey(*row[:4])._asdict()} for row in rows],
        )

    def add_tombstones(
        self, presses: Iterable[PressIdentity], kinds: Iterable[PersonalData] = tuple(PHASES)
    ) -> None:  # fmt: skip
        """Adds tombstones of the phases of some kinds of data to presses: what is sent of them later is not stored."""
        names = [PHASES[kind].name for kind in kinds]
        tombstones = [(self._organization, *press, name, self._revision) for press in presses for name in names]
        self._transaction.insert(schema.tombstone, tombstones, "ON CONFLICT DO NOTHING")

    def erase_bodies(self, keys: Sequence[BodyKey]) -> None:
        """Empties bodies in quarantine.

        A press whose sequence is not known is recognized by its hash alone, which therefore stays.
        """
        self._transaction.many(
            """UPDATE quarantine SET body = '', hash = :number, erased_revision = :revision
            WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch AND sequence = :sequence
            AND hash = :hash""",
            [
                {
                    "o": self._organization, "smiley": smiley, "epoch": epoch, "sequence": sequence, "hash": digest,
                    "number": secrets.token_bytes(_HASH_BYTES) if sequence else digest, "revision": self._revision,
                }
                for smiley, epoch, sequence, digest in keys
            ],
        )  # fmt: skip
        self._note_purge(schema.quarantine, keys)

    def erase_messages(self, rows: Sequence[StoredMessage]) -> None:
        """Deletes text messages."""
        self._delete(schema.message, [(row.received_at, row.hash) for row in rows])

    def erase_visits(self, rows: Sequence[Visit]) -> None:
        """Deletes hashes of visitors, unless they were counted again meanwhile."""
        self._transaction.many(
            """DELETE FROM visit
            WHERE organization_id = :o AND assignment_id = :assignment AND visitor = :visitor AND at = :at""",
            [{"o": self._organization, **row._asdict()} for row in rows],
        )
        self._note_purge(schema.visit, rows)

    def erase_comments(self, ids: Sequence[int]) -> None:
        """Deletes comments on alerts."""
        self._delete(schema.alert_comment, [(comment,) for comment in ids])

    def erase_links(self, ids: Sequence[int]) -> None:
        """Deletes shared links, which nobody opens any more."""
        self._delete(schema.shared_link, [(link,) for link in ids])

    def erase_audit_rows(self, rows: Sequence[Row]) -> None:
        """Deletes rows of the audit log by their keys."""
        self._delete(schema.audit, rows)

    def _delete(self, table: Table, rows: Sequence[Row]) -> None:
        """Deletes rows by their keys without the organization."""
        names = key_columns(table)
        condition = " AND ".join(f"{name} = :{name}" for name in names)
        self._transaction.many(
            f"DELETE FROM {table.name} WHERE organization_id = :o AND {condition}",
            [{"o": self._organization, **dict(zip(names, row, strict=True))} for row in rows],
        )
        self._note_purge(table, rows)

    def _note_purge(self, table: Table, rows: Sequence[object]) -> None:
        """Notes that the engine's file may still hold the bytes of a table's erased rows."""
        if rows and self._transaction.keeps_deleted_bytes:
            self._transaction.insert(
                schema.purge_due,
                [(self._organization, table.name, self._revision)],
                "ON CONFLICT (organization_id, name) DO UPDATE SET revision = excluded.revision",
            )
