"""Corrections of what a source says of a text."""

from __future__ import annotations

from uuid import UUID

from hymio.access import DataKind, Permission, Principal
from hymio.errors import NotFound
from hymio.manage.change import Batch, changing
from hymio.period import Instant
from hymio.store import Store
from hymio.store.personal_rows import press_with_id
from hymio.store.spam import insert_spam_mark, is_spam


def mark_spam(store: Store | Batch, principal: Principal, feedback: UUID, *, spam: bool, now: Instant) -> None:
    """Says that the text of a feedback is spam or is not, from this revision on, whatever its source says.

    Older revisions still show what held then. Without a change nothing is stored. Forbidden without the kind of data
    of texts; NotFound, with the same text, for a feedback that does not exist, has no text, or is outside the scope.
    """
    with changing(store, principal, Permission.CORRECT_TEXTS, now) as change:
        principal.require_kind(DataKind.TEXT_FEEDBACKS)
        transaction, layout = change.ledger.transaction, change.ledger.layout
        press = press_with_id(transaction, layout.organization, layout.smileys, feedback)
        node = layout.assignments[press.assignment].node if press is not None and press.assignment > 0 else None
        is_reached = change.reaches(node)
        before = None if press is None else is_spam(transaction, layout.organization, press.press)
        if press is None or not is_reached or before is None:
            raise NotFound("unknown-feedback", "there is no feedback {feedback}", feedback=str(feedback))
        if before != spam:
            insert_spam_mark(transaction, layout.organization, press.press, change.ledger.revision, spam=spam)
            change.audit("mark-spam", f"feedback {feedback}", node=node, old=before, new=spam)
