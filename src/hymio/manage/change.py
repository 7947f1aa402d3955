"""What all verbs share: permission, scope, change and audit row, in their own commit or in a savepoint of a batch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from hymio.access import Permission, Principal, Role
from hymio.errors import Forbidden, NotFound, Phrase, SetupError
from hymio.hierarchy import BEGINNING, Hierarchy
from hymio.period import Instant, format_timestamp
from hymio.setup import Content, Layout
from hymio.smiley import CLOCK_TOLERANCE
from hymio.store import Store
from hymio.store.catalog import nodes, rows
from hymio.store.catalog.audit import AuditRow, insert_audit_rows
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger

NOUNS: Final[Mapping[str, Phrase]] = {
    "alert": Phrase("alert"),
    "alert_comment": Phrase("alert comment"),
    "alert_specification": Phrase("alert specification"),
    "assignment": Phrase("assignment"),
    "consent": Phrase("consent text of survey"),
    "followup_option": Phrase("follow-up option"),
    "followup_question": Phrase("follow-up question"),
    "node": Phrase("node"),
    "organization": Phrase("organization"),
    "question": Phrase("question"),
    "smiley": Phrase("smiley"),
    "survey": Phrase("survey"),
    "user_account": Phrase("user account"),
}
"""The words for rows of each table in the texts of errors."""

_MAX_VALUE = 4_000
"""Characters of an old or new value in the audit log; of a longer one the beginning is stored as a JSON string."""


def id_refused(table: str, identity: int) -> SetupError:
    """The error for a new row's id that is taken or outside 1 to MAX_ID."""
    return SetupError(
        "id-taken",
        "{kind} {id} exists already, or is not a number from 1 to {most}",
        kind=NOUNS[table],
        id=identity,
        most=rows.MAX_ID,
    )


def whole_tree_needed() -> Forbidden:
    """The error for what belongs to no node, where the scope is not the whole tree."""
    return Forbidden("whole-tree-needed", "this takes a scope that is the whole tree")


class Batch:
    """Many verbs in one commit, each in a savepoint: if one raises and the caller catches it, the others stand."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.audit_rows: list[AuditRow] = []

    @property
    def organization(self) -> int:
        """The organization whose set-up is changed."""
        return self.ledger.organization

    @property
    def now(self) -> Instant:
        """The instant of the commit."""
        return self.ledger.now

    @property
    def layout(self) -> Layout:
        """The layout with the changes of the verbs so far."""
        return self.ledger.layout

    @property
    def content(self) -> Content:
        """The content with the changes of the verbs so far."""
        return self.ledger.content


@contextmanager
def batch(store: Store, organization: int, now: Instant) -> Iterator[Batch]:
    """A batch, committed at the end; an exception undoes it all. NotFound for an unknown organization; Unavailable."""
    store.layout(organization)  # what other processes changed is read now, not while the ledger is locked
    with store.begin(organization, now) as ledger, batch_of(ledger) as verbs:
        yield verbs


@contextmanager
def batch_of(ledger: Ledger) -> Iterator[Batch]:
    """A batch in an open ledger; its audit rows are written at the end."""
    verbs = Batch(ledger)
    yield verbs
    insert_audit_rows(ledger, verbs.audit_rows)


@dataclass(frozen=True, slots=True)
class TakesEffect:
    """From when a change of the set-up acts, and what is stored there already.

    `since` is BEGINNING for one that always acts. `oldest` is the instant of the oldest stored feedback below: of any
    where the change acts from now on, so that all keeps what it was settled with; of that from `since` on where it acts
    on stored feedback, once that is resettled. None without any.
    """

    since: Instant
    oldest: Instant | None


class Change:
    """One running verb: its ledger, principal and audit row. `audit` raises if the verb has not checked the scope."""

    def __init__(self, ledger: Ledger, principal: Principal, now: Instant, audit_rows: list[AuditRow]) -> None:
        self.ledger = ledger
        self.principal = principal
        self.now = now
        self._audit_rows = audit_rows
        self._is_reach_checked = False

    @property
    def received_at(self) -> Instant:
        """Now or, where the clock is behind, the newest receive time: nothing stored was received later."""
        return max(self.now, self.ledger.received_at)

    @property
    def from_now_on(self) -> Instant:
        """The first instant after all stored presses: the clock of a device may be ahead by CLOCK_TOLERANCE."""
        return self.received_at + CLOCK_TOLERANCE + 1

    def reaches(self, node: int | None) -> bool:
        """Whether a node or, with None, the whole tree is in the principal's scope."""
        self._is_reach_checked = True
        if self.principal.node is None:
            return True
        hierarchy = self.ledger.layout.hierarchy
        if node is None:
            return self.principal.reaches_all(hierarchy)
        return node in hierarchy.nodes and self.principal.reaches(hierarchy, node)

    def require_whole_tree(self) -> None:
        """Raises Forbidden unless the principal's scope is the whole tree; needed for objects that have no node."""
        if not self.reaches(None):
            raise whole_tree_needed()

    def require_node(self, node: int) -> nodes.NodeRow:
        """The row of a node. NotFound if it does not exist or is outside the scope."""
        row = nodes.select_node(self.ledger, node) if rows.is_id(node) else None
        if row is None or not self.reaches(node):
            raise NotFound("unknown-node", "there is no node {node}", node=node)
        return row

    def new_id(self, table: str, given: int | None) -> int:
        """The given id for a new row of a table, or else the next one. SetupError if it is taken or not 1 to MAX_ID."""
        identity = rows.next_id(self.ledger, table) if given is None else given
        if not rows.is_id(identity) or (given is not None and rows.exists(self.ledger, table, identity)):
            raise id_refused(table, identity)
        return identity

    def audit(
        self, verb: str, subject: str, *, node: int | None = None, from_node: int | None = None,
        old: object = None, new: object = None,
    ) -> None:  # fmt: skip
        """Appends this verb's row to the audit log, with `old` and `new` as JSON, which must have no secret or hash.

        `from_node` is where a moved object was, so that a principal with only that node in scope sees that it left.
        """
        if not self._is_reach_checked:
            raise RuntimeError(f"{verb} did not check what the principal reaches")
        row = AuditRow(
            self.ledger.revision, len(self._audit_rows) + 1, self.now, self.principal.name, self.principal.via.value,
            verb, node, from_node if from_node != node else None, subject, _json(old), _json(new),
        )  # fmt: skip
        self._audit_rows.append(row)


