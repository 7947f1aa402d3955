"""The write side of one organization: a serialized transaction, and what may be written in it."""

from hymio.store.ledger.ledger import COUNTS, FEEDBACK, Change, Ledger, additions

__all__ = ["COUNTS", "FEEDBACK", "Change", "Ledger", "additions"]
