"""Rows of the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hymio.period import Instant
from hymio.store import schema
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger


class AuditRow(NamedTuple):
    """One verb of one commit: who changed what; `old` and `new` are JSON.

    `from_node` is where a moved thing was before.
    """

    revision: int
    number: int
    at: Instant
    actor: str
    via: str
    verb: str
    node: int | None
    from_node: int | None
    subject: str
    old: str
    new: str


class AuditFilter(NamedTuple):
    """Which rows are selected: at, to or from one of some nodes, of an actor or verb, in [since, until); None: any."""

    nodes: Sequence[int] | None = None
    actor: str | None = None
    verb: str | None = None
    since: Instant | None = None
    until: Instant | None = None


def insert_audit_rows(ledger: Ledger, rows: Sequence[AuditRow]) -> None:
    """Inserts the audit rows of a commit."""
    ledger.transaction.insert(schema.audit, [(ledger.organization, *row) for row in rows])


def select_audit_rows(
    transaction: Transaction, organization: int, selection: AuditFilter, limit: int
) -> list[AuditRow]:
    """The `limit` newest of the selected rows, newest first."""
    conditions, bound = ["organization_id = :o"], dict[str, object](o=organization, most=limit)
    for condition, name, value in (
        ("actor = :actor", "actor", selection.actor),
        ("verb = :verb", "verb", selection.verb),
        ("at >= :since", "since", selection.since),
        ("at < :stop", "stop", selection.until),
    ):
        if value is not None:
            conditions.append(condition)
            bound[name] = value
    if selection.nodes is not None:
        to_nodes, from_nodes = transaction.within("node_id", "nodes"), transaction.within("from_node_id", "nodes")
        conditions.append(f"({to_nodes} OR {from_nodes})")
        bound["nodes"] = transaction.among(selection.nodes)
    return _rows(transaction, " AND ".join(conditions), bound)


def _rows(transaction: Transaction, conditions: str, bound: dict[str, object]) -> list[AuditRow]:
    """The newest audit rows that meet conditions."""
    rows = transaction.rows(
        f"""SELECT revision, number, at, actor, via, verb, node_id, from_node_id, subject, old_value, new_value
        FROM audit WHERE {conditions} ORDER BY revision DESC, number DESC LIMIT :most""",
        **bound,
    )
    return [AuditRow(*row) for row in rows]
