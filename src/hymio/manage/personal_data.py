"""People's data: how long an organization keeps each kind; permission and audit row of what is erased on request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from hymio.access import Permission, Principal
from hymio.errors import NotFound, SetupError
from hymio.manage.change import Batch, Change, changing, instant_text, reading
from hymio.manage.checks import check_instant
from hymio.period import Instant
from hymio.personal_data import (
    Erasure,
    OfContact,
    OfFeedback,
    OfOrganization,
    OfPeriod,
    PersonalData,
    check_days,
)
from hymio.store import Store
from hymio.store.catalog.shared_links import select_links
from hymio.store.personal_rows import press_with_id
from hymio.store.retention import retention_days, set_retention_days

_LISTED_IDS: Final = 50
"""Ids of feedback that an audit row lists."""


def retention(store: Store | Batch, principal: Principal) -> dict[PersonalData, int | None]:
    """How many days the principal's organization keeps each kind of people's data; None is without limit. Forbidden."""
    principal.require(Permission.READ_SETUP)
    with reading(store) as transaction:
        return retention_days(transaction, principal.organization)


def set_retention(
    store: Store | Batch, principal: Principal, kind: PersonalData, days: int | None, *, now: Instant
) -> None:
    """Sets how many days a kind of people's data is kept; None is without limit.

    The job `erase-expired` erases what is older. SetupError for a number outside 1 to MAX_DAYS; Forbidden below the
    root.
    """
    with changing(store, principal, Permission.ERASE, now) as change:
        change.require_whole_tree()
        check_days(days)
        transaction, organization = change.ledger.transaction, change.ledger.organization
        before = retention_days(transaction, organization)[kind]
        if before != days:
            set_retention_days(transaction, organization, kind, days)
            change.audit("set-retention", kind.value, old=before, new=days)


def begin_erasure(
    store: Store | Batch, principal: Principal, erasure: Erasure, found: Mapping[PersonalData, int], *, now: Instant
) -> int:
    """Notes that people's data is erased, with how many rows of each kind there are; called before `intake.erase`.

    Of a person it erases the shared links that have the contact, which ends them, and returns their number.
    Neither the contact nor anything that is erased is in the audit row. Forbidden, and below the root also for a
    person or an organization; NotFound for a node or feedback that the principal does not reach; SetupError for an
    empty period.
    """
    with changing(store, principal, Permission.ERASE, now) as change:
        node, subject, what = _checked(change, erasure)
        links = _links(change, erasure)
        change.ledger.erased.erase_links(links)
        rows = {kind.value: number for kind, number in found.items() if number}
        what = {**what, "links": len(links)} if links else what
        change.audit("begin-erasure", subject, node=node, new={**what, "found": rows})
        return len(links)


def _links(change: Change, erasure: Erasure) -> list[int]:
    """The shared links that have a person's contact in their name or words, ended ones too."""
    if not isinstance(erasure, OfContact):
        return []
    stored = select_links(change.ledger.transaction, change.ledger.organization)
    return [link.id for link in stored if link.terms.has(erasure.contact)]


def _checked(change: Change, erasure: Erasure) -> tuple[int | None, str, dict[str, object]]:
    """Checks what an erasure takes; the node that it concerns, its subject in the audit log, and what is said of it."""
    match erasure:
        case OfFeedback(ids):
            for identity in ids:
                _require_feedback(change, identity)
            return None, "feedback", {"ids": [str(identity) for identity in ids[:_LISTED_IDS]], "number": len(ids)}
        case OfPeriod(node, start, end):
            change.require_node(node)
            check_instant(start)
            check_instant(end)
            if start >= end:
                raise SetupError("empty-period", "the period ends before it begins")
            return node, f"node {node}", {"from": instant_text(start), "until": instant_text(end)}
        case OfContact() | OfOrganization():
            change.require_whole_tree()
            who = "a person" if isinstance(erasure, OfContact) else f"organization {change.ledger.organization}"
            return None, who, {}


def _require_feedback(change: Change, identity: UUID) -> None:
    """NotFound unless there is the feedback and the principal reaches the point of its assignment.

    What is in quarantine has no assignment and takes the whole tree.
    """
    layout = change.ledger.layout
    found = press_with_id(change.ledger.transaction, layout.organization, layout.smileys, identity)
    node = layout.assignments[found.assignment].node if found is not None and found.assignment > 0 else None
    if not change.reaches(node) or found is None:
        raise NotFound("unknown-feedback", "there is no feedback {feedback}", feedback=str(identity))
