"""The write transaction of one organization, with a class for each kind of rows that it reads and writes."""

from hymio.store.ledger.erased import Erased, PressId
from hymio.store.ledger.ledger import Ledger, open_ledger
from hymio.store.ledger.phase_rows import Key as PhaseKey
from hymio.store.ledger.phase_rows import PhaseRows
from hymio.store.ledger.progress import EpochProgress, SmileyState
from hymio.store.ledger.rows import Change, FeedbackRows, Span, additions

__all__ = [
    "Change",
    "EpochProgress",
    "Erased",
    "FeedbackRows",
    "Ledger",
    "PhaseKey",
    "PhaseRows",
    "PressId",
    "SmileyState",
    "Span",
    "additions",
    "open_ledger",
]