@contextmanager
def changing(
    store: Store | Batch, principal: Principal, permission: Permission, now: Instant, *, node: int | None = None
) -> Iterator[Change]:
    """The context of one verb. Forbidden without the permission; NotFound for a `node` outside the scope."""
    principal.require(permission)
    if isinstance(store, Batch):
        with _verb(store, principal, now, node) as change:
            yield change
        return
    with batch(store, principal.organization, now) as alone, _verb(alone, principal, now, node) as change:
        yield change


@contextmanager
def _verb(within: Batch, principal: Principal, now: Instant, node: int | None) -> Iterator[Change]:
    """One verb of a batch in a savepoint: if it raises, its changes are undone and its audit row is removed."""
    if within.organization != principal.organization:
        raise NotFound(
            "unknown-organization", "there is no organization {organization}", organization=within.organization
        )
    before = len(within.audit_rows)
    try:
        with within.ledger.savepoint():
            change = Change(within.ledger, principal, now, within.audit_rows)
            if node is not None:
                change.require_node(node)
            yield change
    except BaseException:
        del within.audit_rows[before:]
        raise


def hierarchy_in(store: Store | Batch, transaction: Transaction, principal: Principal) -> Hierarchy:
    """The tree of the principal's organization as a transaction sees it. NotFound for no organization."""
    if isinstance(store, Batch):
        return store.layout.hierarchy
    return store.layout_now(transaction, principal.organization).hierarchy


@dataclass(frozen=True, slots=True)
class Reach:
    """The scope of a principal as of one transaction: the nodes of its subtree, or the whole tree."""

    is_whole_tree: bool
    nodes: frozenset[int]

    def holds(self, node: int | None) -> bool:
        """Whether a row at a node is in scope; None is for a row without a node, for which the whole tree must be."""
        return self.is_whole_tree or node in self.nodes


def reach_in(store: Store | Batch, transaction: Transaction, principal: Principal) -> Reach:
    """The scope of a principal as of a transaction: resolved once, then a set lookup for each row."""
    if principal.node is None:
        return Reach(True, frozenset())
    hierarchy = hierarchy_in(store, transaction, principal)
    root = principal.root(hierarchy)
    nodes = frozenset(() if root is None else (node.id for node in hierarchy.subtree(root)))
    return Reach(principal.reaches_all(hierarchy), nodes)


def require_own_permissions(change: Change, role: Role) -> None:
    """Raises Forbidden if a role has a permission that the principal does not have and could thereby gain."""
    further = sorted(permission.value for permission in role.permissions - change.principal.role.permissions)
    if further:
        raise Forbidden(
            "more-than-own-role",
            "the role {role} has permissions that the role {own} does not have: {missing}",
            role=role.value,
            own=change.principal.role.value,
            missing=", ".join(further),
        )


@contextmanager
def reading(store: Store | Batch) -> Iterator[Transaction]:
    """A transaction to read in: a new one, or that of a batch."""
    if isinstance(store, Batch):
        yield store.ledger.transaction
        return
    with store.read() as transaction:
        yield transaction


def instant_text(at: Instant | None) -> str | None:
    """An instant as the audit log shows it, in UTC; None for BEGINNING, from which a setting has always applied."""
    if at is None or at == BEGINNING:
        return None
    try:
        return format_timestamp(at, 0, utc=True)
    except (ValueError, OverflowError):  # beyond the years of the calendar
        return f"{at} ms"


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _json(value: object) -> str:
    """A value as JSON, cut to _MAX_VALUE characters."""
    text = _encode(value)
    return text if len(text) <= _MAX_VALUE else _encode(text[:_MAX_VALUE] + "…")
