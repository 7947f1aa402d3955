"""Erasing people's data on request: of some feedback, of a person, of a node and period, or of an organization.

What is to be erased is searched for in pieces, so that it can be counted first; each piece is erased in a commit of its
own. A search that begins anew after a crash finds what is left. Presses, verdicts and hours are never touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from hymio.intake.searching import Piece, pieces
from hymio.period import Instant
from hymio.personal_data import Erasure, PersonalData
from hymio.store import Store, personal_rows
from hymio.store.dialect import Row, Transaction
from hymio.store.ledger import Ledger

Progress = Callable[[int], None]
"""Called with how many more presses and rows were counted or erased."""


class Tally(NamedTuple):
    """How much people's data there is, or was erased: of how many presses, and rows by kind."""

    feedbacks: int = 0
    rows: Mapping[PersonalData, int] = {}

    def plus(self, other: Tally) -> Tally:
        """The sum of this and another tally."""
        return Tally(self.feedbacks + other.feedbacks, Counter(self.rows) + Counter(other.rows))


def find(store: Store, organization: int, erasure: Erasure, progress: Progress = lambda _: None) -> Tally:
    """Counts what `erase` would erase. NotFound for an unknown organization or feedback."""
    total = Tally()
    for piece in pieces(store, organization, erasure):
        with store.read() as transaction:
            total = total.plus(_tally(piece, _phases(transaction, organization, piece)))
        progress(piece.size)
    return total


def erase(
    store: Store, organization: int, erasure: Erasure, now: Instant, progress: Progress = lambda _: None
) -> Tally:
    """Erases people's data; returns how much it was. NotFound for an unknown organization or feedback.

    Each piece is a commit of its own, so presses may keep arriving. Phases of the same presses that arrive later are
    not stored.
    """
    total = Tally()
    for piece in pieces(store, organization, erasure):
        with store.begin(organization, now, yielding=True) as ledger:
            total = total.plus(_erase(ledger, piece))
        progress(piece.size)
    return total


def _erase(ledger: Ledger, piece: Piece) -> Tally:
    """Erases a piece within a commit; returns how much it was.

    Its presses get tombstones of all phases, as do those of which only quarantine has something.
    """
    phases = _phases(ledger.transaction, ledger.organization, piece)
    for kind, rows in phases.items():
        ledger.erased.erase_phases(kind, rows)
    with_phases = [found.press.identity for found in piece.presses]
    in_quarantine = [key.press for key in piece.bodies if key.press is not None]
    ledger.erased.add_tombstones([*with_phases, *in_quarantine])
    ledger.erased.erase_bodies(piece.bodies)
    ledger.erased.erase_messages(piece.messages)
    ledger.erased.erase_visits(piece.visits)
    ledger.erased.erase_comments(piece.comments)
    return _tally(piece, phases)


def _phases(transaction: Transaction, organization: int, piece: Piece) -> dict[PersonalData, list[Row]]:
    """The keys of the rows of phases that belong to a piece's presses, by kind of data."""
    presses = [found.press for found in piece.presses]
    return personal_rows.phases_of(transaction, organization, presses) if presses else {}


def _tally(piece: Piece, phases: Mapping[PersonalData, list[Row]]) -> Tally:
    """How many presses a piece has, and how many rows of each kind of data."""
    rows = Counter({kind: len(of_kind) for kind, of_kind in phases.items()})
    rows[PersonalData.QUARANTINED_BODIES] = len(piece.bodies)
    rows[PersonalData.SMS_MESSAGES] = len(piece.messages)
    rows[PersonalData.VISITOR_HASHES] = len(piece.visits)
    rows[PersonalData.ALERT_COMMENTS] = len(piece.comments)
    return Tally(len(piece.presses), rows)
